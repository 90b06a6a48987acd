/**
 * Promises of answers by id, each settled once: by the answer, a failure, its signal or its time.
 *
 * Two kinds share the table. Requests to the relay are control messages, answered by `ok` or `error`.
 * Requests to another player are events, answered by a reply; both begin with a `u16 id` of the
 * requester's choosing (protocol.md, section 3), and survive a reconnect as events do. Both count on one row of
 * ids, so that no answer can be taken for one of the other kind.
 */

import { Timer } from "./environment.ts";
import { TickwireError, abortedError, type ErrorCode } from "./errors.ts";

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
  settle(error: TickwireError | null, answer?: Body): void;
}

export class Answers {
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  /** Calls `send` with the id; what it throws is the answer, too. */
  ask({ asked, signal, timeout }: AnswerOptions, send: (id: number) => void): Promise<Body> {
    return new Promise<Body>((resolve, reject) => {
      if (signal?.aborted === true) throw abortedError(signal);
      do this.#lastId = (this.#lastId + 1) & 0xffff;
      while (this.#waiting.has(this.#lastId));
      const id = this.#lastId;
      const abort = (): void => this.fail(id, abortedError(signal as AbortSignal));
      const timer = new Timer(() => this.fail(id, new TickwireError("timeout", `no answer in ${timeout} ms`)));
      if (timeout !== undefined) timer.arm(timeout);
      signal?.addEventListener("abort", abort);
      this.#waiting.set(id, {
        asked,
        settle: (error, answer) => {
          this.#waiting.delete(id);
          timer.disarm();
          signal?.removeEventListener("abort", abort);
          if (error === null) resolve(answer as Body);
          else reject(error);
        },
      });
      try {
        send(id);
      } catch (error) {
        this.fail(id, error as TickwireError);
      }
    });
  }

  /** `ok` or `error` from the relay. Returns whether somebody waited for it. */
  control({ op, id = -1, code, message }: { op: string; id?: number; code?: string; message?: string }): boolean {
    const waiting = this.#waiting.get(id);
    waiting?.settle(op === "ok" ? null : new TickwireError(code as ErrorCode, message as string));
    return waiting !== undefined;
  }

  /** A reply. One from somebody who was not asked does not count. */
  reply(id: number, body: Body, from: number, host: number | null): void {
    const waiting = this.#waiting.get(id);
    const asked = waiting?.asked;
    if (from === asked?.player || (asked?.asHost === true && from === host)) waiting?.settle(null, body);
  }

  fail(id: number, error: TickwireError): void {
    this.#waiting.get(id)?.settle(error);
  }

  /** Fails all that were asked of whom `concerns` says; undefined is the relay. */
  failAll(error: TickwireError, concerns: (asked: Asked | undefined) => boolean): void {
    for (const { asked, settle } of [...this.#waiting.values()]) if (concerns(asked)) settle(error);
  }
}
