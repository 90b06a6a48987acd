/**
 * A link with a will of its own, and the WebSocket class whose sockets run over it.
 *
 * It sits between the program and the real socket, so it can delay what the page sends and what it
 * gets to hear, and nothing else: the relay's own socket is not slowed, and what the relay notices of
 * a slow link is how late the page reports its ticks.
 */

import { type Socket, type SocketClass, Timer } from "../environment.ts";
import { type LinkConditions, checkConditions } from "./conditions.ts";
import { Pipe, type Travel } from "./pipe.ts";
import { SimulatedSocket } from "./socket.ts";

export interface SimulatedLinkOptions {
  /** What the sockets really are. Default: the platform's. */
  WebSocket?: SocketClass;
  /** For tests. */
  random?: () => number;
}

export class SimulatedLink {
  /** For `join`'s option of the same name, or for `new`. */
  readonly WebSocket: new (url: string, protocols?: string) => SimulatedSocket;
  readonly #random: () => number;
  readonly #sockets = new Set<SimulatedSocket>();
  readonly #stallTimer: Timer;
  #conditions: LinkConditions = {};
  #stalledUntil = -Infinity;

  constructor(conditions: LinkConditions = {}, { WebSocket: inner, random = Math.random }: SimulatedLinkOptions = {}) {
    this.#random = random;
    this.#stallTimer = new Timer(() => {
      this.stall(this.#conditions.stallMs ?? 0);
      this.#planStall();
    });
    this.conditions = conditions;
    const link = this;
    this.WebSocket = class extends SimulatedSocket {
      constructor(url: string, protocols?: string) {
        const socketClass = (inner ?? globalThis.WebSocket) as new (url: string, protocols?: string) => Socket;
        // Offering the empty list, `undefined` written out, is not the same to every implementation.
        super(protocols === undefined ? new socketClass(url) : new socketClass(url, protocols), link.#pipes(), {
          // TCP and the upgrade; over TLS 1.3 a round trip more. Half of one is in the message's own way.
          handshakeMs: () => (url.startsWith("wss:") ? 5 : 3) * (link.#conditions.latencyMs ?? 0),
          over: (socket) => link.#over(socket),
        });
        link.#sockets.add(this);
        if (link.#sockets.size === 1) link.#planStall();
      }
    };
  }

  get conditions(): LinkConditions {
    return this.#conditions;
  }

  /** For what is sent from now on; what is under way keeps its time. */
  set conditions(conditions: LinkConditions) {
    this.#conditions = checkConditions(conditions);
    this.#planStall();
  }

  /** Nothing gets through for so long, either way. Nothing is lost. */
  stall(ms: number): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, performance.now() + ms);
    for (const socket of this.#sockets) socket.reconsider();
  }

  /** Ends every socket as a lost network does: with 1006, and what was under way is gone. */
  cut(): void {
    for (const socket of [...this.#sockets]) socket.cut();
  }

  #pipes(): { up: Pipe; down: Pipe } {
    const port = { travel: () => this.#travel(), stalledUntil: () => this.#stalledUntil, random: this.#random };
    return { up: new Pipe(port), down: new Pipe(port) };
  }

  #travel(): Travel {
    const { latencyMs = 0, jitterMs = 0, loss = 0, bitsPerSecond = Infinity } = this.#conditions;
    return { latencyMs, jitterMs, loss, bitsPerSecond };
  }

  #over(socket: SimulatedSocket): void {
    this.#sockets.delete(socket);
    // Without a socket no timer, or a program in Node would never end.
    if (this.#sockets.size === 0) this.#stallTimer.disarm();
  }

  #planStall(): void {
    const { stallEveryMs = 0, stallMs = 0 } = this.#conditions;
    this.#stallTimer.disarm();
    if (stallEveryMs === 0 || stallMs === 0 || this.#sockets.size === 0) return;
    // Exponential: the next one is as likely now as at any other time. From the end of this one.
    this.#stallTimer.arm(stallMs - Math.log(1 - this.#random()) * stallEveryMs);
  }
}
