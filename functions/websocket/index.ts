// A WebSocket server with Deno's own API: each message is answered with the
// time and the message itself, and binary data comes back as it is.
//
//   brink ws ws://127.0.0.1:54321/functions/v1/websocket
//
// It needs policy = "per_worker": under per_request the worker, and the socket
// with it, ends as soon as the handshake is answered.

Deno.serve((req) => {
  if (req.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return new Response("connect with a WebSocket client\n", {
      status: 426,
      headers: { Upgrade: "websocket" },
    });
  }
  const { socket, response } = Deno.upgradeWebSocket(req);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => console.log("open");
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") console.log("received", data);
    socket.send(typeof data === "string" ? `${new Date().toISOString()} ${data}` : data);
  };
  socket.onerror = (event) => console.error("failed:", (event as ErrorEvent).message);
  socket.onclose = ({ code, reason }) => console.log("closed", code, reason);
  return response;
});
