// @ts-check
// node:http servers (Express, ws, Hono's adapter) on the worker's own socket,
// whatever port they ask for.

import http from "node:http";
import { isOurs, requestEnded, runFor } from "./request.mjs";
import { claim, HOSTNAME, listening, PORT, release } from "./socket.mjs";

/** The servers that have the socket, and the port each asked for. */
const ports = new WeakMap();

/** Events whose first argument is a request that just came in. */
const REQUEST_EVENTS = new Set([
  "request",
  "upgrade",
  "connect",
  "checkContinue",
  "checkExpectation",
]);

/** How many entries of rawHeaders node has filled in. @type {symbol | undefined} */
let countSymbol;

/** Patches http.Server. */
export function installNodeHTTP() {
  const prototype = http.Server.prototype;
  const { listen, emit, address } = prototype;

  prototype.listen = function (...args) {
    const callback = args.findLast((arg) => typeof arg === "function");
    ports.set(this, Number(args[0]?.port ?? args[0]) || PORT);
    const path = claim();
    if (path === null) {
      if (callback) this.once("listening", callback);
      queueMicrotask(() => this.emit("listening"));
      return this;
    }
    const close = () => void this.close();
    this.once("listening", () => listening(close));
    this.once("close", () => release(close));
    return listen.call(this, { path }, ...(callback ? [callback] : []));
  };

  prototype.address = function () {
    if (!ports.has(this)) return address.call(this);
    return { address: HOSTNAME, family: "IPv4", port: ports.get(this) };
  };

  prototype.emit = function (event, ...args) {
    if (!REQUEST_EVENTS.has(event) || !ports.has(this)) return emit.call(this, event, ...args);
    const id = takeNodeID(args[0]);
    args[1]?.once("close", requestEnded);
    return runFor(id, () => emit.call(this, event, ...args));
  };
}

/**
 * Removes the id from a request's headers and returns it. What node has not
 * read of rawHeaders yet it reads by a count of its own, which has to shrink
 * with them.
 * @param {any} request
 */
function takeNodeID(request) {
  const { rawHeaders, socket } = request;
  if (socket && socket.remoteAddress === undefined) showAsTCP(socket);
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (!isOurs(rawHeaders[i])) continue;
    const [name, id] = rawHeaders.splice(i, 2);
    countSymbol ??= Object.getOwnPropertySymbols(request).find((symbol) => symbol.description === "kHeadersCount");
    if (countSymbol) request[countSymbol] -= 2;
    delete request.headers[name.toLowerCase()];
    return id;
  }
  return undefined;
}

/** A Unix socket has no address; frameworks expect one. */
function showAsTCP(socket) {
  for (const [name, value] of [["remoteAddress", HOSTNAME], ["remotePort", PORT], ["remoteFamily", "IPv4"]]) {
    Object.defineProperty(socket, name, { configurable: true, value });
  }
}
