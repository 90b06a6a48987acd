/**
 * The events on their way to the relay: each is kept until the relay says that it has taken it,
 * and after a reconnect those that it has not are sent again. So none is lost and none doubled.
 *
 * Counts are those of the slot: `taken` events are confirmed, the next `sent` of the queue were
 * sent on this connection, the rest wait for a connection or for the rate limit.
 */

import { TickwireError, protocolError } from "./errors.ts";

/** Below 2^15, so that the 16 bits of a PONG can be told apart; far more than a second's worth. */
const queuedMax = 1_024;

export class EventQueue {
  #messages: Uint8Array<ArrayBuffer>[] = [];
  #taken = 0;
  #sent = 0;

  get unconfirmed(): number {
    return this.#messages.length;
  }

  push(message: Uint8Array<ArrayBuffer>): void {
    if (this.#messages.length >= queuedMax) {
      throw new TickwireError("queue_full", `${queuedMax} events wait for the relay already`);
    }
    this.#messages.push(message);
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
    if (count > this.#sent) throw protocolError("the relay has taken more events than were sent");
    this.#drop(count);
  }

  /** Whether `events_taken` can be of the slot that these were sent from. */
  fits(taken: number): boolean {
    return taken >= this.#taken && taken <= this.#taken + this.#sent;
  }

  /** The slot was resumed: what the relay did not take is to be sent again. */
  resume(taken: number): void {
    if (!this.fits(taken)) throw protocolError("events_taken does not fit what was sent");
    this.#drop(taken - this.#taken);
    this.#sent = 0;
  }

  /**
   * The slot is a new one. Events that were under way may or may not have been taken by the old
   * slot, so they are dropped; those that never left are kept. Returns how many were dropped.
   */
  restart(taken: number): number {
    const lost = this.#sent;
    this.#messages.splice(0, lost);
    this.#sent = 0;
    this.#taken = taken;
    return lost;
  }

  #drop(count: number): void {
    this.#messages.splice(0, count);
    this.#taken += count;
    this.#sent -= count;
  }
}
