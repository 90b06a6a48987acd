/** Promises of answers by id, each settled once: by the answer, a failure, its signal or its time. */

import { type Clock, Timer } from "./environment.ts";
import { TickwireError, abortedError } from "./errors.ts";

interface Waiting<Answer> {
  resolve(answer: Answer): void;
  reject(error: TickwireError): void;
}

export class Answers<Answer> {
  readonly #waiting = new Map<number, Waiting<Answer>>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(id: number): boolean {
    return this.#waiting.has(id);
  }

  wait(id: number, { signal, timeout }: { signal?: AbortSignal | undefined; timeout?: number | undefined }): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const abort = (): void => void this.fail(id, abortedError(signal as AbortSignal));
      const timer = new Timer(this.#clock, () => this.fail(id, new TickwireError("timeout", `no answer in ${timeout} ms`)));
      const done = (): void => {
        this.#waiting.delete(id);
        timer.disarm();
        signal?.removeEventListener("abort", abort);
      };
      this.#waiting.set(id, {
        resolve: (answer) => (done(), resolve(answer)),
        reject: (error) => (done(), reject(error)),
      });
      if (timeout !== undefined) timer.arm(timeout);
      signal?.addEventListener("abort", abort);
      if (signal?.aborted === true) abort();
    });
  }

  /** Returns whether somebody waited for it. */
  answer(id: number, answer: Answer): boolean {
    const waiting = this.#waiting.get(id);
    waiting?.resolve(answer);
    return waiting !== undefined;
  }

  fail(id: number, error: TickwireError): boolean {
    const waiting = this.#waiting.get(id);
    waiting?.reject(error);
    return waiting !== undefined;
  }

  failAll(error: TickwireError): void {
    for (const { reject } of [...this.#waiting.values()]) reject(error);
  }
}
