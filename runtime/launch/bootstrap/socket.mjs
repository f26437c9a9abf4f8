// @ts-check
// The worker's one HTTP socket. The first server to listen gets it, whatever
// port it asked for; a later one waits in vain, as on the hosted platform,
// until the first has closed.

import { send } from "./host.mjs";

/** The address a function is told it listens on (hosted: the same). */
export const HOSTNAME = "0.0.0.0";
export const PORT = 9999;

const { removeSync } = Deno;

let path = "";
let taken = false;
let told = false;

/** Closers of whatever serves, for drain. @type {Set<() => void>} */
const closers = new Set();

/** @param {string} socketPath */
export function setSocketPath(socketPath) {
  path = socketPath;
}

/**
 * Takes the socket.
 * @returns {string | null} its path, or null when somebody else has it
 */
export function claim() {
  if (taken) return null;
  taken = true;
  return path;
}

/** Says whether something listens. */
export function isServing() {
  return taken;
}

/**
 * Something listens now: the host may connect. Told once.
 * @param {() => void} close stops listening; what is in flight goes on
 */
export function listening(close) {
  closers.add(close);
  if (told) return;
  told = true;
  send({ type: "ready" });
}

/**
 * The server is closed: the next one may have the socket.
 * @param {() => void} close as given to listening
 */
export function release(close) {
  if (!closers.delete(close)) return;
  taken = false;
  try {
    removeSync(path);
  } catch {
    // node:http removes the file itself.
  }
}

/** Stops accepting connections; requests in flight and sockets go on. */
export function stopListening() {
  for (const close of closers) close();
}
