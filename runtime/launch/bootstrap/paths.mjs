// @ts-check
// Which file a path of the function's means, and what may be done there.

/**
 * Where the function's paths lead.
 * @type {{ tmp: string, dir: string, roots: string[], cache: string, statics: RegExp[] }}
 */
const places = { tmp: "", dir: "", roots: [], cache: "", statics: [] };

/** @param {{ tmp: string, dir: string, roots: string[], cache: string, staticFiles: string[] }} options */
export function setPlaces(options) {
  places.tmp = options.tmp;
  places.dir = options.dir;
  places.roots = [options.tmp, options.cache, ...options.roots];
  places.cache = options.cache;
  places.statics = options.staticFiles.map(globPattern);
}

/** The real place of /tmp, with what is below it. */
export function tmpRoot() {
  return places.tmp;
}

/**
 * Returns the absolute path of the file that is meant: /tmp is the worker's
 * own, relative paths start at the entrypoint's folder.
 * @param {unknown} path
 * @returns {string}
 */
export function real(path) {
  let text = path instanceof URL ? decodeURIComponent(path.pathname) : String(path);
  if (!text.startsWith("/")) text = `${places.dir}/${text}`;
  text = normal(text);
  // The project itself may lie in the machine's /tmp.
  if (places.roots.some((root) => isBelow(text, root))) return text;
  return isBelow(text, "/tmp") ? places.tmp + text.slice(4) : text;
}

/**
 * The inverse: what the function calls a file.
 * @param {string} path
 */
export function shown(path) {
  return isBelow(path, places.tmp) ? "/tmp" + path.slice(places.tmp.length) : path;
}

/** @param {string} path a real one */
export function isTemporary(path) {
  return isBelow(path, places.tmp);
}

/**
 * Whether a package's own file is meant: those can be looked at.
 * @param {string} path a real one
 */
export function isModule(path) {
  return isBelow(path, places.cache) || path.includes("/node_modules/");
}

/** @param {string} path a real one */
export function isStatic(path) {
  return places.statics.some((pattern) => pattern.test(path));
}

let inNode = 0;

/**
 * Runs one of node's own file functions, which are made of Deno's and must get
 * those as the engine has them.
 * @template T
 * @param {() => T} work
 * @returns {T}
 */
export function asNode(work) {
  inNode++;
  try {
    return work();
  } finally {
    inNode--;
  }
}

/** Says whether a file function is called by node's. */
export function isNode() {
  return inNode > 0;
}

/** @param {string} path @param {string} dir */
function isBelow(path, dir) {
  return path === dir || path.startsWith(dir + "/");
}

/** Removes . and .. and double slashes. @param {string} path */
function normal(path) {
  if (!/\/\.|\/\/|\/$/.test(path)) return path;
  const parts = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return "/" + parts.join("/");
}

/** @param {string} glob */
function globPattern(glob) {
  const source = glob.replace(/\*\*\/|\*\*|\*|\?|\{[^{}]*\}|[.+^$()|[\]{}\\]/g, (part) => {
    switch (part) {
      case "**/":
        return "(?:[^/]+/)*";
      case "**":
        return ".*";
      case "*":
        return "[^/]*";
      case "?":
        return "[^/]";
    }
    if (part.length > 1) return `(?:${part.slice(1, -1).split(",").map((p) => globPattern(p).source.slice(1, -1)).join("|")})`;
    return "\\" + part;
  });
  return new RegExp(`^${source}$`);
}
