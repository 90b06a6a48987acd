/** Control requests that the relay answers with `ok` or `error`, by `id`. */

import type { ClientControl, ServerControl } from "./control.ts";
import { type ErrorCode, TickwireError } from "./errors.ts";

interface Waiting {
  resolve(): void;
  reject(error: TickwireError): void;
}

/** `Omit` over a union keeps only what all members share; this takes `id` off each. */
type WithoutId<Message> = Message extends unknown ? Omit<Message, "id"> : never;
export type Request = WithoutId<Exclude<ClientControl, { op: "join" }>>;

export class Requests {
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  /** Sends through `send`; settles with the relay's answer. */
  ask(request: Request, send: (message: string) => void): Promise<void> {
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      send(JSON.stringify({ ...request, id }));
    });
  }

  /** Returns whether the answer was to one of these. */
  answer(message: Extract<ServerControl, { op: "ok" | "error" }>): boolean {
    const waiting = message.id === undefined ? undefined : this.#waiting.get(message.id);
    if (waiting === undefined || message.id === undefined) return false;
    this.#waiting.delete(message.id);
    if (message.op === "ok") waiting.resolve();
    else waiting.reject(relayError(message));
    return true;
  }

  /** The connection is gone: nobody knows whether they were carried out. */
  abandon(): void {
    for (const { reject } of this.#waiting.values()) {
      reject(new TickwireError("disconnected", "the connection was lost before the answer"));
    }
    this.#waiting.clear();
  }
}

export function relayError({ code, message }: { code: string; message: string }): TickwireError {
  return new TickwireError(code as ErrorCode, message);
}
