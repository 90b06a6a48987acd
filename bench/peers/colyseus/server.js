// Colyseus on Node with its WebSocket transport, in the neutral format as bytes of a room.
//
// A room's own loop is not used: its schema would cost more than bytes. Every room ticks by itself, as rooms
// do. Seats are taken on the way in, so that a client needs no HTTP request before its connection: that costs
// a join, not a tick.
import http from "node:http";
import https from "node:https";
import { matchMaker, Room, Server } from "@colyseus/core";
import { WebSocketTransport } from "@colyseus/ws-transport";
import { options, readTls, every, Matches } from "../job.js";

const { hz, tls } = options();
const STATE = 1; // message type

class MatchRoom extends Room {
  maxClients = 1024;
  patchRate = null;
  #matches = new Matches();
  #slots = new Map();
  #stop = null;

  onCreate() {
    this.onMessageBytes(STATE, (client, state) => this.#matches.latest(this.#slots.get(client), state));
    this.#stop = every(hz, () => this.#matches.tick((_name, message) => this.broadcastBytes(STATE, message)));
  }
  onJoin(client) {
    this.#slots.set(client, this.#matches.join(this.roomId));
  }
  onLeave(client) {
    this.#matches.leave(this.#slots.get(client));
    this.#slots.delete(client);
  }
  onDispose() {
    this.#stop();
  }
}

class Transport extends WebSocketTransport {
  constructor(given) {
    super(given);
    this.wss.off("connection", this.onConnection);
    this.wss.on("connection", (socket, request) => this.#seat(socket, request));
  }
  async #seat(socket, request) {
    socket.pause(); // what comes before the seat is taken has to wait for the room
    const match = request.url.slice("/v1/match/".length);
    const seat = await matchMaker.joinOrCreate("match", { match });
    request.url = `/${seat.processId}/${seat.roomId}?sessionId=${seat.sessionId}`;
    await this.onConnection(socket, request);
    socket.resume();
  }
}

const server = tls ? https.createServer(readTls(tls)) : http.createServer();
const game = new Server({
  transport: new Transport({ server, maxPayload: 64 * 1024 }),
  greet: false,
  gracefullyShutdown: false,
});
game.define("match", MatchRoom).filterBy(["match"]);
await game.listen(0, "127.0.0.1", 4096);
console.log(`listening ${tls ? "wss" : "ws"}://127.0.0.1:${server.address().port}`);
process.on("SIGTERM", () => process.exit(0));
