// The same server with Node's API: node:http and the ws package from npm. The
// port given to listen does not matter, since the function is reached by its
// URL.
//
//   brink ws ws://127.0.0.1:54321/functions/v1/websocket-node

import { createServer } from "node:http";
// @ts-types="npm:@types/ws@8"
import { WebSocketServer } from "ws";

const sockets = new WebSocketServer({ noServer: true });

sockets.on("connection", (socket) => {
  console.log("open");
  socket.on("message", (data, isBinary) => {
    if (!isBinary) console.log("received", data.toString());
    socket.send(isBinary ? data : `${new Date().toISOString()} ${data}`);
  });
  socket.on("error", (error) => console.error("failed:", error.message));
  socket.on("close", (code, reason) => console.log("closed", code, reason.toString()));
});

const server = createServer((_req, res) => {
  res.writeHead(426, { Upgrade: "websocket" });
  res.end("connect with a WebSocket client\n");
});

server.on("upgrade", (req, connection, head) => {
  sockets.handleUpgrade(req, connection, head, (socket) => sockets.emit("connection", socket, req));
});

server.listen(8080);
