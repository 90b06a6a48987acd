/**
 * Requests to another player, who answers with a reply. Both are events that begin with a `u16 id`
 * of the requester's choosing (protocol.md, section 3), so they survive a reconnect as events do.
 */

import { Answers } from "./answers.ts";
import type { Clock } from "./environment.ts";
import { TickwireError } from "./errors.ts";
import type { RequestOptions } from "./options.ts";
import { Purpose, eventPurpose } from "./protocol.ts";

const timeoutMsDefault = 5_000;

export type Body = Uint8Array | string;

/** Who was asked, and whether as the host: then whoever is host by now may answer, too. */
interface Asked {
  player: number;
  asHost: boolean;
}

export class PeerRequests {
  readonly #answers: Answers<Body>;
  readonly #asked = new Map<number, Asked>();
  #nextId = 0;

  constructor(clock: Clock) {
    this.#answers = new Answers(clock);
  }

  /** Calls `send` with the id to put in front; settles with the reply. */
  ask(asked: Asked, { timeout = timeoutMsDefault, signal }: RequestOptions, send: (id: number) => void): Promise<Body> {
    do this.#nextId = (this.#nextId + 1) & 0xffff;
    while (this.#asked.has(this.#nextId));
    const id = this.#nextId;
    this.#asked.set(id, asked);
    const answer = this.#answers.wait(id, { signal, timeout }).finally(() => this.#asked.delete(id));
    try {
      if (signal?.aborted !== true) send(id);
    } catch (error) {
      this.#answers.fail(id, error as TickwireError);
    }
    return answer;
  }

  /** A reply. One from somebody who was not asked does not count. */
  answer(id: number, from: number, host: number | null, body: Body): void {
    const asked = this.#asked.get(id);
    if (asked !== undefined && (from === asked.player || (asked.asHost && from === host))) this.#answers.answer(id, body);
  }

  /** The player has left, and will not answer. */
  left(player: number): void {
    for (const [id, asked] of this.#asked) {
      if (asked.player === player) this.#answers.fail(id, new TickwireError("no_such_player", `player ${player} has left`));
    }
  }

  /** EVENT messages that are not going to be sent again. */
  lost(messages: readonly Uint8Array[]): void {
    for (const [, kind = 0, , , low = 0, high = 0] of messages) {
      if (eventPurpose(kind) === Purpose.request) {
        this.#answers.fail(low | (high << 8), new TickwireError("events_lost", "the request may not have arrived"));
      }
    }
  }

  stop(error: TickwireError): void {
    this.#answers.failAll(error);
  }
}
