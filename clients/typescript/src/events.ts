/**
 * Events between players, both ways: plain ones, and requests with their replies, which are events that
 * begin with an id (protocol.md, section 3).
 */

import type { Answers, Body } from "./answers.ts";
import { toBytes, u16At } from "./bytes.ts";
import { encodeEvent, withBody } from "./client_messages.ts";
import type { Welcome } from "./control.ts";
import type { Emitter } from "./emitter.ts";
import { TickwireError, protocolError } from "./errors.ts";
import type { MatchEvents, RequestHandler, RequestOptions, SendTarget } from "./options.ts";
import type { Outbox } from "./outbox.ts";
import { type EventEntry, eventPurpose, eventTarget, isText, noPlayer, purposeEvent, purposeReply, purposeRequest, targetOthers, targetPlayer, targets, textFlag } from "./protocol.ts";
import type { Roster } from "./roster.ts";

/** A request to another player is given up after so long. */
const requestTimeoutMs = 5_000;

// Not fatal: another player's bad text is no reason to doubt the relay.
const decoder = new TextDecoder();

export class Events {
  /** The number of the newest event received, or of the newest before one joined. */
  newest = 0;
  onRequest: RequestHandler | null = null;
  readonly #roster: Roster;
  readonly #outbox: Outbox;
  readonly #answers: Answers;
  readonly #emitter: Pick<Emitter<MatchEvents>, "emit">;

  constructor(roster: Roster, outbox: Outbox, answers: Answers, emitter: Pick<Emitter<MatchEvents>, "emit">) {
    this.#roster = roster;
    this.#outbox = outbox;
    this.#answers = answers;
    this.#emitter = emitter;
  }

  send(data: Body, to: SendTarget, purpose = purposeEvent, id = 0): void {
    this.#roster.assertPlayer();
    this.#outbox.assertOpen();
    const bytes = toBytes(data);
    const body = purpose === purposeEvent ? bytes : withBody([id, id >> 8], bytes);
    this.#outbox.assertFits(4 + body.length, "event_bytes");
    const target = targets.indexOf(to as "host");
    const player = target < 0 ? (to as number) : 0;
    // What is not 16 bits: no number, a fraction, a word that is none of those above.
    if ((player & 0xffff) !== player) throw new TickwireError("bad_argument", `to: ${to}`);
    const kind = (target < 0 ? targetPlayer : target) | (typeof data === "string" ? textFlag : 0) | (purpose << 3);
    this.#outbox.event(encodeEvent({ kind, player, body }));
  }

  async request(data: Body, { to = "host", timeout = requestTimeoutMs, signal }: RequestOptions): Promise<Body> {
    this.#outbox.assertOpen();
    const asHost = to === "host";
    const info = this.#roster.players.get((asHost ? this.#roster.host : to) as number);
    if (!info || info.plain) throw new TickwireError("no_such_player", "nobody can answer");
    return this.#answers.ask({ asked: { player: info.player, asHost }, timeout, signal }, (id) => this.send(data, to, purposeRequest, id));
  }

  /** A new connection: events of an older slot that may not have arrived are told, and their requests fail. */
  connected({ recovered, event, events_taken }: Welcome, isSameSlot: boolean): TickwireError | null {
    if (!recovered) this.newest = event;
    const lost = this.#outbox.events.connected(events_taken, isSameSlot);
    if (lost.length === 0) return null;
    const error = new TickwireError("events_lost", `${lost.length} events may be lost`);
    for (const message of lost) {
      if (eventPurpose(message[1] as number) === purposeRequest) this.#answers.settle(u16At(message, 4), error);
    }
    return error;
  }

  receive({ number, from, kind, body }: EventEntry): void {
    if (number <= this.newest) throw protocolError("an old event");
    this.newest = number;
    // Shared bytes: an event for the others comes to its sender, too. (65,535 is a spectator's own
    // number, but as a sender it is the relay.)
    if (eventTarget(kind) === targetOthers && from === this.#roster.self && from !== noPlayer) return;
    const purpose = eventPurpose(kind);
    const bytes = purpose === purposeEvent ? body : body.subarray(2);
    const data = isText(kind) ? decoder.decode(bytes) : bytes.slice();
    const id = u16At(body, 0);
    if (purpose === purposeEvent) {
      this.#emitter.emit("event", { number, from, data, json: () => JSON.parse(typeof data === "string" ? data : decoder.decode(data)) as unknown });
    } else if (purpose === purposeRequest) {
      void this.#answer(data, from, id);
    } else if (purpose === purposeReply) {
      this.#answers.reply(id, data, from, this.#roster.host);
    }
  }

  async #answer(data: Body, from: number, id: number): Promise<void> {
    // Where it throws, that is the page's own error; the requester's time runs out.
    const reply = await this.onRequest?.(data, from);
    if (reply !== undefined && !this.#outbox.over) this.send(reply, from, purposeReply, id);
  }
}
