// @ts-check
// The process object, which is there without any import. The engine loads it,
// 15 ms of CPU, when it is first looked at; so do we.

const GLOBAL = { configurable: true, enumerable: true };

/** @param {Record<string, string>} env the function's environment */
export function installProcess(env) {
  const { get, value } = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(globalThis, "process"));
  Object.defineProperty(globalThis, "process", {
    ...GLOBAL,
    get() {
      const engine = get ? get.call(globalThis) : value;
      Object.defineProperty(globalThis, "process", { ...GLOBAL, writable: true, value: engine });
      patch(engine, env);
      return engine;
    },
    set(other) {
      Object.defineProperty(globalThis, "process", { ...GLOBAL, writable: true, value: other });
    },
  });
}

/** @param {any} process @param {Record<string, string>} env */
function patch(process, env) {
  const values = Object.assign(Object.create(null), env);
  const refuse = () => {
    throw new Deno.errors.NotSupported("The operation is not supported");
  };
  Object.defineProperty(process, "env", {
    ...GLOBAL,
    writable: true,
    value: new Proxy(values, { set: refuse, defineProperty: refuse, deleteProperty: () => true }),
  });
  process.exit = (code) => {
    process.emit("exit", code ?? 0);
  };
  process.reallyExit = () => {};
  process.abort = () => {
    throw new Deno.errors.NotCapable("Requires run access, run again with the --allow-run flag");
  };
}
