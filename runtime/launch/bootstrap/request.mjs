// @ts-check
// What brink adds to a request and what the Unix socket shows of itself, both
// taken away before the function looks; and the request's id, kept for as long
// as work for that request goes on.

import { send } from "./host.mjs";

/** The gateway's header with the request's id, in lower case. */
const HEADER = "x-brink-request-id";

/** How often, in ms, memory is reported while requests go on. */
const MEMORY_INTERVAL = 100;

const { core } = Deno[Deno.internal];
const { performance, setTimeout } = globalThis;
const clock = performance.now.bind(performance);
const unrefTimer = Deno.unrefTimer;

/** What AsyncLocalStorage is made of; that itself costs 8 ms to load. */
const requestID = new core.AsyncVariable();

/** The engine's own request lies behind this symbol of a Request. */
const innerSymbol = Object.getOwnPropertySymbols(new Request("http://brink/"))
  .find((symbol) => symbol.description === "request");

/** The id of the request that the running code works for, or undefined. */
export function currentRequestID() {
  return requestID.get();
}

/**
 * Runs work on behalf of a request.
 * @template T
 * @param {string | undefined} id
 * @param {() => T} work
 * @returns {T}
 */
export function runFor(id, work) {
  const before = requestID.enter(id);
  try {
    return work();
  } finally {
    core.setAsyncContext(before);
  }
}

let readHeader = /** @type {null | ((inner: any) => string | null)} */ (null);

/**
 * Returns the id of a Request as Deno.serve makes it. From the first call on,
 * no Request shows the header or the socket's scheme any more: the methods of
 * the engine's own request are wrapped once, which costs nothing per request
 * and holds for req.clone() and new Request(req) as well.
 * @param {any} request
 * @returns {string | undefined}
 */
export function takeID(request) {
  const inner = request[/** @type {any} */ (innerSymbol)];
  if (readHeader === null) readHeader = wrapInner(Object.getPrototypeOf(inner));
  return readHeader(inner) ?? undefined;
}

/** @param {any} prototype */
function wrapInner(prototype) {
  const { header, url } = prototype;
  const list = Object.getOwnPropertyDescriptor(prototype, "headerList").get;
  prototype.url = function () {
    return plainURL(url.call(this));
  };
  prototype.header = function (name) {
    return isOurs(name) ? null : header.call(this, name);
  };
  Object.defineProperty(prototype, "headerList", {
    configurable: true,
    get() {
      return list.call(this).filter((entry) => !isOurs(entry[0]));
    },
  });
  return (inner) => header.call(inner, HEADER);
}

/**
 * As takeID, for the older Deno.serveHttp, whose requests are plain objects and
 * whose URLs have the socket's path where the host belongs.
 * @param {any} request
 */
export function cleanLegacy(request) {
  const inner = request[/** @type {any} */ (innerSymbol)];
  const host = request.headers.get("host") ?? "localhost";
  const { url } = inner;
  inner.url = function () {
    return url.call(this).replace(/^http\+unix:\/\/[^/]*/, `http://${host}`);
  };
  const list = inner.headerList;
  const at = list.findIndex((entry) => isOurs(entry[0]));
  if (at >= 0) list.splice(at, 1);
}

/** @param {string} url */
function plainURL(url) {
  return url.startsWith("http+unix:") ? "http:" + url.slice(10) : url;
}

/** @param {string} name */
export function isOurs(name) {
  return name.length === HEADER.length && name.toLowerCase() === HEADER;
}

let lastSample = -Infinity;
let sampleDue = false;

/** Tells the host what the heap holds. */
export function sendMemory() {
  lastSample = clock();
  sampleDue = false;
  const { heapUsed, external } = core.memoryUsage();
  send({ type: "memory", heap: heapUsed, external });
}

/** A request is over: report memory now, or soon if that was done just before. */
export function requestEnded() {
  if (sampleDue) return;
  const wait = lastSample + MEMORY_INTERVAL - clock();
  if (wait <= 0) {
    sendMemory();
    return;
  }
  sampleDue = true;
  unrefTimer(setTimeout(sendMemory, wait));
}
