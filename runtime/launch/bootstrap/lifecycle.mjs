// @ts-check
// The worker's life after the gate: load, background tasks, beforeunload,
// drain, memory samples.

import { evaluationEnded, fail } from "./faults.mjs";
import { keepAlive, on, send } from "./host.mjs";
import { sendMemory } from "./request.mjs";
import { serveDefault } from "./serve.mjs";
import { isServing, stopListening } from "./socket.mjs";

const { core } = Deno[Deno.internal];
const { CustomEvent, Event, setTimeout } = globalThis;
const dispatch = globalThis.dispatchEvent.bind(globalThis);
const entrypoint = Deno.mainModule;
const unrefTimer = Deno.unrefTimer;

/** What core.getPromiseDetails calls a promise that is not settled. */
const PENDING = 0;

/** Shortest and longest time between looks at the background tasks, in ms. */
const FIRST_LOOK = 10;
const LAST_LOOK = 250;

/**
 * How long, in ms, what has happened already may reach the function after
 * beforeunload: the close events of the sockets whose end let brink end this
 * worker are still on their way then.
 */
const LAST_WORDS = 25;

/** @type {Set<Promise<unknown>>} */
const tasks = new Set();
let looking = false;

/** Makes EdgeRuntime, and answers the host. */
export function installLifecycle() {
  Object.defineProperty(globalThis, "EdgeRuntime", {
    configurable: true,
    writable: true,
    value: { waitUntil },
  });
  addEventListener("load", onLoad);
  on("sample", sendMemory);
  on("beforeunload", ({ reason }) => {
    tell(new CustomEvent("beforeunload", { cancelable: true, detail: { reason } }));
    setTimeout(() => send({ type: "closing" }), LAST_WORDS);
  });
  on("drain", () => {
    tell(new Event("drain"));
    stopListening();
    send({ type: "draining" });
  });
}

/** @param {Event} event */
function tell(event) {
  try {
    dispatch(event);
  } catch (error) {
    fail(error);
  }
}

/**
 * The engine says load when the module was evaluated, or failed to be; the
 * import below gives the same module, or the same error.
 */
async function onLoad() {
  keepAlive();
  try {
    serveDefault((await import(entrypoint)).default);
  } catch (error) {
    fail(error);
    return;
  }
  evaluationEnded();
  send({ type: "loaded", serving: isServing() });
}

/**
 * EdgeRuntime.waitUntil: counts a promise as a background task until it
 * settles. It attaches nothing to the promise, so that a rejection nobody
 * handles stays unhandled, as on the hosted platform; V8's promise hooks, which
 * tell it there, make every await of the worker 60 % slower. So it looks.
 * @template T
 * @param {T} task
 * @returns {T}
 */
function waitUntil(task) {
  if (core.isPromise(task) && isPending(task) && !tasks.has(task)) {
    tasks.add(task);
    send({ type: "tasks", pending: tasks.size });
    if (!looking) look(FIRST_LOOK);
  }
  return task;
}

/** @param {number} wait in ms */
function look(wait) {
  looking = true;
  unrefTimer(setTimeout(() => {
    const before = tasks.size;
    for (const task of tasks) {
      if (!isPending(task)) tasks.delete(task);
    }
    if (tasks.size !== before) send({ type: "tasks", pending: tasks.size });
    looking = tasks.size > 0;
    if (looking) look(tasks.size === before ? Math.min(wait * 1.5, LAST_LOOK) : FIRST_LOOK);
  }, wait));
}

function isPending(promise) {
  return core.getPromiseDetails(promise)[0] === PENDING;
}
