/**
 * The events on their way to the relay: each is kept until the relay says that it has taken it,
 * and after a reconnect those that it has not are sent again. So none is lost and none doubled.
 *
 * Counts are those of the slot: `taken` events are confirmed, the next `sent` of the queue were
 * sent on this connection, the rest wait for a connection or for the rate limit.
 */

import { TickwireError, protocolError } from "./errors.ts";

/** The 16 bits of a PONG tell apart this many. */
const countMaxMax = 32_767;

export interface EventQueueLimits {
  /** Default 1,024: far more than a second's worth. */
  countMax?: number | undefined;
  /** Default 1 MiB. */
  bytesMax?: number | undefined;
}

export class EventQueue {
  #messages: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;
  #taken = 0;
  #sent = 0;
  readonly #countMax: number;
  readonly #bytesMax: number;

  constructor({ countMax = 1_024, bytesMax = 1 << 20 }: EventQueueLimits = {}) {
    this.#countMax = Math.min(countMax, countMaxMax);
    this.#bytesMax = bytesMax;
  }

  get unconfirmed(): number {
    return this.#messages.length;
  }

  push(message: Uint8Array<ArrayBuffer>): void {
    if (this.#messages.length >= this.#countMax || this.#bytes + message.length > this.#bytesMax) {
      throw new TickwireError("queue_full", `${this.#messages.length} events wait for the relay already`);
    }
    this.#messages.push(message);
    this.#bytes += message.length;
  }

  /** The next message to send, left in place, or null. */
  peek(): Uint8Array<ArrayBuffer> | null {
    return this.#messages[this.#sent] ?? null;
  }

  markSent(): void {
    this.#sent += 1;
  }

  /** From a PONG: the low 16 bits of what the relay has taken. */
  confirm(takenLow: number): void {
    const count = (takenLow - this.#taken) & 0xffff;
    if (count > this.#sent) throw protocolError("more events taken than sent");
    this.#drop(count);
  }

  /** Whether `events_taken` can be of the slot that these were sent from. */
  fits(taken: number): boolean {
    return taken >= this.#taken && taken <= this.#taken + this.#sent;
  }

  /** The slot was resumed: what the relay did not take is to be sent again. */
  resume(taken: number): void {
    if (!this.fits(taken)) throw protocolError("events_taken does not fit");
    this.#drop(taken - this.#taken);
    this.#sent = 0;
  }

  /**
   * The slot is a new one. Events that were under way may or may not have been taken by the old
   * slot, so they are dropped, and returned; those that never left are kept.
   */
  restart(taken: number): readonly Uint8Array[] {
    const lost = this.#drop(this.#sent);
    this.#taken = taken;
    return lost;
  }

  #drop(count: number): Uint8Array[] {
    const dropped = this.#messages.splice(0, count);
    for (const message of dropped) this.#bytes -= message.length;
    this.#taken += count;
    this.#sent -= count;
    return dropped;
  }
}
