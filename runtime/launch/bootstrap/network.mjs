// @ts-check
// Outgoing connections: the ports the hosted platform refuses, and the name
// fetch goes by.

/** SMTP: refused on the hosted platform. */
const REFUSED = [25, 587];

/** @param {string} userAgent */
export function installNetwork(userAgent) {
  for (const name of ["connect", "connectTls"]) {
    const connect = Deno[name];
    Deno[name] = async (options) => {
      refuse(options?.port, Deno.errors.ConnectionRefused);
      refuseAbstract(options?.path, Deno.errors.PermissionDenied);
      return await connect(options);
    };
  }
  const { listen } = Deno;
  Deno.listen = (options) => {
    refuseAbstract(options?.path, Deno.errors.PermissionDenied);
    return listen(options);
  };
  const { fetch, Request } = globalThis;
  globalThis.fetch = function (input, init) {
    let request;
    try {
      request = new Request(input, init);
      if (!request.headers.has("user-agent")) request.headers.set("user-agent", userAgent);
    } catch (error) {
      return Promise.reject(error);
    }
    const client = init?.client;
    return client ? fetch(request, /** @type {any} */ ({ client })) : fetch(request);
  };
}

/**
 * @param {unknown} port
 * @param {new (message: string) => Error} ErrorClass
 */
export function refuse(port, ErrorClass) {
  if (!REFUSED.includes(Number(port))) return;
  throw new ErrorClass(`Connection refused: port ${port} is closed on the hosted platform; send mail by an HTTP API or on port 2587 or 465`);
}

/**
 * Abstract Unix sockets have no file, so that the engine asks for no permission
 * but the network's.
 * @param {unknown} path
 * @param {new (message: string) => Error} ErrorClass
 */
export function refuseAbstract(path, ErrorClass) {
  if (typeof path === "string" && path.startsWith("\0")) {
    throw new ErrorClass("Unix sockets are closed to functions");
  }
}
