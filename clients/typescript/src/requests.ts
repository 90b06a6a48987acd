/** Control requests that the relay answers with `ok` or `error`, by `id`. */

import { Answers } from "./answers.ts";
import type { ClientControl, ServerControl } from "./control.ts";
import type { Clock } from "./environment.ts";
import { type ErrorCode, TickwireError } from "./errors.ts";

/** `Omit` over a union keeps only what all members share; this takes `id` off each. */
type WithoutId<Message> = Message extends unknown ? Omit<Message, "id"> : never;
export type Request = WithoutId<Exclude<ClientControl, { op: "join" }>>;

export class Requests {
  readonly #answers: Answers<void>;
  #nextId = 1;

  constructor(clock: Clock) {
    this.#answers = new Answers(clock);
  }

  /** Sends through `send`; settles with the relay's answer. */
  ask(request: Request, signal: AbortSignal | undefined, send: (message: string) => void): Promise<void> {
    const id = this.#nextId++;
    const answer = this.#answers.wait(id, { signal });
    if (signal?.aborted !== true) send(JSON.stringify({ ...request, id }));
    return answer;
  }

  /** Returns whether the answer was to one of these. */
  answer(message: Extract<ServerControl, { op: "ok" | "error" }>): boolean {
    if (message.id === undefined) return false;
    if (message.op === "ok") return this.#answers.answer(message.id, undefined);
    return this.#answers.fail(message.id, relayError(message));
  }

  /** The connection is gone: nobody knows whether they were carried out. */
  abandon(): void {
    this.#answers.failAll(new TickwireError("disconnected", "the connection was lost before the answer"));
  }
}

export function relayError({ code, message }: { code: string; message: string }): TickwireError {
  return new TickwireError(code as ErrorCode, message);
}
