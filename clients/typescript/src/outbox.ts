/**
 * What goes out over a connection, inside the relay's rate limits: states and PINGs at once, control
 * messages and events when there is room for them.
 */

import type { Connector } from "./connector.ts";
import type { ClientControl, Limits } from "./control.ts";
import { Timer } from "./environment.ts";
import { TickwireError } from "./errors.ts";
import { EventQueue } from "./event_queue.ts";
import type { JoinOptions } from "./options.ts";
import type { StatsCounter } from "./stats.ts";
import { TokenBucket, costOf } from "./token_bucket.ts";

/** How soon to look whether the rate limit lets more through. */
const retryMs = 50;

export class Outbox {
  readonly events: EventQueue;
  /** The relay's, from the newest welcome; null before the first. */
  limits: Limits | null = null;
  /** Why nothing goes out any more. */
  over: TickwireError | null = null;
  readonly #connector: Connector;
  readonly #stats: StatsCounter;
  readonly #retry = new Timer(() => this.flush());
  #controls: string[] = [];
  /** Of this connection. */
  #budget = new TokenBucket();

  constructor(connector: Connector, stats: StatsCounter, options: JoinOptions<never>) {
    this.#connector = connector;
    this.#stats = stats;
    this.events = new EventQueue(options);
  }

  connected(limits: Limits): void {
    this.limits = limits;
    this.#budget = new TokenBucket();
  }

  disconnected(): void {
    this.#retry.disarm();
    this.#controls = [];
  }

  control(message: ClientControl): void {
    this.#controls.push(JSON.stringify(message));
    this.flush();
  }

  event(message: Uint8Array<ArrayBuffer>): void {
    this.events.push(message);
    this.flush();
  }

  /** At once, and at the cost of what waits. */
  transmit(message: string | Uint8Array<ArrayBuffer>): void {
    this.#connector.link?.send(message);
    this.#stats.sent(message.length);
    if (this.limits !== null) this.#budget.spend(costOf(message, this.limits));
  }

  /** Sends what waits, as far as the rate limits let it through. */
  flush(): void {
    const { limits } = this;
    if (this.#connector.link === null || limits === null) return;
    for (;;) {
      const message = this.#controls[0] ?? this.events.next;
      if (message === undefined) return;
      if (!this.#budget.has(costOf(message, limits))) break;
      if (typeof message === "string") this.#controls.shift();
      else this.events.sent += 1;
      this.transmit(message);
    }
    this.#retry.arm(retryMs);
  }

  assertOpen(): void {
    if (this.over !== null) throw new TickwireError("closed", `the match is over: ${this.over.message}`, undefined, this.over);
  }

  assertFits(size: number, limit: "state_bytes" | "event_bytes"): void {
    const most = this.limits?.[limit] ?? Infinity;
    if (size > most) throw new TickwireError("too_large", `${size} bytes: ${limit} is ${most}`);
  }
}
