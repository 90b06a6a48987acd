/**
 * Keeps one connection to the match: opens it, decides after its end whether to try again and when.
 *
 *     idle ── start ──▶ opening ── open ──▶ joining ── welcomed ──▶ joined
 *                          ▲                   │                       │
 *                          │ timer             ├── lost ◀──────────────┘
 *                       waiting ◀──────────────┘
 *
 * From every state, a final close code, too many attempts without a welcome or `stop` lead to `stopped`.
 */

import { backoffMs } from "./backoff.ts";
import { closedGoingAway, closedMoved, closedWithoutFrame, closedTicket, isFinal } from "./close_codes.ts";
import { type Socket, type SocketClass, Timer, clockMs } from "./environment.ts";
import type { ServerControl } from "./control.ts";
import { TickwireError, errorOf } from "./errors.ts";
import { abandonLink, closeLink, openLink } from "./link.ts";
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
  #link: Socket | null = null;
  /** Given up but not closed: see `link.ts`. */
  #abandoned: Socket[] = [];
  #joinedAt: number | undefined;
  /** Takes the slot over again, also without a ticket. */
  resume: string | undefined;
  /** Attempts since the last welcome. */
  #unwelcome = 0;
  /** Grows when an attempt begins or ends, so that a ticket that comes too late is not used. */
  #attempt = 0;
  /** After the close 1001 that is announced, come back in the slot given, to the place given. */
  drain: Extract<ServerControl, { op: "drain" }> | null = null;
  /** Waiting for the moment that a drain has given us among all who come back. */
  #hasSlot = false;

  constructor(url: string, options: JoinOptions<never>, handlers: ConnectorHandlers) {
    this.#home = this.#url = url;
    this.#options = options;
    this.#handlers = handlers;
    this.#timer = new Timer(() => this.#onTimer());
  }

  /** The connection while it is joined, for sending. */
  get link(): Socket | null {
    return this.#state === "joined" ? this.#link : null;
  }

  start(): void {
    void this.#open();
  }

  /** `welcome` came: the slot belongs to this connection, the older ones may be closed. */
  welcomed(resume: string | undefined): void {
    this.resume = resume;
    this.#state = "joined";
    this.#unwelcome = 0;
    this.#joinedAt = clockMs();
    this.#timer.disarm();
    this.#closeAbandoned();
  }

  /** What came over this connection cannot be trusted, or nothing comes: replace it. */
  replace(why: TickwireError | string): void {
    if (this.#state === "stopped") return;
    if (this.#link) this.#abandoned.push(this.#link);
    this.#retry(errorOf("disconnected", why), this.#nextDelayMs());
  }

  stop(error: TickwireError): void {
    if (this.#state === "stopped") return;
    this.#state = "stopped";
    this.#attempt += 1;
    this.#timer.disarm();
    if (this.#link) closeLink(this.#link);
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
    let noTicket = "";
    try {
      ticketNow = await (typeof ticket === "function" ? ticket() : ticket);
    } catch (cause) {
      noTicket = `no ticket: ${cause}`;
    }
    if (attempt !== this.#attempt) return;
    if (noTicket && !this.resume) {
      this.#end(closedWithoutFrame, noTicket);
      return;
    }
    try {
      this.#link = openLink(this.#url, this.#options.WebSocket ?? (WebSocket as unknown as SocketClass), {
        onopen: () => {
          this.#state = "joining";
          this.#link?.send(this.#handlers.open(ticketNow));
        },
        onmessage: ({ data }) => this.#handlers.message(data),
        // The slot is gone, and a new one wants the ticket that there was not: there may be one at the next attempt.
        onclose: ({ code, reason }) => this.#end(noTicket && code === closedTicket ? closedWithoutFrame : code, noTicket || reason),
        onerror: () => this.#state === "opening" && this.#end(closedWithoutFrame, ""),
      });
    } catch (cause) {
      this.stop(errorOf("bad_argument", cause));
    }
  }

  #onTimer(): void {
    const error = "no answer";
    if (this.#state === "waiting") {
      void this.#open();
    } else if (this.#state === "opening") {
      if (this.#link) closeLink(this.#link);
      this.#end(closedWithoutFrame, error);
    } else {
      this.replace(error);
    }
  }

  #end(code: number, reason: string): void {
    const error = new TickwireError(isFinal(code) ? "refused" : "disconnected", `closed with ${code} ${reason}`, code);
    // Where the match had moved to nobody answers: the place that sent us there may know better.
    if (this.#state !== "joined") this.#url = this.#home;
    let delayMs = this.#nextDelayMs();
    const drain = code === closedGoingAway ? this.drain : null;
    if (drain) {
      delayMs = drain.reconnect_ms;
      this.#moveTo(drain.url);
      // At once, but two nodes that send us to each other are not to be run between.
    } else if (code === closedMoved && this.#moveTo(reason) && this.#unwelcome === 0) {
      delayMs = 0;
    }
    this.#retry(error, delayMs, !!drain);
  }

  #nextDelayMs(): number {
    if (this.#state === "joined" && clockMs() - (this.#joinedAt as number) >= stableMs) this.#waits = 0;
    return backoffMs(this.#waits++, this.#options.backoff);
  }

  #retry(error: TickwireError, delayMs: number, hasSlot = false): void {
    const { closeCode } = error;
    if (error.code === "refused") {
      this.stop(error);
      return;
    }
    // No server, a refusal, a bad certificate, no ticket, or a server that opens and does not let in.
    const most = this.#options.handshakesMax ?? (this.#joinedAt ? 20 : 4);
    if (this.#state !== "joined" && ++this.#unwelcome >= most && closeCode !== closedMoved) {
      this.stop(new TickwireError("unreachable", error.message, closeCode));
      return;
    }
    this.#state = "waiting";
    this.#attempt += 1;
    if (this.#link) abandonLink(this.#link);
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
    for (const link of this.#abandoned) closeLink(link);
    this.#abandoned = [];
  }
}
