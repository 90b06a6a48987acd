/**
 * A match as the application sees it: what it may ask and do, and that it goes on when the connection
 * does not.
 *
 * `Match` owns the parts and routes what the relay says to them; each rule of the protocol lives in its
 * part (`events.ts`, `outbox.ts`, `states.ts`, `pulse.ts`, …). All that a connection taught is replaced by
 * the next `welcome`; what outlives a connection is the resume token, the newest event number, the
 * queue of events and the latest own state.
 */

import { Answers, type Body } from "./answers.ts";
import { ByteReader, toBytes } from "./bytes.ts";
import { encodePing, encodeResync, encodeState } from "./client_messages.ts";
import { Connector } from "./connector.ts";
import { type ControlRequest, type Limits, type PlayerInfo, type Role, type ServerControl, type Welcome, parseControl } from "./control.ts";
import { Emitter } from "./emitter.ts";
import { clockMs } from "./environment.ts";
import { type ErrorCode, TickwireError, abortedError, coded, errorOf, protocolError } from "./errors.ts";
import { Events } from "./events.ts";
import { MatchClock, microseconds, roundTripMs } from "./match_clock.ts";
import type { Codec, JoinOptions, MatchEvents, RequestHandler, RequestOptions, SendTarget, Status, WaitOptions } from "./options.ts";
import { Outbox } from "./outbox.ts";
import { PropertyStore } from "./properties.ts";
import { eventsType, keyframeFlag, pongType, tickType } from "./protocol.ts";
import { Pulse } from "./pulse.ts";
import { Roster } from "./roster.ts";
import { decodeEvents, decodePong, decodeTick } from "./server_messages.ts";
import { StateSender } from "./state_sender.ts";
import { StateTable } from "./states.ts";
import { type Stats, StatsCounter } from "./stats.ts";
import type { TickTimeline } from "./timeline.ts";
import { type Visibility, pageVisibility } from "./visibility.ts";

/** Joins the match at `url`, `wss://host/v1/match/name`. Rejects with a `TickwireError`. */
export function join(url: string, options?: JoinOptions<Uint8Array>): Promise<Match>;
export function join<State>(url: string, options: JoinOptions<State> & { schema: Codec<State> }): Promise<Match<State>>;
/** For options that somebody else has put together: whoever says `State` sees to the schema. */
export function join<State>(url: string, options: JoinOptions<State>): Promise<Match<State>>;
export function join<State>(url: string, options: JoinOptions<State> = {}): Promise<Match<State>> {
  return new Promise((resolve, reject) => {
    const match = new Match(url, options);
    // The first word settles it: connected, or closed for good.
    match.on("status", ({ status, error }) => (status === "connected" ? resolve(match) : reject(error as TickwireError)));
  });
}

export class Match<State = Uint8Array> {
  readonly properties: PropertyStore;
  /** Where between the ticks others are drawn, once something draws them: see `timelineOf`. */
  timeline: TickTimeline | null = null;
  readonly #options: JoinOptions<State>;
  readonly #visibility: Visibility;
  // Not of `State`: a match of any kind of states is to do where the kind does not matter, as `Match<unknown>`.
  readonly #emitter = new Emitter<MatchEvents<any>>();
  readonly #connector: Connector;
  readonly #stats = new StatsCounter();
  readonly #outbox: Outbox;
  readonly #answers = new Answers();
  readonly #roster = new Roster(this.#emitter as never);
  readonly #events: Events;
  readonly #states: StateTable<State>;
  readonly #matchClock = new MatchClock();
  readonly #sender: StateSender;
  readonly #pulse: Pulse;
  /** Takes off what listens to the page and to the caller's signal. */
  readonly #unwatch = new AbortController();
  #status: Status = "connecting";
  #welcome: Welcome | undefined;
  #toldHidden = false;
  #tick = 0;
  #seq = 0;
  #divisor = 1;
  #askedDivisor: 1 | 2 | 4 | 8 = 1;

  /** Use `join`. */
  constructor(url: string, options: JoinOptions<State>) {
    this.#options = options;
    this.#visibility = options.visibility ?? pageVisibility;
    this.#connector = new Connector(url, options as JoinOptions<never>, {
      open: (ticket) => this.#joinMessage(ticket),
      message: (data) => this.#onMessage(data),
      lost: (error) => this.#onLost(error),
      stopped: (error) => this.#onStopped(error),
    });
    this.#outbox = new Outbox(this.#connector, this.#stats, options as JoinOptions<never>);
    this.#events = new Events(this.#roster, this.#outbox, this.#answers, this.#emitter as never);
    this.#states = new StateTable(options.schema, () => (this.#stats.badStates += 1));
    this.properties = new PropertyStore((request, options) => this.#ask(request, options));
    this.#sender = new StateSender({
      ready: () => this.#connector.link?.bufferedAmount === 0,
      send: (body, now) => this.#sendState(body, now),
    });
    this.#pulse = new Pulse({
      ping: (now) => this.#outbox.transmit(encodePing({ seen: this.#tick, clientTime: microseconds(now) })),
      dead: () => this.#connector.replace("silence"),
    });
    const { signal } = options;
    const abort = (): void => this.#leave(abortedError(signal as AbortSignal));
    signal?.addEventListener("abort", abort, { signal: this.#unwatch.signal });
    this.#visibility.watch(() => this.#onVisibility(), this.#unwatch.signal);
    // After the caller has had its chance to listen.
    queueMicrotask(() => (signal?.aborted ? abort() : this.#connector.start()));
  }

  // What a program may ask

  get status(): Status {
    return this.#status;
  }

  /** One's own number; 65,535 for a spectator. */
  get player(): number {
    return this.#roster.self;
  }

  get role(): Role {
    return this.#roster.role;
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
    return this.#events.newest;
  }

  get players(): ReadonlyMap<number, Readonly<PlayerInfo>> {
    return this.#roster.players;
  }

  get host(): number | null {
    return this.#roster.host;
  }

  get isHost(): boolean {
    return this.host === this.player;
  }

  get locked(): boolean {
    return this.#roster.locked;
  }

  get limits(): Readonly<Limits> | null {
    return this.#outbox.limits;
  }

  /** What states are made of, as `join` was told. */
  get schema(): Codec<State> | null {
    return this.#options.schema ?? null;
  }

  /** Milliseconds since the match opened, as everyone in it counts them; null before the first PONG. */
  get time(): number | null {
    return this.#matchClock.at(clockMs());
  }

  get stats(): Stats {
    return {
      ...this.#stats.read(),
      roundTripMs: this.#matchClock.roundTripMs,
      tickJitterMs: this.timeline?.jitterMs ?? null,
      interpolationDelayMs: this.timeline?.delayMs ?? null,
      divisor: this.#divisor,
      phaseMarginMs: this.#sender.phase.marginMs,
      unconfirmedEvents: this.#outbox.events.unconfirmed,
    };
  }

  /** Calls `listener` at each `name`; the function returned takes it off again. */
  on<Name extends keyof MatchEvents<State>>(name: Name, listener: (value: MatchEvents<State>[Name]) => void): () => void {
    // Whoever listens late is told of those who stand still, too.
    if (name === "tick" && this.#stats.expectKeyframe()) this.#outbox.transmit(encodeResync());
    return this.#emitter.on(name, listener);
  }

  // What a program may do

  /**
   * Replaces the own state. Latest wins: call it as often as the game likes. A function is called
   * at the moment of sending, once a tick until the next call; null from it sends nothing.
   */
  state(state: State | (() => State | null)): void {
    this.#roster.assertPlayer();
    if (this.#outbox.over) return;
    if (typeof state === "function") {
      const make = state as () => State | null;
      this.#sender.set(() => this.#pack(make()), true);
    } else {
      const packed = coded(() => this.#pack(state));
      this.#sender.set(() => packed, false);
    }
  }

  /**
   * Sends an event, reliably and in order; a string arrives as a string. Default: to the others.
   * While the connection is away it waits. Throws `queue_full` when too many wait.
   */
  send(data: Body, { to = "others" }: { to?: SendTarget } = {}): void {
    this.#events.send(data, to);
  }

  /** Sends a value as JSON; `event.json()` gives it back. */
  sendJson(value: unknown, options?: { to?: SendTarget }): void {
    this.send(coded(() => JSON.stringify(value)), options);
  }

  /** Asks a player, or the host, and waits for what the `onRequest` there answers. */
  request(data: Body, options: RequestOptions = {}): Promise<Body> {
    return this.#events.request(data, options);
  }

  /** Answers the requests of others; null: no longer. */
  onRequest(handler: RequestHandler | null): void {
    this.#events.onRequest = handler;
  }

  /** Every how many ticks to get one, on this connection and those to come: while away it rejects, and holds from the next one on. */
  rate(divisor: 1 | 2 | 4 | 8, options?: WaitOptions): Promise<void> {
    this.#askedDivisor = divisor;
    return this.#ask({ op: "rate", divisor }, options);
  }

  /** The host's alone: nobody new gets in. */
  lock(locked: boolean, options?: WaitOptions): Promise<void> {
    return this.#ask({ op: "lock", locked }, options);
  }

  /** The host's alone. */
  kick(player: number, reason?: string, options?: WaitOptions): Promise<void> {
    return this.#ask({ op: "kick", player, reason }, options);
  }

  /** The host's alone: hands the office on. */
  makeHost(player: number, options?: WaitOptions): Promise<void> {
    return this.#ask({ op: "host", player }, options);
  }

  /** Leaves for good and at once; safe to call in `pagehide`. */
  leave(): void {
    this.#leave(new TickwireError("left", "left"));
  }

  // The connection's life

  #leave(error: TickwireError): void {
    this.#connector.link?.send('{"op":"leave"}');
    this.#connector.stop(error);
  }

  #joinMessage(ticket: string | undefined): string {
    const { name, role } = this.#options;
    const { resume } = this.#connector;
    // JSON has no undefined: what is not known is not said.
    return JSON.stringify({ op: "join", name, role, ticket, resume, seen_event: resume && this.#events.newest });
  }

  #onMessage(data: string | ArrayBuffer): void {
    this.#stats.bytesIn += typeof data === "string" ? data.length : data.byteLength;
    this.#pulse.heard();
    try {
      const message = typeof data === "string" ? parseControl(data) : new Uint8Array(data);
      if (!this.#connector.link === ((message as ServerControl).op !== "welcome")) throw protocolError("not welcome");
      if (message instanceof Uint8Array) this.#onBinary(message);
      else this.#onControl(message);
    } catch (cause) {
      // The relay's bytes cannot be trusted from here on; a resume brings all of it anew. (Listeners
      // throw into the page's own error reporting, not here.)
      const error = errorOf("protocol", cause);
      this.#connector.replace(error);
      this.#emitter.emit("error", error);
    }
  }

  #onLost(error: TickwireError): void {
    this.#disconnected();
    if (this.#welcome) this.#setStatus("reconnecting", error);
  }

  #onStopped(error: TickwireError): void {
    this.#outbox.over = error;
    this.#answers.failAll(error, () => true);
    this.#disconnected();
    this.#sender.stop();
    this.#unwatch.abort();
    this.#setStatus("closed", error);
  }

  #disconnected(): void {
    this.#pulse.stop();
    this.#outbox.disconnected();
    this.#states.clear();
    if (this.#welcome) this.#stats.connectionLost();
    this.#answers.failAll(new TickwireError("disconnected", "not connected"), (asked) => !asked);
  }

  #setStatus(status: Status, error: TickwireError | null): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#emitter.emit("status", { status, error, recovered: status === "connected" && this.#welcome?.recovered === true });
  }

  #onVisibility(): void {
    const { hidden } = this.#visibility;
    if (!hidden) this.#connector.hurry();
    if (hidden === this.#toldHidden || !this.#connector.link) return;
    this.#toldHidden = hidden;
    this.#outbox.control({ op: "visible", visible: !hidden });
    this.#pulse.tick(hidden);
  }

  // What the relay says

  #onWelcome(welcome: Welcome): void {
    const before = this.#welcome;
    // Not recovered is either: a new slot, or the old one with a gap in its events.
    const { resume } = this.#connector;
    const isSameSlot = welcome.recovered || (!!resume && resume === welcome.resume && this.#outbox.events.fits(welcome.events_taken));
    const lost = this.#events.connected(welcome, isSameSlot);
    this.#welcome = welcome;
    this.#tick = welcome.tick;
    if (!isSameSlot) this.#matchClock.reset();
    this.#divisor = 1;
    const news = this.#roster.replace(welcome);
    for (const [name, { player }] of news) if (name === "left") this.#onLeft(player);
    this.properties.replace(welcome.properties, welcome.properties_version);
    this.#outbox.connected(welcome.limits);
    this.#stats.connected(welcome.recovered);
    this.#connector.welcomed(welcome.resume);
    this.#pulse.start();
    this.#toldHidden = false;
    this.#onVisibility();
    if (this.#askedDivisor > 1) this.#outbox.control({ op: "rate", divisor: this.#askedDivisor });
    this.#sender.connected(welcome.tick_hz, this.#options.phaseLock);
    this.#outbox.flush();
    this.#setStatus("connected", null);
    if (before) for (const [name, info] of news) this.#emitter.emit(name, info);
    this.#emitter.emit("roster", { change: null });
    this.#roster.tellHost(welcome.epoch);
    this.#emitter.emit("properties", { set: welcome.properties, version: welcome.properties_version, by: null });
    if (lost) this.#emitter.emit("error", lost);
  }

  #onControl(message: ServerControl): void {
    switch (message.op) {
      case "welcome":
        this.#onWelcome(message);
        return;
      case "properties":
        this.properties.apply(message.set, message.version);
        this.#emitter.emit("properties", message);
        return;
      case "rate":
        this.#divisor = message.divisor;
        this.#stats.expectKeyframe();
        this.#emitter.emit("rate", message);
        return;
      case "drain":
        this.#connector.drain = message;
        return;
      case "ok":
        this.#answers.settle(message.id);
        return;
      case "error": {
        const error = new TickwireError(message.code as ErrorCode, message.message);
        if (!this.#answers.settle(message.id as number, error)) this.#emitter.emit("error", error);
        return;
      }
      default:
        if (message.op === "left") this.#onLeft(message.player);
        this.#roster.apply(message);
    }
  }

  #onLeft(player: number): void {
    this.#states.drop(player);
    this.#outbox.events.forget(player);
    this.#answers.failAll(new TickwireError("no_such_player", "has left"), (asked) => asked?.player === player);
  }

  #onBinary(message: Uint8Array): void {
    switch (new ByteReader(message).uint(1)) {
      case tickType:
        this.#onTick(message);
        return;
      case eventsType:
        for (const event of decodeEvents(message)) this.#events.receive(event);
        return;
      case pongType: {
        const { taken, clientTime, matchTimeUs, matchTimeHigh } = decodePong(message);
        const now = clockMs();
        this.#outbox.events.confirm(taken);
        this.#matchClock.sample(now - roundTripMs(clientTime, now), now, (matchTimeHigh * 2 ** 32 + matchTimeUs) / 1_000);
        this.#outbox.flush();
      }
    }
  }

  #onTick(message: Uint8Array): void {
    const tick = decodeTick(message);
    const passed = (tick.tick - this.#tick) >>> 0;
    // Ticks rise, and wrap around after a year at 128 Hz. The first may be the one `welcome` named.
    if (passed >= 0x8000_0000) throw protocolError("an old tick");
    const now = clockMs();
    const downMs = (this.#matchClock.roundTripMs ?? 0) / 2;
    const states = this.#states.apply(tick, this.players, now, (wait) => now - downMs - (wait * 1_000) / 256 / this.tickHz);
    this.#tick = tick.tick;
    const keyframe = (tick.flags & keyframeFlag) !== 0;
    this.#stats.tick(keyframe, passed / this.#divisor);
    for (const [player, { seq, wait, age }] of states) {
      if (player !== this.player) this.#stats.stateAge(age);
      else this.#stats.ownStateAgeMs = this.#sender.phase.seen(seq, tick.tick, wait, now) ?? this.#stats.ownStateAgeMs;
    }
    this.#emitter.emit("tick", { tick: tick.tick, keyframe, states });
    // A listener may have left the match, or answered with a state that carries the report.
    if (!this.#connector.link) return;
    this.#outbox.flush();
    this.#sender.poll();
    this.#pulse.tick(this.#toldHidden);
  }

  // What goes out

  #pack(state: State | null): Uint8Array | null {
    if (state === null) return null;
    const { schema } = this.#options;
    const bytes = toBytes(schema ? schema.encode(state) : (state as Uint8Array));
    this.#outbox.assertFits(6 + bytes.length, "state_bytes");
    return bytes.slice();
  }

  #sendState(body: Uint8Array, now: number): number {
    this.#seq = (this.#seq + 1) & 0xffff;
    this.#outbox.transmit(encodeState({ seq: this.#seq, seen: this.#tick, body }));
    this.#pulse.reported(now);
    return this.#seq;
  }

  async #ask(request: ControlRequest, options?: WaitOptions): Promise<void> {
    this.#outbox.assertOpen();
    if (!this.#connector.link) throw new TickwireError("disconnected", "not connected");
    await this.#answers.ask({ signal: options?.signal }, (id) => this.#outbox.control({ ...request, id }));
  }
}
