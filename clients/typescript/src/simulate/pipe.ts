/**
 * One direction of a simulated link: what goes in comes out later, and always in its order.
 *
 * A message first waits for the wire (`bitsPerSecond`), then travels (latency, jitter, the time to be
 * sent again where it was lost), then waits for those before it: TCP hands nothing out of order.
 *
 *     pushed ── queue for the wire ──▶ sent ── travel ──▶ due ── those before it, stalls ──▶ delivered
 */

import { Timer } from "../environment.ts";

export interface Travel {
  latencyMs: number;
  jitterMs: number;
  loss: number;
  bitsPerSecond: number;
}

export interface PipePort {
  travel(): Travel;
  /** Until when nothing moves; in the past where all does. */
  stalledUntil(): number;
  random(): number;
}

interface Message {
  size: number;
  /** When it may be delivered, if nothing before it in the queue is later. */
  dueAt: number;
  deliver: () => void;
}

/** Linux' least retransmission timeout. */
const resendMinMs = 200;

export class Pipe {
  readonly #port: PipePort;
  readonly #timer: Timer;
  #queue: Message[] = [];
  #wireFreeAt = 0;

  constructor(port: PipePort) {
    this.#port = port;
    this.#timer = new Timer(() => this.#pump());
  }

  /** Bytes that have not arrived: the sender's kernel keeps them till then, to send them again. */
  get held(): number {
    return this.#queue.reduce((sum, { size }) => sum + size, 0);
  }

  /** `extraMs`: what a handshake costs besides. */
  push(size: number, deliver: () => void, extraMs = 0): void {
    const { latencyMs, jitterMs, loss, bitsPerSecond } = this.#port.travel();
    const sentAt = Math.max(performance.now(), this.#wireFreeAt) + (size * 8_000) / bitsPerSecond;
    const resendMs = this.#port.random() < loss ? Math.max(resendMinMs, 4 * latencyMs) : 0;
    const dueAt = sentAt + latencyMs + this.#port.random() * jitterMs + resendMs + extraMs;
    this.#wireFreeAt = sentAt;
    // What need not wait must not: a hidden page's timers come once a minute.
    if (this.#queue.length === 0 && Math.max(dueAt, this.#port.stalledUntil()) <= performance.now()) {
      deliver();
      return;
    }
    this.#queue.push({ size, dueAt, deliver });
    if (!this.#timer.armed) this.#arm();
  }

  /** A stall has begun or the conditions have changed: what waits may have to wait for something else. */
  reconsider(): void {
    this.#arm();
  }

  clear(): void {
    this.#queue = [];
    this.#timer.disarm();
  }

  #pump(): void {
    for (let head = this.#queue[0]; head !== undefined && this.#dueAt(head) <= performance.now(); head = this.#queue[0]) {
      this.#queue.shift();
      head.deliver();
    }
    this.#arm();
  }

  #arm(): void {
    const head = this.#queue[0];
    // Timers of the system count whole milliseconds, and come early by a fraction.
    if (head !== undefined) this.#timer.arm(Math.max(0, Math.ceil(this.#dueAt(head) - performance.now())));
  }

  #dueAt(message: Message): number {
    return Math.max(message.dueAt, this.#port.stalledUntil());
  }
}
