/**
 * A match as the application sees it: what it sends, what it hears, and that it goes on when the
 * connection does not.
 *
 * `Match` owns the parts and routes messages between them; each rule of the protocol lives in its
 * part (`states.ts`, `event_queue.ts`, `pulse.ts`, …). All that a connection taught is replaced by
 * the next `welcome`; what outlives a connection is the resume token, the newest event number, the
 * queue of events and the latest own state.
 */

import { Answers, type Body } from "./answers.ts";
import { encodeEvent, encodePing, encodeState, withBody } from "./client_messages.ts";
import { Connector } from "./connector.ts";
import { type ClientControl, type ControlRequest, type Limits, type PlayerInfo, type Role, type ServerControl, type Welcome, parseControl } from "./control.ts";
import { Emitter } from "./emitter.ts";
import { type Clock, Timer, systemClock } from "./environment.ts";
import { type ErrorCode, TickwireError, abortedError, protocolError } from "./errors.ts";
import { EventQueue } from "./event_queue.ts";
import { MatchClock } from "./match_clock.ts";
import type { Codec, JoinOptions, MatchEvents, RequestHandler, RequestOptions, RosterChange, SendTarget, Status, WaitOptions } from "./options.ts";
import { PhaseLock } from "./phase.ts";
import { PropertyStore } from "./properties.ts";
import { type EventEntry, eventPurpose, eventTarget, isText, keyframeFlag, noPlayer, textFlag, tickType, eventsType, pongType, purposeEvent, purposeRequest, purposeReply, targetPlayer, targetOthers, targets } from "./protocol.ts";
import { Pulse } from "./pulse.ts";
import { Roster } from "./roster.ts";
import { decodeEvents, decodePong, decodeTick } from "./server_messages.ts";
import { StateSender } from "./state_sender.ts";
import { type PlayerState, StateTable } from "./states.ts";
import { type Stats, StatsCounter } from "./stats.ts";
import { TickTimeline } from "./timeline.ts";
import { TokenBucket, costOf } from "./token_bucket.ts";
import { type Visibility, pageVisibility } from "./visibility.ts";

/** A request to another player is given up after so long. */
const requestTimeoutMs = 5_000;
/** How soon to look whether the rate limit lets more through. */
const flushRetryMs = 50;

const encoder = new TextEncoder();
// Not fatal: another player's bad text is no reason to doubt the relay.
const decoder = new TextDecoder();

/** Joins the match at `url`, `wss://host/v1/match/name`. Rejects with a `TickwireError`. */
export function join(url: string, options?: JoinOptions<Uint8Array>): Promise<Match>;
export function join<State>(url: string, options: JoinOptions<State> & { schema: Codec<State> }): Promise<Match<State>>;
export function join<State>(url: string, options: JoinOptions<State> = {}): Promise<Match<State>> {
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

export class Match<State = Uint8Array> {
  readonly properties: PropertyStore;
  readonly #options: JoinOptions<State>;
  readonly #clock: Clock;
  readonly #visibility: Visibility;
  readonly #emitter = new Emitter<MatchEvents<State>>();
  readonly #connector: Connector;
  readonly #answers: Answers;
  readonly #roster = new Roster();
  readonly #states = new StateTable();
  readonly #events: EventQueue;
  readonly #matchClock = new MatchClock();
  readonly #stats = new StatsCounter();
  readonly #sender: StateSender;
  readonly #pulse: Pulse;
  readonly #flushTimer: Timer;
  /** Takes off what listens to the page and to the caller's signal. */
  readonly #unwatch = new AbortController();
  #controls: string[] = [];
  #onRequest: RequestHandler | null = null;
  #phase = new PhaseLock(30);
  #timeline = new TickTimeline(30);
  #status: Status = "connecting";
  #over: TickwireError | null = null;
  #welcome: Welcome | null = null;
  /** False between the socket's opening and its `welcome`. */
  #welcomed = false;
  #toldHidden = false;
  #tick = 0;
  #seenEvent = 0;
  #seq = 0;
  #divisor = 1;
  #askedDivisor: 1 | 2 | 4 | 8 = 1;
  /** Of this connection: its messages, and of them the JSON. */
  #budget = new TokenBucket(0);
  #controlBudget = new TokenBucket(0);

  /** Use `join`. */
  constructor(url: string, options: JoinOptions<State>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#visibility = options.visibility ?? pageVisibility;
    this.#answers = new Answers(this.#clock);
    this.#events = new EventQueue({ countMax: options.eventsMax, bytesMax: options.eventBytesMax });
    this.properties = new PropertyStore((request, options) => this.#ask(request, options));
    this.#sender = new StateSender(this.#clock, {
      ready: () => this.#connector.link?.drained === true,
      send: (body, now) => this.#sendState(body, now),
    });
    this.#pulse = new Pulse(this.#clock, {
      ping: (now) => this.#sendPing(now),
      dead: () => this.#connector.replace(new TickwireError("disconnected", "nothing was heard from the relay")),
    });
    this.#flushTimer = new Timer(this.#clock, () => this.#flush());
    const { signal } = options;
    this.#connector = new Connector(url, options as JoinOptions<never>, this.#clock, {
      open: (ticket) => this.#onOpen(ticket),
      message: (data) => this.#onMessage(data),
      lost: (error) => this.#onLost(error),
      stopped: (error) => this.#onStopped(error),
    });
    const abort = (): void => this.#leave(abortedError(signal as AbortSignal));
    signal?.addEventListener("abort", abort, { signal: this.#unwatch.signal });
    this.#visibility.watch(() => this.#onVisibility(), this.#unwatch.signal);
    // After the caller has had its chance to listen.
    queueMicrotask(() => (signal?.aborted === true ? abort() : this.#connector.start()));
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

  /** The match's name. */
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

  /** What states are made of, as `join` was told. */
  get schema(): Codec<State> | null {
    return this.#options.schema ?? null;
  }

  /** Where between the ticks to draw: a little in the past. */
  get timeline(): TickTimeline {
    return this.#timeline;
  }

  /** Milliseconds since the match opened, as everyone in it counts them; null before the first PONG. */
  get time(): number | null {
    return this.#matchClock.at(this.#clock.now());
  }

  get stats(): Stats {
    const { marginMs } = this.#phase;
    return {
      ...this.#stats.read(this.#clock.now()),
      roundTripMs: this.#matchClock.roundTripMs,
      tickJitterMs: this.#timeline.jitterMs,
      interpolationDelayMs: this.#timeline.delayMs,
      divisor: this.#divisor,
      phaseLocked: marginMs !== null,
      phaseMarginMs: marginMs,
      unconfirmedEvents: this.#events.unconfirmed,
    };
  }

  /** Calls `listener` at each `name`; the function returned takes it off again. */
  on<Name extends keyof MatchEvents<State>>(name: Name, listener: (value: MatchEvents<State>[Name]) => void): () => void {
    return this.#emitter.on(name, listener);
  }

  // What a program may do

  /**
   * Replaces the own state. Latest wins: call it as often as the game likes. A function is called
   * at the moment of sending, once a tick until the next call; null from it sends nothing.
   */
  state(state: State | (() => State | null)): void {
    this.#assertPlayer();
    if (this.#over !== null) return;
    if (typeof state !== "function") {
      this.#sender.set(this.#pack(state));
      return;
    }
    const make = state as () => State | null;
    this.#sender.set(() => {
      const made = make();
      return made === null ? null : this.#pack(made);
    });
  }

  /**
   * Sends an event, reliably and in order; a string arrives as a string. Default: to the others.
   * While the connection is away it waits. Throws `queue_full` when too many wait.
   */
  send(data: Body, { to = "others" }: { to?: SendTarget } = {}): void {
    this.#push(data, to, purposeEvent);
  }

  /** Sends a value as JSON; `event.json()` gives it back. */
  sendJson(value: unknown, options?: { to?: SendTarget }): void {
    this.send(JSON.stringify(value), options);
  }

  /** Asks a player, or the host, and waits for what the `onRequest` there answers. */
  async request(data: Body, { to = "host", timeout = requestTimeoutMs, signal }: RequestOptions = {}): Promise<Body> {
    this.#assertOpen();
    const asHost = to === "host";
    const info = this.players.get((asHost ? this.host : to) as number);
    if (info === undefined || info.plain === true) throw new TickwireError("no_such_player", "nobody who could answer");
    const asked = { player: info.player, asHost };
    return this.#answers.ask({ asked, timeout, signal }, (id) => this.#push(data, to, purposeRequest, id));
  }

  /** Answers the requests of others; null: no longer. */
  onRequest(handler: RequestHandler | null): void {
    this.#onRequest = handler;
  }

  /** Every how many ticks to get one. */
  rate(divisor: 1 | 2 | 4 | 8, options?: WaitOptions): Promise<void> {
    this.#askedDivisor = divisor;
    this.#stats.keyframeExpected = true;
    return this.#ask({ op: "rate", divisor }, options);
  }

  /** The host's alone: nobody new gets in. */
  lock(locked: boolean, options?: WaitOptions): Promise<void> {
    return this.#ask({ op: "lock", locked }, options);
  }

  /** The host's alone. */
  kick(player: number, reason = "", options?: WaitOptions): Promise<void> {
    return this.#ask({ op: "kick", player, reason }, options);
  }

  /** The host's alone: hands the office on. */
  makeHost(player: number, options?: WaitOptions): Promise<void> {
    return this.#ask({ op: "host", player }, options);
  }

  /** Leaves for good and at once; safe to call in `pagehide`. */
  leave(): void {
    this.#leave(new TickwireError("left", "the match was left"));
  }

  // The connection's life

  #leave(error: TickwireError): void {
    this.#connector.link?.send('{"op":"leave"}');
    this.#connector.stop(error);
  }

  #onOpen(ticket: string | undefined): void {
    const { name, role } = this.#options;
    const resume = this.#welcome?.resume;
    // JSON has no undefined: what is not known is not said.
    const message = { op: "join", name, role, ticket, resume, seen_event: resume === undefined ? undefined : this.#seenEvent };
    this.#connector.greet(JSON.stringify(message));
  }

  #onMessage(data: string | ArrayBuffer): void {
    const message = typeof data === "string" ? data : new Uint8Array(data);
    this.#stats.received(message.length, this.#clock.now());
    this.#pulse.heard();
    try {
      if (typeof message === "string") this.#onText(message);
      else this.#onBinary(message);
    } catch (cause) {
      // The relay's bytes cannot be trusted from here on; a resume brings all of it anew. (Listeners
      // throw into the page's own error reporting, not here.)
      const error = cause instanceof TickwireError ? cause : new TickwireError("protocol", String(cause), undefined, cause);
      this.#connector.replace(error);
      this.#emitter.emit("error", error);
    }
  }

  #onLost(error: TickwireError): void {
    this.#disconnected();
    if (this.#welcome !== null) this.#setStatus("reconnecting", error);
  }

  #onStopped(error: TickwireError): void {
    this.#over = error;
    this.#disconnected();
    this.#sender.stop();
    this.#answers.failAll(error, () => true);
    this.#unwatch.abort();
    this.#setStatus("closed", error);
  }

  #disconnected(): void {
    this.#pulse.stop();
    this.#flushTimer.disarm();
    this.#states.clear();
    this.#controls = [];
    if (this.#welcomed) this.#stats.connectionLost(this.#clock.now());
    this.#welcomed = false;
    this.#answers.failAll(new TickwireError("disconnected", "lost before the answer"), (asked) => asked === undefined);
  }

  #setStatus(status: Status, error: TickwireError | null): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#emitter.emit("status", { status, error, recovered: status === "connected" && this.#welcome?.recovered === true });
  }

  #onVisibility(): void {
    if (!this.#visibility.hidden) this.#connector.hurry();
    if (this.#visibility.hidden !== this.#toldHidden && this.#connector.link !== null) this.#tellVisible();
  }

  // What the relay says

  #onText(text: string): void {
    const message = parseControl(text);
    if (message.op === "welcome") this.#onWelcome(message);
    else if (!this.#welcomed) throw protocolError("a message before welcome");
    else this.#onControl(message);
  }

  #onWelcome(welcome: Welcome): void {
    if (this.#welcomed) throw protocolError("a second welcome");
    const before = this.#welcome;
    // Not recovered is either: a new slot, or the old one with a gap in its events.
    const sameToken = before !== null && before.resume !== undefined && before.resume === welcome.resume;
    const sameSlot = welcome.recovered || (sameToken && this.#events.fits(welcome.events_taken));
    if (sameSlot) this.#events.resume(welcome.events_taken);
    const lost = sameSlot ? [] : this.#events.restart(welcome.events_taken);
    const lostError = new TickwireError("events_lost", `${lost.length} events may not have arrived`);
    for (const [, kind = 0, , , low = 0, high = 0] of lost) {
      if (eventPurpose(kind) === purposeRequest) this.#answers.fail(low | (high << 8), lostError);
    }
    this.#welcome = welcome;
    this.#welcomed = true;
    this.#tick = welcome.tick;
    if (!welcome.recovered) this.#seenEvent = welcome.event;
    if (!sameSlot) this.#matchClock.reset();
    if (before?.tick_hz === welcome.tick_hz) this.#timeline.reset();
    else this.#timeline = new TickTimeline(welcome.tick_hz);
    this.#phase = new PhaseLock(welcome.tick_hz, this.#options.phaseLock);
    this.#divisor = 1;
    this.#states.clear();
    const news = this.#roster.replace(welcome);
    this.properties.replace(welcome.properties, welcome.properties_version);
    const now = this.#clock.now();
    this.#budget = new TokenBucket(now);
    this.#controlBudget = new TokenBucket(now);
    this.#stats.connected(welcome.recovered, now);
    this.#connector.welcomed();
    this.#pulse.start();
    this.#toldHidden = false;
    if (this.#visibility.hidden) this.#tellVisible();
    if (this.#askedDivisor > 1) void this.rate(this.#askedDivisor).catch(() => {});
    this.#sender.connected(welcome.tick_hz, this.#phase);
    this.#flush();
    this.#setStatus("connected", null);
    if (before !== null) for (const [name, info] of news) this.#emitter.emit(name, info);
    this.#emitter.emit("roster", { change: null });
    this.#emitter.emit("host", { player: welcome.host, epoch: welcome.epoch, isSelf: this.isHost });
    this.#emitter.emit("properties", { set: welcome.properties, version: welcome.properties_version, by: null });
    if (lost.length > 0) this.#emitter.emit("error", lostError);
  }

  #onControl(message: Exclude<ServerControl, Welcome>): void {
    switch (message.op) {
      case "joined":
      case "left":
      case "away":
      case "back":
      case "host":
      case "locked":
        this.#onRoster(message);
        return;
      case "properties":
        this.properties.apply(message.set, message.version);
        this.#emitter.emit("properties", message);
        return;
      case "rate":
        this.#divisor = message.divisor;
        this.#timeline.setDivisor(message.divisor);
        this.#stats.keyframeExpected = true;
        this.#emitter.emit("rate", message);
        return;
      case "drain":
        this.#connector.drain(message.reconnect_ms, message.url);
        return;
      case "ok":
      case "error":
        if (!this.#answers.control(message) && message.op === "error") {
          this.#emitter.emit("error", new TickwireError(message.code as ErrorCode, message.message));
        }
    }
  }

  #onRoster(change: RosterChange): void {
    const info = this.#roster.apply(change);
    if (change.op === "left") {
      this.#states.drop(change.player);
      this.#answers.failAll(new TickwireError("no_such_player", "who was asked has left"), (asked) => asked?.player === change.player);
    }
    this.#emitter.emit("roster", { change });
    if (change.op === "host") {
      this.#emitter.emit("host", { player: change.player, epoch: change.epoch, isSelf: this.isHost });
    } else if (change.op !== "locked" && info !== null) {
      this.#emitter.emit(change.op, info);
    }
  }

  #onBinary(message: Uint8Array): void {
    if (!this.#welcomed) throw protocolError("a message before welcome");
    switch (message[0]) {
      case undefined:
        throw protocolError("an empty message");
      case tickType:
        this.#onTick(message);
        return;
      case eventsType:
        for (const event of decodeEvents(message)) this.#onEvent(event);
        return;
      case pongType: {
        const pong = decodePong(message);
        const now = this.#clock.now();
        this.#events.confirm(pong.taken);
        this.#matchClock.sample(now - roundTripMs(pong.clientTime, now), now, Number(pong.matchTimeUs) / 1_000);
        this.#flush();
      }
    }
  }

  #onTick(message: Uint8Array): void {
    const tick = decodeTick(message);
    const passed = (tick.tick - this.#tick) >>> 0;
    // Ticks rise, and wrap around after a year at 128 Hz. The first may be the one `welcome` named.
    if (passed >= 0x8000_0000) throw protocolError("a tick that is older than the last");
    const now = this.#clock.now();
    const timing = { now, downMs: (this.#matchClock.roundTripMs ?? 0) / 2, intervalMs: 1_000 / this.tickHz };
    const states = this.#states.apply(tick, (player) => this.#roster.players.has(player), timing);
    this.#tick = tick.tick;
    this.#timeline.tick(tick.tick, now);
    const keyframe = (tick.flags & keyframeFlag) !== 0;
    this.#stats.tick(keyframe, passed / this.#divisor, now);
    const own = states.get(this.player);
    if (own !== undefined) {
      this.#stats.counts.ownStateAgeMs = this.#phase.seen(own.seq, tick.tick, own.wait, now) ?? this.#stats.counts.ownStateAgeMs;
    }
    this.#emitter.emit("tick", { tick: tick.tick, keyframe, states: this.#unpack(states) });
    // A listener may have left the match, or answered with a state that carries the report.
    if (this.#connector.link === null) return;
    this.#flush();
    this.#sender.poll();
    this.#pulse.tick();
  }

  /** By the schema. What does not fit it is left out: any client may send any bytes. */
  #unpack(states: Map<number, PlayerState>): ReadonlyMap<number, PlayerState<State>> {
    const { schema } = this.#options;
    const unpacked = states as Map<number, PlayerState<unknown>> as Map<number, PlayerState<State>>;
    for (const [player, state] of unpacked) {
      if (player !== this.player) this.#stats.stateAge(state.age);
      if (schema === undefined) continue;
      const value = schema.decode(state.bytes);
      if (value !== null) {
        state.value = value;
      } else {
        this.#stats.counts.badStates += 1;
        unpacked.delete(player);
      }
    }
    return unpacked;
  }

  #onEvent({ number, from, kind, body }: EventEntry): void {
    if (number <= this.#seenEvent) throw protocolError(`event ${number} after event ${this.#seenEvent}`);
    this.#seenEvent = number;
    // Shared bytes: an event for the others comes to its sender, too. (65,535 is a spectator's own
    // number, but as a sender it is the relay.)
    if (eventTarget(kind) === targetOthers && from === this.player && from !== noPlayer) return;
    const purpose = eventPurpose(kind);
    const bytes = purpose === purposeEvent ? body : body.subarray(2);
    const data = isText(kind) ? decoder.decode(bytes) : bytes.slice();
    const id = (body[0] ?? 0) | ((body[1] ?? 0) << 8);
    if (purpose === purposeEvent) {
      this.#emitter.emit("event", { number, from, data, json: () => JSON.parse(typeof data === "string" ? data : decoder.decode(data)) as unknown });
    } else if (purpose === purposeRequest) {
      void this.#answer(data, from, id);
    } else if (purpose === purposeReply) {
      this.#answers.reply(id, data, from, this.host);
    }
  }

  async #answer(data: Body, from: number, id: number): Promise<void> {
    // Where it throws, that is the page's own error; the requester's time runs out.
    const reply = await this.#onRequest?.(data, from);
    if (reply !== undefined && this.#over === null) this.#push(reply, from, purposeReply, id);
  }

  // What goes out

  #pack(state: State): Uint8Array {
    const { schema } = this.#options;
    const bytes = schema === undefined ? (state as Uint8Array).slice() : schema.encode(state);
    this.#assertFits(6 + bytes.length, this.limits?.state_bytes, "a state");
    return bytes;
  }

  #push(data: Body, to: SendTarget, purpose: number, id?: number): void {
    this.#assertPlayer();
    this.#assertOpen();
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    const body = id === undefined ? bytes : withBody([id, id >> 8], bytes);
    this.#assertFits(4 + body.length, this.limits?.event_bytes, "an event");
    const isPlayer = typeof to === "number";
    const kind = (isPlayer ? targetPlayer : targets.indexOf(to)) | (typeof data === "string" ? textFlag : 0) | (purpose << 3);
    this.#events.push(encodeEvent({ kind, player: isPlayer ? to : 0, body }));
    this.#flush();
  }

  #sendState(body: Uint8Array, now: number): number {
    this.#seq = (this.#seq + 1) & 0xffff;
    this.#transmit(encodeState({ seq: this.#seq, seen: this.#tick & 0xffff, body }), now);
    this.#pulse.reported(now);
    return this.#seq;
  }

  #sendPing(now: number): void {
    this.#transmit(encodePing({ seen: this.#tick & 0xffff, clientTime: microseconds(now) }), now);
  }

  /** Sends what waits, as far as the rate limits let it through. */
  #flush(): void {
    const limits = this.limits;
    if (this.#connector.link === null || limits === null) return;
    const now = this.#clock.now();
    const allows = ({ length }: string | Uint8Array): boolean => this.#budget.has(costOf(length, limits), now);
    const controlCost = 1 / limits.json_per_second;
    let [control] = this.#controls;
    for (; control !== undefined && allows(control) && this.#controlBudget.has(controlCost, now); [control] = this.#controls) {
      this.#controls.shift();
      this.#controlBudget.spend(controlCost);
      this.#transmit(control, now);
    }
    let event = this.#events.peek();
    for (; event !== null && allows(event); event = this.#events.peek()) {
      this.#events.markSent();
      this.#transmit(event, now);
    }
    if (control !== undefined || event !== null) this.#flushTimer.arm(flushRetryMs);
    if (this.#events.unconfirmed > 64) this.#pulse.hurry();
  }

  #transmit(message: string | Uint8Array<ArrayBuffer>, now: number): void {
    this.#connector.link?.send(message);
    this.#stats.sent(message.length, now);
    if (this.limits !== null) this.#budget.spend(costOf(message.length, this.limits));
  }

  async #ask(request: ControlRequest, options?: WaitOptions): Promise<void> {
    this.#assertOpen();
    if (this.#connector.link === null) throw new TickwireError("disconnected", "not connected");
    await this.#answers.ask({ signal: options?.signal }, (id) => this.#control(JSON.stringify({ ...request, id })));
  }

  #control(message: string): void {
    this.#controls.push(message);
    this.#flush();
  }

  #tellVisible(): void {
    this.#toldHidden = this.#visibility.hidden;
    this.#stats.keyframeExpected = true;
    const message: ClientControl = { op: "visible", visible: !this.#toldHidden };
    this.#control(JSON.stringify(message));
  }

  #assertOpen(): void {
    if (this.#over !== null) throw new TickwireError("closed", `the match is over: ${this.#over.message}`, undefined, this.#over);
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
