// @ts-check
// The Deno namespace and the globals as a hosted function sees them. None of
// this protects anything: the engine's permissions do. It makes a function fail
// here in the way it would fail there.

import { installFiles } from "./files.mjs";
import { installNetwork } from "./network.mjs";
import { installProcess } from "./process.mjs";

const RUNTIME = "1.74.0";
const COMPATIBLE = "2.1.4";

/** What the hosted runtime calls itself in navigator and in fetch. */
export const USER_AGENT = `Deno/${COMPATIBLE} (variant; SupabaseEdgeRuntime/${RUNTIME})`;

/** What starting a process says. */
export const SPAWNING = "Spawning subprocesses is not allowed on Supabase Edge Runtime.";

/** Names the hosted Deno object does not have. */
const ABSENT = [
  "bench", "ChildProcess", "cron", "dlopen", "exitCode", "inspect", "lint", "listenTls", "openKv", "pid", "ppid",
  "Process", "run", "spawn", "spawnAndWait", "spawnAndWaitSync", "telemetry", "test", "umask", "UnsafeCallback",
  "UnsafeFnPointer", "UnsafePointer", "UnsafePointerView", "watchFs",
];

/** Globals the hosted runtime does not have; all of WebGPU comes on top. */
const ABSENT_GLOBALS = [
  "alert", "BroadcastChannel", "confirm", "EventSource", "localStorage", "prompt", "WebSocketStream", "Worker",
];

/**
 * @param {{ tmp: string, tmpQuota: number, dir: string, cache: string, staticFiles: string[] }} options
 * @param {Record<string, string>} env the function's environment
 */
export function installSurface(options, env) {
  installFiles(options);
  installNetwork(USER_AGENT);
  installProcess(env);
  installEnv(env);
  installSystem();
  installGlobals();
  for (const name of ABSENT) Reflect.deleteProperty(Deno, name);
}

/**
 * Replaces a property of an object, getters included.
 * @param {object} target
 * @param {string} name
 * @param {unknown} value
 */
export function put(target, name, value) {
  Object.defineProperty(target, name, { configurable: true, enumerable: true, writable: true, value });
}

/** Deno.env as hosted: exactly the function's variables, and read only. */
function installEnv(env) {
  const values = { ...env };
  put(Deno, "env", {
    get: (name) => Object.hasOwn(values, name) ? values[name] : undefined,
    has: (name) => Object.hasOwn(values, name),
    toObject: () => ({ ...values }),
    set() {
      throw new Deno.errors.NotSupported("The operation is not supported");
    },
    delete() {},
  });
}

function installSystem() {
  const { memoryUsage, version } = Deno;
  const fixed = {
    consoleSize: { columns: 80, rows: 24 },
    execPath: "/bin/edge-runtime",
    gid: 1000,
    hostname: "localhost",
    loadavg: [0, 0, 0],
    networkInterfaces: [
      address("lo", "127.0.0.1", "255.0.0.0", "127.0.0.1/8"),
      address("eth0", "10.0.0.10", "255.255.255.0", "10.0.0.10/24"),
    ],
    osRelease: "0.0.0-00000000-generic",
    osUptime: 0,
    systemMemoryInfo: { total: 0, free: 0, available: 0, buffers: 0, cached: 0, swapTotal: 0, swapFree: 0 },
    uid: 1000,
  };
  for (const [name, value] of Object.entries(fixed)) {
    put(Deno, name, () => structuredClone(value));
  }
  put(Deno, "memoryUsage", () => ({ ...memoryUsage(), rss: 0 }));
  put(Deno, "version", {
    ...version,
    deno: `supabase-edge-runtime-${RUNTIME} (compatible with Deno v${COMPATIBLE})`,
    v8: "11.6.189.12",
    typescript: "5.1.6",
  });
  for (const name of ["exit", "kill", "addSignalListener", "removeSignalListener"]) put(Deno, name, () => {});
  put(Deno, "isatty", () => false);
  put(Deno, "Command", Command);
  put(Deno, "permissions", new Permissions());
}

function address(name, address, netmask, cidr) {
  return { family: "IPv4", name, address, netmask, scopeid: null, cidr, mac: "00:00:00:00:00:00" };
}

/** Deno.Command: made, but never run. */
class Command {
  spawn() {
    throw new Error(SPAWNING);
  }
  outputSync() {
    throw new Error(SPAWNING);
  }
  async output() {
    throw new Error(SPAWNING);
  }
}

/** Deno.permissions: everything is granted, whatever a call then says. */
class Permissions {
  async query(descriptor) {
    return this.querySync(descriptor);
  }
  async request(descriptor) {
    return this.querySync(descriptor);
  }
  async revoke(descriptor) {
    return this.querySync(descriptor);
  }
  requestSync(descriptor) {
    return this.querySync(descriptor);
  }
  revokeSync(descriptor) {
    return this.querySync(descriptor);
  }
  querySync(_descriptor) {
    return Object.assign(new EventTarget(), { state: "granted", partial: false, onchange: null });
  }
}

function installGlobals() {
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (ABSENT_GLOBALS.includes(name) || name === "GPU" || /^GPU[A-Z]/.test(name)) Reflect.deleteProperty(globalThis, name);
  }
  for (const [name, value] of [["userAgent", USER_AGENT], ["hardwareConcurrency", 1]]) {
    Object.defineProperty(navigator, name, { configurable: true, enumerable: true, get: () => value });
  }
  const add = (name, value) => Object.defineProperty(globalThis, name, { configurable: true, value });
  add("SUPABASE_VERSION", RUNTIME);
  add("DENO_VERSION", COMPATIBLE);
  put(globalThis, "SharedArrayBuffer", ArrayBuffer);
  put(WebAssembly, "Memory", new Proxy(WebAssembly.Memory, {
    construct(target, [descriptor], newTarget) {
      if (descriptor?.shared) throw new TypeError("Creating a shared memory is not supported");
      return Reflect.construct(target, [descriptor], newTarget);
    },
  }));
}
