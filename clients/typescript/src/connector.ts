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

import { backoffMs } from "./backoff.ts";
import { closedGoingAway, closedMoved, closedWithoutFrame, isFinal } from "./close_codes.ts";
import { type SocketClass, Timer, clockMs } from "./environment.ts";
import type { ServerControl } from "./control.ts";
import { TickwireError } from "./errors.ts";
import { Link } from "./link.ts";
import type { JoinOptions } from "./options.ts";

/** From the opening of a link to its `welcome`; the relay itself gives a client 5 s to join. */
const joinMaxMs = 10_000;
/** A connection that lasted so long starts the backoff from the beginning when it is lost. */
const stableMs = 5_000;

export interface ConnectorHandlers {
  /** Returns the join message. */
  open(ticket: string | undefined): string;
  message(data: string | ArrayBuffer): void;
  /** Not connected now, but on the way back. */
  lost(error: TickwireError): void;
  stopped(error: TickwireError): void;
}

type State = "idle" | "opening" | "joining" | "joined" | "waiting" | "stopped";

export class Connector {
  readonly #options: JoinOptions<never>;
  readonly #handlers: ConnectorHandlers;
  /** Waits since the last connection that lasted. */
  #waits = 0;
  readonly #timer: Timer;
  readonly #home: string;
  #url: string;
  #state: State = "idle";
  #link: Link | null = null;
  /** Given up but not closed: see `link.ts`. */
  #abandoned: Link[] = [];
  #joinedAt: number | null = null;
  #unopened = 0;
  /** Grows when an attempt begins or ends, so that a ticket that comes too late is not used. */
  #attempt = 0;
  /** After the close 1001 that is announced, come back in the slot given, to the place given. */
  drain: Extract<ServerControl, { op: "drain" }> | null = null;
  /** Waiting for the moment that a drain has given us among all who come back. */
  #hasSlot = false;
  /** Since the last welcome. */
  #moves = 0;

  constructor(url: string, options: JoinOptions<never>, handlers: ConnectorHandlers) {
    this.#home = this.#url = url;
    this.#options = options;
    this.#handlers = handlers;
    this.#timer = new Timer(() => this.#onTimer());
  }

  /** The connection while it is joined, for sending. */
  get link(): Link | null {
    return this.#state === "joined" ? this.#link : null;
  }

  start(): void {
    void this.#open();
  }

  /** `welcome` came: the slot belongs to this connection, the older ones may be closed. */
  welcomed(): void {
    this.#state = "joined";
    this.#moves = 0;
    this.#joinedAt = clockMs();
    this.#timer.disarm();
    this.#closeAbandoned();
  }

  /** What came over this connection cannot be trusted, or nothing comes: replace it. */
  replace(error: TickwireError): void {
    if (this.#state === "stopped") return;
    if (this.#link !== null) this.#abandoned.push(this.#link);
    this.#retry(error, this.#nextDelayMs());
  }

  stop(error: TickwireError): void {
    if (this.#state === "stopped") return;
    this.#state = "stopped";
    this.#attempt += 1;
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
    const attempt = ++this.#attempt;
    const { ticket } = this.#options;
    let ticketNow: string | undefined;
    try {
      ticketNow = await (typeof ticket === "function" ? ticket() : ticket);
    } catch (cause) {
      if (attempt === this.#attempt) this.#end(closedWithoutFrame, `no ticket: ${cause}`);
      return;
    }
    if (attempt !== this.#attempt) return;
    try {
      this.#link = new Link(this.#url, this.#options.WebSocket ?? (WebSocket as unknown as SocketClass), {
        open: () => {
          this.#state = "joining";
          this.#unopened = 0;
          this.#link?.send(this.#handlers.open(ticketNow));
        },
        message: this.#handlers.message,
        end: (code, reason) => this.#end(code, reason),
        error: () => this.#state === "opening" && this.#end(closedWithoutFrame, ""),
      });
    } catch (cause) {
      this.stop(new TickwireError("bad_argument", String(cause), undefined, cause));
    }
  }

  #onTimer(): void {
    const error = "no answer";
    if (this.#state === "waiting") {
      void this.#open();
    } else if (this.#state === "opening") {
      this.#link?.close();
      this.#end(closedWithoutFrame, error);
    } else {
      this.replace(new TickwireError("disconnected", error));
    }
  }

  #end(code: number, reason: string): void {
    const why = `closed with ${code} ${reason}`;
    // No server, a refusal, a bad certificate, or no ticket.
    if (this.#state === "opening") {
      this.#unopened += 1;
      // Where the match had moved to nobody answers: the place that sent us there may know better.
      this.#url = this.#home;
    }
    if (isFinal(code)) {
      this.stop(new TickwireError("refused", why, code));
      return;
    }
    if (this.#unopened >= (this.#options.handshakesMax ?? (this.#joinedAt === null ? 4 : 20))) {
      this.stop(new TickwireError("unreachable", `${this.#unopened} handshakes never opened: ${why}`, code));
      return;
    }
    let delayMs = this.#nextDelayMs();
    const drain = code === closedGoingAway ? this.drain : null;
    if (drain !== null) {
      delayMs = drain.reconnect_ms;
      this.#moveTo(drain.url);
    } else if (code === closedMoved && this.#moveTo(reason)) {
      // At once, but two nodes that send us to each other are not to be run between.
      if (this.#moves === 0) delayMs = 0;
      this.#moves += 1;
    }
    this.#retry(new TickwireError("disconnected", why, code), delayMs, drain !== null);
  }

  #nextDelayMs(): number {
    if (this.#state === "joined" && clockMs() - (this.#joinedAt as number) >= stableMs) this.#waits = 0;
    return backoffMs(this.#waits++, this.#options.backoff);
  }

  #retry(error: TickwireError, delayMs: number, hasSlot = false): void {
    this.#state = "waiting";
    this.#attempt += 1;
    this.#link?.abandon();
    this.#link = this.drain = null;
    this.#hasSlot = hasSlot;
    this.#timer.arm(delayMs);
    this.#handlers.lost(error);
  }

  #moveTo(url: string | undefined): boolean {
    if (!/^wss?:/.test(url as string)) return false;
    this.#url = url as string;
    return true;
  }

  #closeAbandoned(): void {
    for (const link of this.#abandoned) link.close();
    this.#abandoned = [];
  }
}
