// @ts-check
// Errors that nobody caught. What fails before evaluation starts (syntax, a
// missing module or export) never comes by here: the engine prints it on
// stderr and exits. Everything later does.

import { isOwnFile, withoutOwnFrames } from "./console.mjs";
import { exitAfterFlush, send } from "./host.mjs";

const { core } = Deno[Deno.internal];
const { inspect } = Deno;
const defer = queueMicrotask;

let phase = "evaluate";
let failed = false;

/** The user's module was evaluated: what fails from now on fails at run time. */
export function evaluationEnded() {
  phase = "run";
}

/** Says whether the user's module is still being evaluated. */
export function evaluating() {
  return phase === "evaluate";
}

/**
 * Reports an error as the one that ended this worker, and ends it.
 * @param {unknown} error
 */
export function fail(error) {
  if (failed) return;
  failed = true;
  send({ type: "fault", phase, ...describe(error) });
  exitAfterFlush(1);
}

/** Listens for uncaught errors and rejections, before the user's listeners do. */
export function installFaults() {
  addEventListener("error", (event) => decideLast(event, event.error));
  addEventListener("unhandledrejection", (event) => decideLast(event, event.reason));
  // The hosted platform never dispatches it.
  addEventListener("unload", (event) => event.stopImmediatePropagation());
}

/**
 * Keeps the engine from ending the process by itself, and ends it after the
 * user's own listeners (and node's process.on) had their say.
 * @param {Event} event
 * @param {unknown} error
 */
function decideLast(event, error) {
  let survives = false;
  event.preventDefault();
  Object.defineProperty(event, "preventDefault", {
    configurable: true,
    value: () => void (survives = true),
  });
  defer(() => {
    if (!survives) fail(error);
  });
}

/**
 * The fields of a fault message. Reading an error can run the user's getters,
 * which can throw.
 * @param {any} error
 */
function describe(error) {
  try {
    if (!core.isNativeError(error)) {
      const text = inspect(error, { colors: false });
      return { name: "", message: text, stack: text };
    }
    return {
      name: String(error.name),
      message: String(error.message),
      stack: withCodeFrame(error, withoutOwnFrames(inspect(error, { colors: false }))),
    };
  } catch {
    return { name: "Error", message: "an error that cannot be shown", stack: "" };
  }
}

/**
 * Puts the line of source that threw under the message, as the engine does.
 * @param {Error} error
 * @param {string} text
 */
function withCodeFrame(error, text) {
  const { frames, sourceLine, sourceLineFrameIndex } = core.destructureError(error);
  const frame = frames?.[sourceLineFrameIndex];
  const at = text.indexOf("\n    at ");
  if (!frame || !sourceLine || at < 0 || isOwnFile(frame.fileName)) return text;
  const caret = " ".repeat(Math.max(0, frame.columnNumber - 1)) + "^";
  return `${text.slice(0, at)}\n${sourceLine}\n${caret}${text.slice(at)}`;
}
