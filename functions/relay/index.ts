// A relay between a browser and another WebSocket server, which sees only this
// function: the place to add a secret key, check messages, or count them. What
// the browser says before the other side is open waits in a queue.
//
// In functions/.env, or with `supabase secrets set` when hosted:
//
//   RELAY_TARGET=wss://realtime.example.com/v1
//   RELAY_PROTOCOLS=realtime,key-123        (optional: subprotocols to offer)
//
//   brink ws ws://127.0.0.1:54321/functions/v1/relay

declare const EdgeRuntime: { waitUntil(task: Promise<unknown>): void };

type Message = string | ArrayBuffer;

/** Messages that wait, before the client is taken for a flood. */
const MAX_QUEUE = 1000;

Deno.serve((req) => {
  if (req.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return new Response("connect with a WebSocket client\n", {
      status: 426,
      headers: { Upgrade: "websocket" },
    });
  }
  const { socket, response } = Deno.upgradeWebSocket(req);
  // When hosted, a worker past half of its time is ended early unless
  // something like this promise is pending: an open socket does not count.
  EdgeRuntime.waitUntil(new Promise((resolve) => socket.addEventListener("close", resolve)));
  socket.addEventListener("open", () => relay(socket));
  return response;
});

function relay(client: WebSocket) {
  const target = Deno.env.get("RELAY_TARGET");
  if (!target) {
    // A browser cannot read a refused handshake, but it can read this.
    console.error("RELAY_TARGET is not set: put RELAY_TARGET=wss://… into functions/.env");
    client.close(4500, "RELAY_TARGET is not set");
    return;
  }
  const protocols = Deno.env.get("RELAY_PROTOCOLS")?.split(",").map((name) => name.trim());
  let server: WebSocket;
  try {
    server = new WebSocket(target, protocols);
  } catch (error) {
    console.error(`cannot use RELAY_TARGET ${JSON.stringify(target)}: ${(error as Error).message}`);
    client.close(4500, "RELAY_TARGET is not a WebSocket URL");
    return;
  }
  const queue: Message[] = [];
  client.binaryType = server.binaryType = "arraybuffer";

  server.onopen = () => {
    console.log(`connected, ${queue.length} queued`);
    for (const message of queue.splice(0)) server.send(message);
  };
  client.onmessage = ({ data }) => {
    if (server.readyState === WebSocket.OPEN) server.send(data);
    else if (queue.push(data) > MAX_QUEUE) client.close(4429, "too many messages before the other side was open");
  };
  server.onmessage = ({ data }) => {
    if (client.readyState === WebSocket.OPEN) client.send(data);
  };

  // Whichever side ends first ends the other, with its code.
  server.onerror = (event) => console.error(`${target}: ${(event as ErrorEvent).message}`);
  client.onclose = ({ code, reason }) => end(server, code, reason);
  server.onclose = ({ code, reason }) => {
    console.log("the other side closed", code, reason);
    end(client, code, reason);
  };
}

/** Closes with a code that programs may use: 1000 and 3000 to 4999. */
function end(socket: WebSocket, code: number, reason: string) {
  if ([1000, 1001, 1005].includes(code)) socket.close(1000, reason);
  else if (code >= 3000 && code <= 4999) socket.close(code, reason);
  else socket.close(4502, reason || "the other side broke off, or cannot be reached");
}
