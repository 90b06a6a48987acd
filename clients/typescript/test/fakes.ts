/** A clock that moves when told, and a WebSocket whose other end is the test. */

import type { Socket, SocketClass } from "../src/environment.ts";
import type { ClientControl, Welcome } from "../src/control.ts";

/** The time of the whole process from then on: what was armed before never falls due. */
export class FakeClock {
  #now = 1_000;
  #nextId = 1;
  readonly #timers = new Map<number, { at: number; callback: () => void }>();

  constructor() {
    performance.now = () => this.#now;
    globalThis.setTimeout = ((callback: () => void, ms: number) => this.#arm(callback, ms)) as never;
    globalThis.clearTimeout = (timer) => void this.#timers.delete(timer as number);
  }

  now(): number {
    return this.#now;
  }

  #arm(callback: () => void, ms: number): number {
    const id = this.#nextId;
    this.#nextId += 1;
    // As platforms do: what does not fit into 31 bits falls due at once.
    this.#timers.set(id, { at: this.#now + (ms < 2 ** 31 ? ms : 1), callback });
    return id;
  }

  /** Lets `ms` pass for a page whose timers do not run. */
  sleep(ms: number): void {
    this.#now += ms;
  }

  /** Lets `ms` pass, running what falls due in its order. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await settle();
      const due = [...this.#timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].callback();
    }
    this.#now = until;
    await settle();
  }
}

/** Lets every promise that is ready run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class FakeSocket implements Socket {
  binaryType = "blob";
  bufferedAmount = 0;
  protocol = "tickwire.v1";
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly sent: (string | Uint8Array<ArrayBuffer>)[] = [];
  closedWith: number | null = null;
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.sent.push(data);
  }

  close(code = 1005): void {
    this.closedWith = code;
  }

  // The test's end

  open(): void {
    this.onopen?.({} as never);
  }

  text(message: object | string): void {
    this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) } as never);
  }

  binary(bytes: Uint8Array): void {
    this.onmessage?.({ data: bytes.slice().buffer } as never);
  }

  end(code: number, reason = ""): void {
    this.onclose?.({ code, reason } as never);
  }

  get controls(): ClientControl[] {
    return this.sent.filter((message) => typeof message === "string").map((message) => JSON.parse(message) as ClientControl);
  }

  /** The binary messages of one type. */
  messages(type: number): Uint8Array[] {
    return this.sent.filter((message): message is Uint8Array<ArrayBuffer> => typeof message !== "string" && message[0] === type);
  }
}

/** A WebSocket class, and every socket that it made. */
export function fakeSockets(): { sockets: FakeSocket[]; WebSocket: SocketClass; last: () => FakeSocket } {
  const sockets: FakeSocket[] = [];
  class Recorded extends FakeSocket {
    constructor(url: string) {
      super(url);
      sockets.push(this);
    }
  }
  const last = (): FakeSocket => {
    const socket = sockets.at(-1);
    if (socket === undefined) throw new Error("no socket was made");
    return socket;
  };
  return { sockets, WebSocket: Recorded, last };
}

export function welcome(fields: Partial<Welcome> = {}): Welcome {
  return {
    op: "welcome", protocol: 1, features: [], server: "test/0", match: "arena-7", player: 3, role: "player",
    host: 0, epoch: 1, locked: false, tick: 100, tick_hz: 30, event: 10, events_taken: 0, resume: "token",
    resume_ms: 20_000, recovered: false, spectators: 0,
    limits: { state_bytes: 1_024, event_bytes: 16_384, json_bytes: 16_384, messages_per_second: 240, bytes_per_second: 262_144, json_per_second: 10 },
    players: [{ player: 0, name: "Bo", away: false }, { player: 3, name: "Ann", away: false }],
    properties: {}, properties_version: 0,
    ...fields,
  };
}

export const neverHidden = { hidden: false, watch: () => {} };
