// @ts-check
// Deno's file functions as a hosted function has them: a /tmp of its own, its
// static files to read, nothing else.

import { evaluating } from "./faults.mjs";
import { isModule, isNode, isStatic, isTemporary, real, setPlaces, shown, tmpRoot } from "./paths.mjs";
import { countWrite, setQuota } from "./quota.mjs";
import { put } from "./surface.mjs";

/** Functions that the hosted runtime has taken away, without their Sync forms. */
const BLOCKED = [
  "chmod", "chown", "copyFile", "link", "symlink", "readLink", "rename", "truncate", "utime",
];
const BLOCKED_EXACTLY = ["chdir", "openSync", "createSync"];

/** Functions of one path. */
const OPEN = ["open", "create"];
const WRITE = ["writeFile", "writeTextFile"];
const READ = ["readFile", "readTextFile"];
const LOOK = ["stat", "lstat", "realPath", "readDir", "mkdir", "remove"];

/** Functions of one path whose Sync form is only there while the module is evaluated. */
const RESTRICTED = [...WRITE, ...LOOK.filter((name) => name !== "realPath"), "makeTempDir", "makeTempFile"];

/** @param {any} options */
export function installFiles(options) {
  setPlaces(options);
  setQuota(tmpRoot(), options.tmpQuota);
  for (const name of [...OPEN, ...WRITE, ...READ, ...LOOK]) {
    wrap(name);
    if (!OPEN.includes(name)) wrap(name + "Sync");
  }
  for (const name of ["makeTempDir", "makeTempFile"]) {
    for (const form of [name, name + "Sync"]) wrapTemporary(form);
  }
  for (const name of [...BLOCKED, ...BLOCKED.map((n) => n + "Sync"), ...BLOCKED_EXACTLY]) {
    const engine = Deno[name];
    if (!engine) continue;
    put(Deno, name, (...args) => {
      if (isNode()) return engine(...args);
      throw new Deno.errors.PermissionDenied(`Deno.${name} is blocklisted`);
    });
  }
  put(Deno, "FsFile", function FsFile() {
    throw new Deno.errors.PermissionDenied("Deno.FsFile is blocklisted");
  });
}

/**
 * Replaces one function of a path. An async one rejects where a sync one throws.
 * @param {string} name
 */
function wrap(name) {
  const engine = Deno[name];
  const isSync = name.endsWith("Sync");
  const base = isSync ? name.slice(0, -4) : name;
  const run = (path, rest) => {
    if (isNode()) return engine(path, ...rest);
    if (isSync) checkContext(name, base);
    const file = real(path);
    checkPlace(base, file, path, rest);
    if (WRITE.includes(base)) countWrite(sizeOf(rest[0]));
    const result = engine(file, ...rest);
    return base === "realPath" ? then(result, shown) : base === "open" || base === "create" ? then(result, counted) : result;
  };
  // readDir gives an iterable, not a promise, and throws at once.
  put(Deno, name, isSync || base === "readDir"
    ? (path, ...rest) => run(path, rest)
    : async (path, ...rest) => await run(path, rest));
}

/** @param {any} result @param {(value: any) => any} change */
function then(result, change) {
  return result instanceof Promise ? result.then(change) : change(result);
}

/** An open file whose writes count against the quota. */
function counted(file) {
  for (const name of ["write", "writeSync"]) {
    const write = file[name].bind(file);
    file[name] = (bytes) => {
      countWrite(bytes.byteLength);
      return write(bytes);
    };
  }
  return file;
}

function sizeOf(data) {
  return data?.byteLength ?? (typeof data === "string" ? data.length : 0);
}

/** @param {string} name */
function wrapTemporary(name) {
  const engine = Deno[name];
  const isSync = name.endsWith("Sync");
  const inPlace = (options) => ({ ...options, dir: real(options?.dir ?? "/tmp") });
  put(Deno, name, isSync
    ? (options) => {
      if (isNode()) return engine(options);
      checkContext(name, name.slice(0, -4));
      return shown(engine(inPlace(options)));
    }
    : (options) => isNode() ? engine(options) : engine(inPlace(options)).then(shown));
}

/** A Sync function after the module was evaluated. */
function checkContext(name, base) {
  if (evaluating()) return;
  if (RESTRICTED.includes(base)) {
    throw new Deno.errors.PermissionDenied(`Deno.${name} is blocklisted on the current context`);
  }
  if (READ.includes(base)) {
    console.error(
      `WARNING: Do not use Deno.${name} inside the async callback. This has performance impacts and will be disallowed in the future.\nUse the async version instead.`,
    );
  }
}

/** @param {string} base @param {string} file @param {unknown} path @param {any[]} rest */
function checkPlace(base, file, path, rest) {
  if (isTemporary(file)) return;
  if (READ.includes(base)) {
    if (isStatic(file) || isModule(file)) return;
    throw new Deno.errors.NotFound(`path not found: ${path}`);
  }
  const looksOnly = base === "open" && !rest[0]?.write && !rest[0]?.append;
  if (isModule(file) && (looksOnly || ["stat", "lstat", "realPath", "readDir"].includes(base))) return;
  if (LOOK.includes(base)) throw new Deno.errors.NotSupported("The operation is not supported");
  throw new Deno.errors.NotFound(`path not found: ${path}`);
}
