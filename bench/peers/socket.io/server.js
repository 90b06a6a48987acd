// Socket.IO on Node, in the neutral format as the attachment of an event "s".
//
// WebSocket alone, no compression, and volatile: a member that is behind loses its tick, as everywhere here.
import http from "node:http";
import https from "node:https";
import { Server } from "socket.io";
import { options, readTls, Matches, every } from "../job.js";

const { hz, tls } = options();
const matches = new Matches();
const server = tls ? https.createServer(readTls(tls)) : http.createServer();
const io = new Server(server, {
  transports: ["websocket"],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
  maxHttpBufferSize: 64 * 1024,
});

io.on("connection", (socket) => {
  const { match } = socket.handshake.query;
  const slot = matches.join(match, socket);
  socket.join(match);
  socket.on("s", (state) => matches.latest(slot, state));
  socket.on("disconnect", () => matches.leave(slot));
});

every(hz, () => matches.tick((name, message) => io.to(name).volatile.emit("s", message)));
server.listen(0, "127.0.0.1", 4096, () => {
  console.log(`listening ${tls ? "wss" : "ws"}://127.0.0.1:${server.address().port}`);
});
process.on("SIGTERM", () => process.exit(0));
