/**
 * What goes out over a connection, inside the relay's rate limits: states and PINGs at once, control
 * messages and events when there is room for them.
 */

import { toBytes } from "./bytes.ts";
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
  /** The relay's, from the newest welcome; null before the first, when there is no link to send by either. */
  limits: Limits | null = null;
  /** Why nothing goes out any more. */
  over: TickwireError | null = null;
  readonly #connector: Connector;
  readonly #stats: StatsCounter;
  readonly #retry = new Timer(() => this.flush());
  #controls: string[] = [];
  /** The player's, as the relay's buckets are: a new connection does not fill it. */
  readonly #budget = new TokenBucket();

  constructor(connector: Connector, stats: StatsCounter, options: JoinOptions<never>) {
    this.#connector = connector;
    this.#stats = stats;
    this.events = new EventQueue(options);
  }

  connected(limits: Limits): void {
    this.limits = limits;
  }

  disconnected(): void {
    this.#retry.disarm();
    this.#controls = [];
  }

  control(message: ClientControl): void {
    const text = JSON.stringify(message);
    this.assertFits(toBytes(text).length, "json_bytes");
    this.#controls.push(text);
    this.flush();
  }

  event(message: Uint8Array<ArrayBuffer>): void {
    this.events.push(message);
    this.flush();
  }

  /** At once, and at the cost of what waits. */
  transmit(message: string | Uint8Array<ArrayBuffer>): void {
    this.#connector.link?.send(message);
    this.#stats.bytesOut += message.length;
    this.#budget.seconds -= costOf(message, this.limits as Limits);
  }

  /** Sends what waits, as far as the rate limits let it through. */
  flush(): void {
    const limits = this.limits as Limits;
    if (!this.#connector.link) return;
    for (let message; (message = this.#controls[0] ?? this.events.next); ) {
      if (!this.#budget.has(costOf(message, limits))) {
        this.#retry.arm(retryMs);
        return;
      }
      if (typeof message === "string") this.#controls.shift();
      else this.events.sent += 1;
      this.transmit(message);
    }
  }

  assertOpen(): void {
    if (this.over) throw new TickwireError("closed", this.over.message, undefined, this.over);
  }

  assertFits(size: number, limit: "state_bytes" | "event_bytes" | "json_bytes"): void {
    const most = (this.limits as Limits)[limit];
    if (size > most) throw new TickwireError("too_large", `${limit}: ${size}`);
  }
}
