// @ts-check
// Deno.listen with Deno.serveHttp, as the std library's old
// https://deno.land/std@0.168.0/http/server.ts uses them.

import { cleanLegacy, requestEnded } from "./request.mjs";
import { claim, HOSTNAME, listening, PORT, release } from "./socket.mjs";

const listenEngine = Deno.listen;
const serveHttpEngine = Deno.serveHttp;

/** The connections that came in by the worker's socket. */
const ours = new WeakSet();

/** Replaces Deno.listen and Deno.serveHttp. */
export function installLegacy() {
  Deno.listen = listen;
  Deno.serveHttp = serveHttp;
}

function listen(options) {
  const isTCP = (options?.transport ?? "tcp") === "tcp";
  const path = isTCP ? claim() : null;
  if (path === null) return listenEngine(options);
  const listener = listenEngine({ transport: "unix", path });
  const close = () => {
    release(close);
    closeEngine();
  };
  const closeEngine = listener.close.bind(listener);
  const accept = listener.accept.bind(listener);
  const addr = { transport: "tcp", hostname: options?.hostname ?? HOSTNAME, port: options?.port || PORT };
  const override = (target, name, value) => Object.defineProperty(target, name, { configurable: true, value });
  override(listener, "addr", addr);
  override(listener, "close", close);
  override(listener, "accept", async () => {
    const connection = await accept();
    ours.add(connection);
    override(connection, "localAddr", addr);
    override(connection, "remoteAddr", { transport: "tcp", hostname: HOSTNAME, port: PORT });
    return connection;
  });
  listening(close);
  return listener;
}

function serveHttp(connection) {
  const http = serveHttpEngine(connection);
  if (!ours.has(connection)) return http;
  const next = http.nextRequest.bind(http);
  http.nextRequest = async () => {
    const event = await next();
    if (event === null) return null;
    cleanLegacy(event.request);
    const respond = event.respondWith.bind(event);
    return {
      request: event.request,
      respondWith: (response) => respond(response).finally(requestEnded),
    };
  };
  return http;
}
