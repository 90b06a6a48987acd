// `ws` on Node, in the neutral format.
//
// The frame is built once for each match and tick, head and body in one buffer, and written to every socket, which
// is what ws's own broadcast does not do: it makes a frame for each receiver.
import http from "node:http";
import https from "node:https";
import { Sender, WebSocketServer } from "ws";
import { options, readTls, Matches, every } from "../job.js";

const { hz, tls } = options();
const matches = new Matches();
const server = tls ? https.createServer(readTls(tls)) : http.createServer();
const sockets = new WebSocketServer({
  server,
  perMessageDeflate: false,
  skipUTF8Validation: true,
  maxPayload: 64 * 1024,
});

sockets.on("connection", (socket, request) => {
  request.socket.setNoDelay(true);
  const slot = matches.join(request.url.slice("/v1/match/".length), request.socket);
  socket.on("message", (state) => matches.latest(slot, state));
  socket.on("close", () => matches.leave(slot));
  socket.on("error", () => {});
});

every(hz, () =>
  matches.tick((_name, message, members) => {
    const frame = Buffer.concat(
      Sender.frame(message, { fin: true, rsv1: false, opcode: 2, mask: false, readOnly: false }),
    );
    for (const { socket } of members) {
      if (socket.writableLength === 0) socket.write(frame);
    }
  }),
);
server.listen(0, "127.0.0.1", 4096, () => {
  console.log(`listening ${tls ? "wss" : "ws"}://127.0.0.1:${server.address().port}`);
});
process.on("SIGTERM", () => process.exit(0));
