// @ts-check
// Deno.serve and export default { fetch }, on the worker's own socket.

import { requestEnded, runFor, takeID } from "./request.mjs";
import { claim, HOSTNAME, listening, PORT, release } from "./socket.mjs";

const serveEngine = Deno.serve;
const { Response } = globalThis;
const isResponse = (value) => Object.prototype.isPrototypeOf.call(Response.prototype, value);

/** Replaces Deno.serve. */
export function installServe() {
  Object.defineProperty(Deno, "serve", {
    configurable: true,
    enumerable: true,
    writable: true,
    value: serve,
  });
}

/**
 * Deno.serve in all its forms. Every option but handler, onListen and onError
 * is ignored, as on the hosted platform.
 */
function serve(first, second) {
  const options = (typeof first === "function" ? second : first) ?? {};
  const handler = typeof first === "function"
    ? first
    : typeof second === "function"
    ? second
    : options.handler;
  if (typeof handler !== "function") {
    throw new TypeError("A handler function must be provided.");
  }
  const path = claim();
  const server = path === null ? idleServer() : listenOn(path, handler, options.onError);
  if (typeof options.onListen === "function") {
    options.onListen({ hostname: HOSTNAME, port: PORT });
  }
  return server;
}

/**
 * Serves default.fetch of the user's module, if it has one and nothing listens.
 * @param {any} exported the module's default export
 */
export function serveDefault(exported) {
  if (exported === null || (typeof exported !== "object" && typeof exported !== "function")) return;
  if (!Object.hasOwn(exported, "fetch")) return;
  if (typeof exported.fetch !== "function") {
    throw new TypeError("Invalid type for fetch: must be a function with a single or no parameter");
  }
  const path = claim();
  if (path !== null) listenOn(path, (request) => exported.fetch(request), undefined);
}

/**
 * @param {string} path
 * @param {(request: Request, info: object) => any} handler
 * @param {undefined | ((error: unknown) => any)} onError
 */
function listenOn(path, handler, onError) {
  // The engine's shutdown says Close 1001 to every open WebSocket. Those are to
  // outlive a drain, after which nobody connects any more, so nothing is closed.
  const close = () => {};
  const server = serveEngine({
    path,
    automaticCompression: true,
    onListen: () => {},
  }, (request) => answer(request, handler, onError));
  listening(close);
  const finished = server.finished.finally(() => release(close));
  return {
    addr: { transport: "tcp", hostname: HOSTNAME, port: PORT },
    finished,
    shutdown: async () => {
      await server.shutdown();
      await finished;
    },
    ref: () => server.ref(),
    unref: () => server.unref(),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A server that nobody reaches: another one has the socket. */
function idleServer() {
  const { promise: finished, resolve } = Promise.withResolvers();
  const shutdown = async () => void resolve(undefined);
  return {
    addr: { transport: "tcp", hostname: HOSTNAME, port: PORT },
    finished,
    shutdown,
    ref() {},
    unref() {},
    [Symbol.asyncDispose]: shutdown,
  };
}

/** Runs the user's handler for one request; never throws. */
function answer(request, handler, onError) {
  return runFor(takeID(request), async () => {
    let response;
    try {
      const info = { remoteAddr: { transport: "tcp", hostname: HOSTNAME, port: PORT } };
      response = checked(await handler(request, info));
    } catch (error) {
      response = await answerError(error, onError);
    }
    requestEnded();
    return response;
  });
}

/** @param {any} value */
function checked(value) {
  if (isResponse(value)) return value;
  console.error(
    "First argument to 'respondWith' must be a Response or a promise resolving to a Response",
  );
  return new Response("Bad Gateway", { status: 502 });
}

async function answerError(error, onError) {
  if (typeof onError === "function") {
    try {
      return checked(await onError(error));
    } catch (second) {
      Promise.reject(second); // unhandled, on purpose: it ends the worker
    }
  } else {
    console.error(error);
  }
  return new Response("Internal Server Error", { status: 500 });
}
