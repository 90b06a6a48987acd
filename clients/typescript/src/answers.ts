/**
 * Promises of answers by id, each settled once: by the answer, a failure, its signal or its time.
 *
 * Two kinds share the table. Requests to the relay are control messages, answered by `ok` or `error`.
 * Requests to another player are events, answered by a reply; both begin with a `u16 id` of the
 * requester's choosing (protocol.md, section 3), and survive a reconnect as events do. Both count on one row of
 * ids, so that no answer can be taken for one of the other kind.
 */

import { Timer } from "./environment.ts";
import { TickwireError, abortedError, coded } from "./errors.ts";

export type Body = Uint8Array | string;

/** Which player was asked, and whether as the host: then whoever is host by now may answer, too. */
export interface Asked {
  player: number;
  asHost: boolean;
}

export interface AnswerOptions {
  asked?: Asked;
  signal?: AbortSignal | undefined;
  timeout?: number;
}

interface Waiting {
  asked: Asked | undefined;
  settle(error?: TickwireError, answer?: Body): void;
}

export class Answers {
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  /** Calls `send` with the id; what it throws is the answer, too. */
  ask({ asked, signal, timeout }: AnswerOptions, send: (id: number) => void): Promise<Body> {
    return new Promise<Body>((resolve, reject) => {
      if (signal?.aborted) throw abortedError(signal);
      do this.#lastId = (this.#lastId + 1) & 0xffff;
      while (this.#waiting.has(this.#lastId));
      const id = this.#lastId;
      coded(() => send(id));
      const abort = (): boolean => this.settle(id, abortedError(signal as AbortSignal));
      const timer = new Timer(() => this.settle(id, new TickwireError("timeout", "no answer")));
      // Timers count in 31 bits; what is longer, or none, is forever.
      if ((timeout as number) < 2 ** 31) timer.arm(timeout as number);
      signal?.addEventListener("abort", abort);
      this.#waiting.set(id, {
        asked,
        settle: (error, answer) => {
          this.#waiting.delete(id);
          timer.disarm();
          signal?.removeEventListener("abort", abort);
          if (error) reject(error);
          else resolve(answer as Body);
        },
      });
    });
  }

  /** A reply. One from somebody who was not asked does not count. */
  reply(id: number, body: Body, from: number, host: number | null): void {
    const waiting = this.#waiting.get(id);
    const asked = waiting?.asked;
    if (from === asked?.player || (asked?.asHost && from === host)) waiting?.settle(undefined, body);
  }

  /** It failed, or, without an error, the relay's answer is `ok`. Returns whether somebody waited for it. */
  settle(id: number, error?: TickwireError): boolean {
    const waiting = this.#waiting.get(id);
    waiting?.settle(error);
    return !!waiting;
  }

  /** Fails all that were asked of whom `concerns` says; undefined is the relay. */
  failAll(error: TickwireError, concerns: (asked: Asked | undefined) => boolean): void {
    for (const { asked, settle } of [...this.#waiting.values()]) if (concerns(asked)) settle(error);
  }
}
