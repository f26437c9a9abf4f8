// @ts-check
// console.* goes to the host, formatted by the engine's own formatter.

import { now, send } from "./host.mjs";
import { currentRequestID } from "./request.mjs";

/** Longest message the hosted platform keeps, in characters. */
const MAX_MESSAGE = 10_000;

/** The protocol's levels, by the engine's numbers. */
const LEVELS = ["debug", "info", "warning", "error"];

const OWN_FOLDER = new URL(".", import.meta.url).href;
const ownFrame = new RegExp(`\\n\\s*at [^\\n]*${OWN_FOLDER.replace(/[.+*?^$()[\]{}|\\]/g, "\\$&")}[^\\n ]*( \\{)?(?=\\n|$)`, "g");

/** @param {string | null} url of a stack frame's file */
export function isOwnFile(url) {
  return url?.startsWith(OWN_FOLDER) ?? false;
}

/**
 * Takes the frames of brink's own files out of a printed stack.
 * @param {string} text
 */
export function withoutOwnFrames(text) {
  return text.includes(OWN_FOLDER) ? text.replace(ownFrame, "$1") : text;
}

/**
 * Sends one line.
 * @param {string} text
 * @param {number} level
 */
export function log(text, level) {
  if (text.endsWith("\n")) text = text.slice(0, -1);
  text = withoutOwnFrames(text);
  if (text.length > MAX_MESSAGE) {
    text = `${text.slice(0, MAX_MESSAGE)}… (cut: ${text.length} characters)`;
  }
  send({
    type: "log",
    level: LEVELS[level] ?? "error",
    message: text,
    request_id: currentRequestID(),
    time: now(),
  });
}

/**
 * Replaces the methods of the console object, which node:console shares. An
 * attached inspector still gets every call with its objects.
 */
export function installConsole() {
  const { Console, core } = Deno[Deno.internal];
  const methods = new Console(log);
  const inspector = core.v8Console;
  for (const name of Object.keys(methods)) {
    const method = methods[name];
    if (typeof method !== "function") continue;
    const both = name in inspector ? core.callConsole.bind(methods, inspector[name], method) : method;
    Object.defineProperty(both, "name", { value: name });
    console[name] = both;
  }
}
