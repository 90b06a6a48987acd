/**
 * Keeps one connection to the match: opens it, decides after its end whether to try again and when.
 *
 *     idle ── start ──▶ opening ── open ──▶ joining ── welcomed ──▶ joined
 *                          ▲                   │                       │
 *                          │ timer             ├── lost ◀──────────────┘
 *                       waiting ◀──────────────┘
 *
 * From every state, a final close code, too many failed handshakes or `stop` lead to `stopped`.
 */

import { Backoff, type BackoffOptions } from "./backoff.ts";
import { CloseCode, explainClose, isFinal } from "./close_codes.ts";
import { type Clock, type SocketClass, Timer } from "./environment.ts";
import { TickwireError } from "./errors.ts";
import { Link, type LinkEnd } from "./link.ts";

/** From the opening of a link to its `welcome`; the relay itself gives a client 5 s to join. */
const joinMaxMs = 10_000;
/** A connection that lasted so long starts the backoff from the beginning when it is lost. */
const stableMs = 5_000;

export interface ConnectorOptions {
  url: string;
  socketClass: SocketClass;
  clock: Clock;
  ticket: () => string | undefined | Promise<string | undefined>;
  backoff: BackoffOptions;
  handshakesMax: number | undefined;
}

export interface ConnectorHandlers {
  open(ticket: string | undefined): void;
  text(message: string): void;
  binary(message: Uint8Array): void;
  /** Not connected now, but on the way back. */
  lost(error: TickwireError): void;
  stopped(error: TickwireError): void;
}

type State = "idle" | "opening" | "joining" | "joined" | "waiting" | "stopped";

export class Connector {
  readonly #options: ConnectorOptions;
  readonly #handlers: ConnectorHandlers;
  readonly #backoff: Backoff;
  readonly #timer: Timer;
  #url: string;
  #state: State = "idle";
  #link: Link | null = null;
  /** Given up but not closed: see `link.ts`. */
  #abandoned: Link[] = [];
  #everJoined = false;
  #joinedAt = 0;
  #unopened = 0;
  /** Counts attempts, so that a ticket that comes too late is not used. */
  #attempt = 0;
  #drain: { reconnectMs: number; url: string | undefined } | null = null;
  /** Waiting for the moment that a drain has given us among all who come back. */
  #hasSlot = false;
  /** Since the last welcome. */
  #moves = 0;

  constructor(options: ConnectorOptions, handlers: ConnectorHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#url = options.url;
    this.#backoff = new Backoff(options.backoff);
    this.#timer = new Timer(options.clock, () => this.#onTimer());
  }

  /** The connection while it is joined, for sending. */
  get link(): Link | null {
    return this.#state === "joined" ? this.#link : null;
  }

  start(): void {
    void this.#open();
  }

  /** For the join message, before `welcome`. */
  greet(message: string): void {
    this.#link?.send(message);
  }

  /** `welcome` came: the slot belongs to this connection, the older ones may be closed. */
  welcomed(): void {
    this.#state = "joined";
    this.#everJoined = true;
    this.#moves = 0;
    this.#joinedAt = this.#options.clock.now();
    this.#timer.disarm();
    this.#closeAbandoned();
  }

  /** After the close 1001 that is announced, come back in the slot given, to the place given. */
  drain(reconnectMs: number, url: string | undefined): void {
    this.#drain = { reconnectMs, url };
  }

  /** What came over this connection cannot be trusted, or nothing comes: replace it. */
  replace(error: TickwireError): void {
    if (this.#state === "stopped") return;
    this.#abandonLink();
    this.#retry(error, this.#nextDelayMs());
  }

  stop(error: TickwireError): void {
    if (this.#state === "stopped") return;
    this.#state = "stopped";
    this.#timer.disarm();
    this.#link?.close();
    this.#link = null;
    this.#closeAbandoned();
    this.#handlers.stopped(error);
  }

  /** The page shows again, or the network is back: no use in waiting on. A drain's slot is kept. */
  hurry(): void {
    if (this.#state === "waiting" && !this.#hasSlot) void this.#open();
  }

  async #open(): Promise<void> {
    this.#state = "opening";
    this.#timer.arm(joinMaxMs);
    this.#attempt += 1;
    const attempt = this.#attempt;
    let ticket: string | undefined;
    try {
      ticket = await this.#options.ticket();
    } catch (cause) {
      if (this.#isAt(attempt)) this.#end({ code: CloseCode.noCloseFrame, reason: `no ticket: ${String(cause)}`, opened: false });
      return;
    }
    if (!this.#isAt(attempt)) return;
    try {
      this.#link = new Link(this.#url, this.#options.socketClass, {
        open: () => {
          this.#state = "joining";
          this.#unopened = 0;
          this.#handlers.open(ticket);
        },
        text: (message) => this.#handlers.text(message),
        binary: (message) => this.#handlers.binary(message),
        end: (end) => this.#end(end),
      });
    } catch (cause) {
      this.stop(new TickwireError("bad_argument", String(cause), undefined, cause));
    }
  }

  /** False where the match was left meanwhile, or the next attempt begun. */
  #isAt(attempt: number): boolean {
    return this.#state === "opening" && attempt === this.#attempt;
  }

  #onTimer(): void {
    if (this.#state === "waiting") {
      void this.#open();
    } else if (this.#state === "opening") {
      this.#link?.close();
      this.#end({ code: CloseCode.noCloseFrame, reason: "no handshake in time", opened: false });
    } else {
      this.replace(new TickwireError("disconnected", "the relay did not answer the join in time"));
    }
  }

  #end({ code, reason, opened }: LinkEnd): void {
    this.#link = null;
    if (!opened) {
      this.#unopened += 1;
      // Where the match had moved to nobody answers: the place that sent us there may know better.
      this.#url = this.#options.url;
    }
    if (isFinal(code)) {
      this.stop(new TickwireError("refused", explainClose(code, reason), code));
      return;
    }
    if (this.#unopened >= (this.#options.handshakesMax ?? (this.#everJoined ? 20 : 4))) {
      this.stop(new TickwireError("unreachable", `${this.#unopened} handshakes in a row did not open`, code));
      return;
    }
    let delayMs = this.#nextDelayMs();
    this.#hasSlot = this.#drain !== null && code === CloseCode.goingAway;
    if (this.#drain !== null && this.#hasSlot) {
      delayMs = this.#drain.reconnectMs;
      this.#moveTo(this.#drain.url);
    } else if (code === CloseCode.moved && this.#moveTo(reason)) {
      // At once, but two nodes that send us to each other are not to be run between.
      if (this.#moves === 0) delayMs = 0;
      this.#moves += 1;
    }
    this.#retry(new TickwireError("disconnected", explainClose(code, reason), code), delayMs);
  }

  #nextDelayMs(): number {
    if (this.#state === "joined" && this.#options.clock.now() - this.#joinedAt >= stableMs) this.#backoff.reset();
    return this.#backoff.nextMs();
  }

  #retry(error: TickwireError, delayMs: number): void {
    this.#state = "waiting";
    this.#drain = null;
    this.#timer.arm(delayMs);
    this.#handlers.lost(error);
  }

  #moveTo(url: string | undefined): boolean {
    if (url === undefined || !/^wss?:\/\//.test(url)) return false;
    this.#url = url;
    return true;
  }

  #abandonLink(): void {
    this.#link?.abandon();
    if (this.#link !== null) this.#abandoned.push(this.#link);
    this.#link = null;
  }

  #closeAbandoned(): void {
    for (const link of this.#abandoned) link.close();
    this.#abandoned = [];
  }
}
