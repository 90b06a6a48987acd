// Bun's own server (uWebSockets inside), in the neutral format. Run by Bun.
//
// Each match is a topic. publish() frames once for all subscribers, and corks what goes to one socket.
import { options, Matches, every } from "../job.js";

const { hz, tls } = options();
const matches = new Matches();

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  tls: tls && { cert: Bun.file(tls.certificate), key: Bun.file(tls.key) },
  fetch(request, server) {
    const name = new URL(request.url).pathname.slice("/v1/match/".length);
    if (server.upgrade(request, { data: { name, slot: null } })) return undefined;
    return new Response("a match wants a WebSocket", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    maxPayloadLength: 64 * 1024,
    open(socket) {
      socket.binaryType = "nodebuffer";
      socket.data.slot = matches.join(socket.data.name);
      socket.subscribe(socket.data.name);
    },
    message(socket, state) {
      matches.latest(socket.data.slot, state);
    },
    close(socket) {
      matches.leave(socket.data.slot);
    },
  },
});

every(hz, () => matches.tick((name, message) => server.publish(name, message)));
console.log(`listening ${tls ? "wss" : "ws"}://127.0.0.1:${server.port}`);
process.on("SIGTERM", () => process.exit(0));
