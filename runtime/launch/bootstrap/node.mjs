// @ts-check
// node: modules as a hosted function has them. Loading them takes 40 ms of CPU
// and 4 MB, so that is done only for functions that use some, before the gate if
// that was known then. They are patched before the engine makes their ES
// modules, so named imports get the same functions; that is why no file of the
// bootstrap may import node:fs.

import { refuse, refuseAbstract } from "./network.mjs";
import { installNodeHTTP } from "./node_http.mjs";
import { asNode, isModule, isTemporary, isStatic, real, shown } from "./paths.mjs";
import { countWrite } from "./quota.mjs";

/** fs functions whose first argument is a path, without their Sync forms. */
const ONE_PATH = [
  "access", "appendFile", "chmod", "chown", "lchown", "lstat", "lutimes", "mkdir", "open", "opendir", "readdir",
  "readFile", "readlink", "realpath", "rm", "rmdir", "stat", "statfs", "truncate", "unlink", "utimes", "writeFile",
];
const TWO_PATHS = ["copyFile", "cp", "link", "rename", "symlink"];
/** fs functions of one path that have one form only. */
const ONE_FORM = ["createReadStream", "createWriteStream", "exists", "existsSync", "openAsBlob"];
const WRITES = ["appendFile", "writeFile"];

/** What may be done to a package's own files, and to static ones. */
const LOOKS = [
  "access", "createReadStream", "exists", "existsSync", "lstat", "open", "openAsBlob", "opendir", "readdir", "readFile",
  "readlink", "realpath", "stat", "statfs",
];

const fs = process.getBuiltinModule("node:fs");
const child = process.getBuiltinModule("node:child_process");
const threads = process.getBuiltinModule("node:worker_threads");
const { Socket } = process.getBuiltinModule("node:net");

/** @param {string} spawning what starting a process says */
export function installNode(spawning) {
  void globalThis.process; // patched when it is looked at; node:process is the same object
  installNodeHTTP();
  installNodeFiles();
  installNodeSockets();
  for (const name of ["exec", "execFile", "execFileSync", "execSync", "fork", "spawn", "spawnSync"]) {
    child[name] = () => {
      throw new Error(spawning);
    };
  }
  // Its CPU time would be no JavaScript thread's that brink looks at.
  threads.Worker = class Worker {
    constructor() {
      throw new Error("Not implemented: worker_threads.Worker");
    }
  };
}

function installNodeSockets() {
  const connect = Socket.prototype.connect;
  Socket.prototype.connect = function (...args) {
    const [first] = Array.isArray(args[0]) ? args[0] : args;
    try {
      const given = typeof first === "object" && first !== null;
      refuse(given ? first.port : first, Error);
      refuseAbstract(given ? first.path : first, Error);
    } catch (error) {
      process.nextTick(() => this.destroy(Object.assign(error, { code: "ECONNREFUSED" })));
      return this;
    }
    return connect.apply(this, args);
  };
}

function installNodeFiles() {
  for (const target of [fs, fs.promises]) {
    for (const name of [...ONE_PATH, ...TWO_PATHS]) {
      for (const form of target === fs ? [name, name + "Sync"] : [name]) {
        if (typeof target[form] === "function") wrapPath(target, form, name);
      }
    }
  }
  for (const name of ONE_FORM) wrapPath(fs, name, name);
  for (const target of [fs, fs.promises]) {
    for (const form of ["mkdtemp", "mkdtempSync"]) {
      if (typeof target[form] === "function") wrapMkdtemp(target, form);
    }
  }
}

/** @param {any} target @param {string} form @param {string} name */
function wrapPath(target, form, name) {
  const engine = target[form];
  const paths = TWO_PATHS.includes(name) ? 2 : 1;
  function wrapped(...args) {
    for (let i = 0; i < paths && i < args.length; i++) {
      if (typeof args[i] !== "string" && !(args[i] instanceof URL)) continue; // a descriptor
      // A link's target is a text of its own.
      if (name === "symlink" && i === 0 && !String(args[i]).startsWith("/")) continue;
      args[i] = place(name, args[i]);
    }
    if (WRITES.includes(name)) countWrite(Buffer.byteLength(args[1] ?? ""));
    const result = asNode(() => engine.apply(this, args));
    if (name !== "realpath") return result;
    return typeof result === "string" ? shown(result) : result instanceof Promise ? result.then(shown) : result;
  }
  Object.assign(wrapped, engine); // realpath.native, exists' promisified form
  Object.defineProperty(wrapped, "name", { value: form });
  target[form] = wrapped;
}

/**
 * Where a path leads. What a function may not see is not there.
 * @param {string} name @param {string | URL} path
 */
function place(name, path) {
  const file = real(path);
  if (isTemporary(file)) return file;
  if (LOOKS.includes(name) && (isModule(file) || isStatic(file))) return file;
  return real("/tmp/.absent") + file; // not there
}

/** @param {any} target @param {string} form */
function wrapMkdtemp(target, form) {
  const engine = target[form];
  target[form] = function (prefix, ...rest) {
    const callback = rest.at(-1);
    if (typeof callback === "function") {
      rest[rest.length - 1] = (error, path) => callback(error, path && shown(path));
    }
    const result = asNode(() => engine.call(this, real(prefix), ...rest));
    if (typeof result === "string") return shown(result);
    return result instanceof Promise ? result.then(shown) : result;
  };
}
