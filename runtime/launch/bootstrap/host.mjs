// @ts-check
// The control connection: JSON lines to and from brink. This file is loaded
// before any code of the user's, so what it takes from the globals here is
// what the engine put there.

const { core } = Deno[Deno.internal];
const { stringify, parse } = JSON;
const DateNow = Date;
const encoder = new TextEncoder();
const encode = encoder.encode.bind(encoder);
const exitProcess = Deno.exit;
const connectSocket = Deno.connect;

/** Called with every message of the host but go, by type. */
const handlers = Object.create(null);

/** @type {Deno.UnixConn} */
let connection;
let rid = 0;
let lastWrite = Promise.resolve();

/** The time as the protocol writes it. */
export function now() {
  return new DateNow().toISOString();
}

/**
 * Sends one message. The write is tried at once, so a line that was logged
 * just before an endless loop still gets out; what does not fit into the
 * socket's buffer follows in order.
 * @param {Record<string, unknown>} message
 */
export function send(message) {
  lastWrite = core.writeAll(rid, encode(stringify(message) + "\n"));
  lastWrite.catch(ignore);
}

/** Waits until everything sent so far has left, then ends the process. */
export async function exitAfterFlush(code) {
  try {
    await lastWrite;
  } catch {
    // The host is gone; so are we.
  }
  exitProcess(code);
}

/**
 * Names the handler for one type of message from the host.
 * @param {string} type
 * @param {(message: any) => void} handler
 */
export function on(type, handler) {
  handlers[type] = handler;
}

/** Keeps the process alive although nothing else is pending. */
export function keepAlive() {
  connection.ref();
}

/**
 * Lets the engine go on to the user's module: it leaves the preload phase only
 * when nothing that is referenced is pending.
 */
export function letGo() {
  connection.unref();
}

/**
 * Connects, says hello, and waits at the gate.
 * @param {string} path
 * @returns {Promise<any>} the go message
 */
export async function waitAtGate(path) {
  connection = /** @type {any} */ (await connectSocket({ transport: "unix", path }));
  rid = connection[core.internalRidSymbol];
  for (const name of ["read", "write"]) {
    Deno.permissions.revokeSync(/** @type {any} */ ({ name, path }));
  }
  const gate = Promise.withResolvers();
  on("go", gate.resolve);
  receive();
  send({ type: "hello", protocol: 1, pid: Deno.pid });
  send({ type: "waiting" });
  return gate.promise;
}

/** Reads messages until the connection ends, and the process with it. */
async function receive() {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65536);
  let text = "";
  try {
    for (;;) {
      const n = await connection.read(buffer);
      if (n === null) break;
      text += decoder.decode(buffer.subarray(0, n), { stream: true });
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) dispatch(line);
    }
  } catch {
    // As for the end of the stream.
  }
  exitProcess(0);
}

/** @param {string} line */
function dispatch(line) {
  let message;
  try {
    message = parse(line);
  } catch {
    return; // not a message of this version
  }
  handlers[message.type]?.(message);
}

function ignore() {}
