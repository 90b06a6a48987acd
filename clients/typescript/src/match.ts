/**
 * A match as the application sees it: what it sends, what it hears, and that it goes on when the
 * connection does not.
 *
 * `Match` owns the parts and routes messages between them; each rule of the protocol lives in its
 * part (`states.ts`, `event_queue.ts`, `pulse.ts`, …). All that a connection taught is replaced by
 * the next `welcome`; what outlives a connection is the resume token, the newest event number, the
 * queue of events and the latest own state.
 */

import { encodeEvent, encodePing, encodeState } from "./client_messages.ts";
import { Connector } from "./connector.ts";
import { type ClientControl, type Limits, type PlayerInfo, type Role, type ServerControl, type Welcome, parseControl } from "./control.ts";
import { Emitter } from "./emitter.ts";
import { type Clock, Timer, systemClock } from "./environment.ts";
import { TickwireError, protocolError } from "./errors.ts";
import { EventQueue } from "./event_queue.ts";
import { MatchClock } from "./match_clock.ts";
import type { JoinOptions, MatchEvents, SendTarget, Status } from "./options.ts";
import { PropertyStore } from "./properties.ts";
import { type EventEntry, MessageType, Purpose, Target, eventPurpose, eventTarget, isText, keyframeFlag, noPlayer, textFlag } from "./protocol.ts";
import { Pulse } from "./pulse.ts";
import { type Request, Requests, relayError } from "./requests.ts";
import { Roster } from "./roster.ts";
import { decodeEvents, decodePong, decodeTick } from "./server_messages.ts";
import { StateSender } from "./state_sender.ts";
import { StateTable } from "./states.ts";
import { type Stats, StatsCounter } from "./stats.ts";
import { TokenBucket } from "./token_bucket.ts";
import { type Visibility, pageVisibility } from "./visibility.ts";

/** A client's frame head: 2 bytes, 8 of extended length, 4 of mask. */
const frameHeadMax = 14;
/** How soon to look whether the rate limit lets more events through. */
const flushRetryMs = 50;

const encoder = new TextEncoder();
// Not fatal: another player's bad text is no reason to doubt the relay.
const decoder = new TextDecoder();

/** Joins the match at `url`, `wss://host/v1/match/name`. Rejects with a `TickwireError`. */
export function join(url: string, options: JoinOptions = {}): Promise<Match> {
  return new Promise((resolve, reject) => {
    const match = new Match(url, options);
    const stop = match.on("status", ({ status, error }) => {
      if (status === "connecting" || status === "reconnecting") return;
      stop();
      if (status === "connected") resolve(match);
      else reject(error ?? new TickwireError("left", "the match was left"));
    });
  });
}

export class Match {
  readonly properties: PropertyStore;
  readonly #options: JoinOptions;
  readonly #clock: Clock;
  readonly #visibility: Visibility;
  readonly #emitter = new Emitter<MatchEvents>();
  readonly #connector: Connector;
  readonly #requests = new Requests();
  readonly #roster = new Roster();
  readonly #states = new StateTable();
  readonly #events = new EventQueue();
  readonly #matchClock = new MatchClock();
  readonly #stats = new StatsCounter();
  readonly #sender: StateSender;
  readonly #pulse: Pulse;
  readonly #flushTimer: Timer;
  readonly #unwatch: (() => void)[] = [];
  #status: Status = "connecting";
  #welcome: Welcome | null = null;
  /** False between the socket's opening and its `welcome`. */
  #welcomed = false;
  #tick = 0;
  #seenEvent = 0;
  #seq = 0;
  #divisor = 1;
  #askedDivisor: 1 | 2 | 4 | 8 = 1;
  #messageBudget = new TokenBucket(1, 0);
  #byteBudget = new TokenBucket(1, 0);

  /** Use `join`. */
  constructor(url: string, options: JoinOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#visibility = options.visibility ?? pageVisibility;
    this.properties = new PropertyStore((request) => this.#ask(request));
    this.#sender = new StateSender(this.#clock, {
      ready: () => this.#connector.link?.drained === true,
      send: (body, now) => this.#sendState(body, now),
    });
    this.#pulse = new Pulse(this.#clock, {
      ping: (now) => this.#sendPing(now),
      dead: () => this.#connector.replace(new TickwireError("disconnected", "nothing was heard from the relay")),
    });
    this.#flushTimer = new Timer(this.#clock, () => this.#flushEvents());
    const { ticket } = options;
    this.#connector = new Connector(
      {
        url,
        socketClass: options.WebSocket ?? (globalThis.WebSocket as unknown as NonNullable<JoinOptions["WebSocket"]>),
        clock: this.#clock,
        ticket: () => (typeof ticket === "function" ? ticket() : ticket),
        backoff: options.backoff ?? {},
        handshakesMax: options.handshakesMax,
      },
      {
        open: (ticketNow) => this.#onOpen(ticketNow),
        text: (message) => this.#onMessage(message.length, () => this.#onText(message)),
        binary: (message) => this.#onMessage(message.length, () => this.#onBinary(message)),
        lost: (error) => this.#onLost(error),
        stopped: (error) => this.#onStopped(error),
      },
    );
    this.#unwatch.push(this.#visibility.watch(() => this.#tellVisible()));
    const { signal } = options;
    const abort = (): void => this.leave();
    signal?.addEventListener("abort", abort);
    this.#unwatch.push(() => signal?.removeEventListener("abort", abort));
    // After the caller has had its chance to listen.
    queueMicrotask(() => (signal?.aborted === true ? this.leave() : this.#connector.start()));
  }

  // What a program may ask

  get status(): Status {
    return this.#status;
  }

  /** One's own number; 65,535 for a spectator. */
  get player(): number {
    return this.#welcome?.player ?? noPlayer;
  }

  get role(): Role {
    return this.#welcome?.role ?? "player";
  }

  get name(): string {
    return this.#welcome?.match ?? "";
  }

  get tickHz(): number {
    return this.#welcome?.tick_hz ?? 30;
  }

  /** The newest tick received. */
  get tick(): number {
    return this.#tick;
  }

  /** The number of the newest event received, or of the newest before one joined. */
  get newestEvent(): number {
    return this.#seenEvent;
  }

  get players(): ReadonlyMap<number, Readonly<PlayerInfo>> {
    return this.#roster.players;
  }

  get host(): number | null {
    return this.#roster.host;
  }

  get isHost(): boolean {
    return this.#welcome !== null && this.role === "player" && this.#roster.host === this.player;
  }

  get locked(): boolean {
    return this.#roster.locked;
  }

  get limits(): Readonly<Limits> | null {
    return this.#welcome?.limits ?? null;
  }

  /** Milliseconds since the match opened, as everyone in it counts them; null before the first PONG. */
  get time(): number | null {
    return this.#matchClock.at(this.#clock.now());
  }

  get stats(): Stats {
    return this.#stats.read(this.#clock.now(), {
      roundTripMs: this.#matchClock.roundTripMs,
      divisor: this.#divisor,
      unconfirmedEvents: this.#events.unconfirmed,
    });
  }

  /** Calls `listener` at each `name`; the function returned takes it off again. */
  on<Name extends keyof MatchEvents>(name: Name, listener: (value: MatchEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener);
  }

  // What a program may do

  /** Replaces the own state. Latest wins: call it as often as the game likes. */
  state(bytes: Uint8Array): void {
    this.#assertPlayer();
    this.#assertFits(6 + bytes.length, this.limits?.state_bytes, "a state");
    this.#sender.set(bytes.slice());
  }

  /**
   * Sends an event, reliably and in order; a string arrives as a string. Default: to the others.
   * While the connection is away it waits. Throws `queue_full` when too many wait.
   */
  send(data: Uint8Array | string, { to = "others" }: { to?: SendTarget } = {}): void {
    this.#assertPlayer();
    const body = typeof data === "string" ? encoder.encode(data) : data;
    this.#assertFits(4 + body.length, this.limits?.event_bytes, "an event");
    const kind = (typeof to === "number" ? Target.player : Target[to]) | (typeof data === "string" ? textFlag : 0);
    this.#events.push(encodeEvent({ kind, player: typeof to === "number" ? to : 0, body }));
    this.#flushEvents();
  }

  /** Every how many ticks to get one. */
  rate(divisor: 1 | 2 | 4 | 8): Promise<void> {
    this.#askedDivisor = divisor;
    return this.#ask({ op: "rate", divisor });
  }

  /** The host's alone: nobody new gets in. */
  lock(locked: boolean): Promise<void> {
    return this.#ask({ op: "lock", locked });
  }

  /** The host's alone. */
  kick(player: number, reason = ""): Promise<void> {
    return this.#ask({ op: "kick", player, reason });
  }

  /** The host's alone: hands the office on. */
  makeHost(player: number): Promise<void> {
    return this.#ask({ op: "host", player });
  }

  /** Leaves for good and at once; safe to call in `pagehide`. */
  leave(): void {
    this.#connector.link?.send(JSON.stringify({ op: "leave" }));
    this.#connector.stop(new TickwireError("left", "the match was left"));
  }

  // The connection's life

  #onOpen(ticket: string | undefined): void {
    const { name, role } = this.#options;
    const resume = this.#welcome?.resume;
    const message: ClientControl = {
      op: "join",
      ...(name === undefined ? {} : { name }),
      ...(role === undefined ? {} : { role }),
      ...(ticket === undefined ? {} : { ticket }),
      ...(resume === undefined ? {} : { resume, seen_event: this.#seenEvent }),
    };
    this.#connector.greet(JSON.stringify(message));
  }

  #onMessage(size: number, handle: () => void): void {
    this.#stats.received(size, this.#clock.now());
    this.#pulse.heard();
    try {
      handle();
    } catch (cause) {
      if (!(cause instanceof TickwireError)) throw cause;
      // The relay's bytes cannot be trusted from here on; a resume brings all of it anew.
      this.#connector.replace(cause);
      this.#emitter.emit("error", cause);
    }
  }

  #onLost(error: TickwireError): void {
    this.#disconnected();
    if (this.#welcome !== null) this.#setStatus("reconnecting", error);
  }

  #onStopped(error: TickwireError): void {
    this.#disconnected();
    this.#sender.stop();
    for (const unwatch of this.#unwatch) unwatch();
    this.#setStatus("closed", error);
  }

  #disconnected(): void {
    this.#welcomed = false;
    this.#pulse.stop();
    this.#flushTimer.disarm();
    this.#states.clear();
    this.#stats.connectionLost();
    this.#requests.abandon();
  }

  #setStatus(status: Status, error: TickwireError | null): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#emitter.emit("status", { status, error, recovered: status === "connected" && this.#welcome?.recovered === true });
  }

  // What the relay says

  #onText(text: string): void {
    const message = parseControl(text);
    if (message?.op === "welcome") this.#onWelcome(message);
    else if (!this.#welcomed) throw protocolError("a message before welcome");
    else if (message !== null) this.#onControl(message);
  }

  #onWelcome(welcome: Welcome): void {
    if (this.#welcomed) throw protocolError("a second welcome");
    const before = this.#welcome;
    // Not recovered is either: a new slot, or the old one with a gap in its events.
    const sameToken = before !== null && before.resume !== undefined && before.resume === welcome.resume;
    const sameSlot = welcome.recovered || (sameToken && this.#events.fits(welcome.events_taken));
    if (sameSlot) this.#events.resume(welcome.events_taken);
    const lost = sameSlot ? 0 : this.#events.restart(welcome.events_taken);
    this.#welcome = welcome;
    this.#welcomed = true;
    this.#tick = welcome.tick;
    if (!welcome.recovered) this.#seenEvent = welcome.event;
    if (!sameSlot) this.#matchClock.reset();
    this.#divisor = 1;
    this.#states.clear();
    this.#roster.replace(welcome);
    this.properties.replace(welcome.properties, welcome.properties_version);
    const now = this.#clock.now();
    this.#messageBudget = new TokenBucket(welcome.limits.messages_per_second, now);
    this.#byteBudget = new TokenBucket(welcome.limits.bytes_per_second, now);
    if (before !== null) this.#stats.reconnects += 1;
    this.#connector.welcomed();
    this.#pulse.start();
    if (this.#visibility.hidden) this.#tellVisible();
    if (this.#askedDivisor > 1) void this.rate(this.#askedDivisor).catch(() => {});
    this.#sender.connected(welcome.tick_hz);
    this.#flushEvents();
    this.#setStatus("connected", null);
    this.#emitter.emit("roster", { change: null });
    this.#emitter.emit("host", { player: welcome.host, epoch: welcome.epoch, isSelf: this.isHost });
    this.#emitter.emit("properties", { set: welcome.properties, version: welcome.properties_version, by: null });
    if (lost > 0) this.#emitter.emit("error", new TickwireError("events_lost", `${lost} events may not have arrived`));
  }

  #onControl(message: Exclude<ServerControl, Welcome>): void {
    switch (message.op) {
      case "joined":
      case "left":
      case "away":
      case "back":
      case "host":
      case "locked":
        this.#roster.apply(message);
        if (message.op === "left") this.#states.drop(message.player);
        this.#emitter.emit("roster", { change: message });
        if (message.op === "host") {
          this.#emitter.emit("host", { player: message.player, epoch: message.epoch, isSelf: this.isHost });
        }
        return;
      case "properties":
        this.properties.apply(message.set, message.version);
        this.#emitter.emit("properties", { set: message.set, version: message.version, by: message.by });
        return;
      case "rate":
        this.#divisor = message.divisor;
        this.#emitter.emit("rate", { divisor: message.divisor, reason: message.reason });
        return;
      case "drain":
        this.#connector.drain(message.reconnect_ms, message.url);
        return;
      case "ok":
      case "error":
        if (!this.#requests.answer(message) && message.op === "error") this.#emitter.emit("error", relayError(message));
    }
  }

  #onBinary(message: Uint8Array): void {
    if (!this.#welcomed) throw protocolError("a message before welcome");
    switch (message[0]) {
      case undefined:
        throw protocolError("an empty message");
      case MessageType.tick:
        this.#onTick(message);
        return;
      case MessageType.events:
        for (const event of decodeEvents(message)) this.#onEvent(event);
        return;
      case MessageType.pong: {
        const pong = decodePong(message);
        const now = this.#clock.now();
        this.#events.confirm(pong.taken);
        this.#matchClock.sample(now - roundTripMs(pong.clientTime, now), now, Number(pong.matchTimeUs) / 1_000);
        this.#flushEvents();
      }
    }
  }

  #onTick(message: Uint8Array): void {
    const tick = decodeTick(message);
    // Ticks rise, and wrap around after a year at 128 Hz. The first may be the one `welcome` named.
    if ((tick.tick - this.#tick) >>> 0 >= 0x8000_0000) throw protocolError("a tick that is older than the last");
    const states = this.#states.apply(tick, (player) => this.#roster.players.has(player));
    this.#tick = tick.tick;
    const now = this.#clock.now();
    const keyframe = (tick.flags & keyframeFlag) !== 0;
    this.#stats.tick(keyframe, now);
    const own = states.get(this.player);
    if (own !== undefined) this.#stats.ownStateSeen(own.seq, now);
    this.#emitter.emit("tick", { tick: tick.tick, keyframe, states });
    // A listener may have left the match, or answered with a state that carries the report.
    if (this.#connector.link === null) return;
    this.#flushEvents();
    this.#sender.poll();
    this.#pulse.tick();
  }

  #onEvent({ number, from, kind, body }: EventEntry): void {
    if (number <= this.#seenEvent) throw protocolError(`event ${number} after event ${this.#seenEvent}`);
    this.#seenEvent = number;
    if (eventPurpose(kind) !== Purpose.event) return;
    // Shared bytes: an event for the others comes to its sender, too. (65,535 is a spectator's own
    // number, but as a sender it is the relay.)
    if (eventTarget(kind) === Target.others && from === this.player && from !== noPlayer) return;
    this.#emitter.emit("event", { number, from, data: isText(kind) ? decoder.decode(body) : body.slice() });
  }

  // What goes out

  #sendState(body: Uint8Array, now: number): void {
    this.#seq = (this.#seq + 1) & 0xffff;
    this.#transmit(encodeState({ seq: this.#seq, seen: this.#tick & 0xffff, body }), now);
    this.#stats.stateSent(this.#seq, now);
    this.#pulse.reported(now);
  }

  #sendPing(now: number): void {
    this.#transmit(encodePing({ seen: this.#tick & 0xffff, clientTime: microseconds(now) }), now);
  }

  #flushEvents(): void {
    const now = this.#clock.now();
    for (let message = this.#events.peek(); message !== null; message = this.#events.peek()) {
      if (this.#connector.link === null) return;
      if (!this.#messageBudget.has(1, now) || !this.#byteBudget.has(message.length, now)) {
        this.#flushTimer.arm(flushRetryMs);
        break;
      }
      this.#transmit(message, now);
      this.#events.markSent();
    }
    if (this.#events.unconfirmed > 64) this.#pulse.hurry();
  }

  #transmit(message: string | Uint8Array<ArrayBuffer>, now: number): void {
    this.#connector.link?.send(message);
    this.#stats.sent(message.length, now);
    this.#messageBudget.spend(1);
    this.#byteBudget.spend(message.length + frameHeadMax);
  }

  #ask(request: Request): Promise<void> {
    if (this.#connector.link === null) return Promise.reject(new TickwireError("disconnected", "not connected"));
    return this.#requests.ask(request, (message) => this.#transmit(message, this.#clock.now()));
  }

  #tellVisible(): void {
    if (this.#connector.link === null) return;
    const message: ClientControl = { op: "visible", visible: !this.#visibility.hidden };
    this.#transmit(JSON.stringify(message), this.#clock.now());
  }

  #assertPlayer(): void {
    if (this.role !== "player") throw new TickwireError("forbidden", "a spectator sends neither states nor events");
  }

  #assertFits(size: number, limit: number | undefined, what: string): void {
    if (limit !== undefined && size > limit) {
      throw new TickwireError("too_large", `${what} of ${size} bytes with its head; the relay takes ${limit}`);
    }
  }
}

/** `client_time` of a PING: 32 bits of microseconds, which wrap after 71 minutes. */
function microseconds(ms: number): number {
  return Math.floor(ms * 1_000) % 0x1_0000_0000;
}

function roundTripMs(clientTime: number, now: number): number {
  return ((microseconds(now) - clientTime) >>> 0) / 1_000;
}
