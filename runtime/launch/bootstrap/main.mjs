// @ts-check
// brink's side of a Deno worker, preloaded before the user's module. It waits
// at the gate with no code of the user's read, then makes the globals what a
// hosted function sees. Deno reads the user's module graph after this module
// has ended.

import { installConsole } from "./console.mjs";
import { installFaults } from "./faults.mjs";
import { letGo, waitAtGate } from "./host.mjs";
import { installLegacy } from "./legacy.mjs";
import { installLifecycle } from "./lifecycle.mjs";
import { installServe } from "./serve.mjs";
import { setSocketPath } from "./socket.mjs";
import { installSurface, SPAWNING } from "./surface.mjs";

const http = Deno.env.get("BRINK_HTTP_SOCKET");
const control = Deno.env.get("BRINK_CONTROL_SOCKET");
if (Deno.env.get("BRINK_PROTOCOL") !== "1" || !http || !control) {
  console.error("this is a worker of brink, protocol 1: it is started by `brink functions serve`, not by hand");
  Deno.exit(2);
}

setSocketPath(http);
const loadNode = () => import("./node.mjs");
let node = Deno.env.get("BRINK_NODE") === "1" ? await loadNode() : null;
const { env = {}, options } = await waitAtGate(control);
setEnvironment(env);
installFaults();
installConsole();
installServe();
installLegacy();
installLifecycle();
installSurface(options, env);
if (options.node) {
  node ??= await loadNode();
  node.installNode(SPAWNING);
}
letGo();

/**
 * Makes the process's environment the function's: what brink passed for the
 * engine's own use (proxies, registries, tokens) was read by then. Only the time
 * zone stays, since without it the machine's own would apply.
 * @param {Record<string, string>} wanted
 */
function setEnvironment(wanted) {
  for (const name of Object.keys(Deno.env.toObject())) {
    if (name !== "TZ") Deno.env.delete(name);
  }
  for (const [name, value] of Object.entries(wanted)) Deno.env.set(name, value);
}
