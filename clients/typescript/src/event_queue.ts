/**
 * The events on their way to the relay: each is kept until the relay says that it has taken it,
 * and after a reconnect those that it has not are sent again. So none is lost and none doubled.
 *
 * Counts are those of the slot: `taken` events are confirmed, the next `sent` of the queue were
 * sent on this connection, the rest wait for a connection or for the rate limit.
 */

import { u16At } from "./bytes.ts";
import { TickwireError, protocolError } from "./errors.ts";
import type { JoinOptions } from "./options.ts";
import { eventTarget, targetPlayer } from "./protocol.ts";

/** The 16 bits of a PONG tell apart this many. */
const countMaxMax = 32_767;

export class EventQueue {
  #messages: Uint8Array<ArrayBuffer>[] = [];
  #taken = 0;
  /** So many of those that wait were sent on this connection. */
  sent = 0;
  readonly #options: JoinOptions<never>;

  constructor(options: JoinOptions<never>) {
    this.#options = options;
  }

  get unconfirmed(): number {
    return this.#messages.length;
  }

  /** To be sent next; it stays here. */
  get next(): Uint8Array<ArrayBuffer> | undefined {
    return this.#messages[this.sent];
  }

  push(message: Uint8Array<ArrayBuffer>): void {
    const { eventsMax = 1_024, eventBytesMax = 1 << 20 } = this.#options;
    const bytes = this.#messages.reduce((sum, { length }) => sum + length, message.length);
    if (this.#messages.length >= Math.min(eventsMax, countMaxMax) || bytes > eventBytesMax) {
      throw new TickwireError("queue_full", "queue full");
    }
    this.#messages.push(message);
  }

  /** Drops what has not been sent to a player that has left: the number may be another's by now. */
  forget(player: number): void {
    this.#messages = this.#messages.filter(
      (message, index) => index < this.sent || eventTarget(message[1] as number) !== targetPlayer || u16At(message, 2) !== player,
    );
  }

  /** From a PONG: the low 16 bits of what the relay has taken. */
  confirm(takenLow: number): void {
    this.#drop((takenLow - this.#taken) & 0xffff);
  }

  /**
   * A new connection, whose slot has `taken` so many. In the same slot the others are sent again. In a new one
   * those that were under way may or may not have been taken by the old one: they are dropped, and returned;
   * those that never left are kept.
   */
  connected(taken: number, isSameSlot: boolean): readonly Uint8Array[] {
    const lost = this.#drop(isSameSlot ? taken - this.#taken : this.sent);
    this.#taken = taken;
    this.sent = 0;
    return isSameSlot ? [] : lost;
  }

  /** Whether `events_taken` can be of the slot that these were sent from. */
  fits(taken: number): boolean {
    return taken >= this.#taken && taken <= this.#taken + this.sent;
  }

  #drop(count: number): Uint8Array[] {
    if (count < 0 || count > this.sent) throw protocolError("never sent");
    const dropped = this.#messages.splice(0, count);
    this.#taken += count;
    this.sent -= count;
    return dropped;
  }
}
