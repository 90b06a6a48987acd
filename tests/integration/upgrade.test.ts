/**
 * Upgrade in place: a process leaves its matches to the next one through its supervisor's descriptor store. Members
 * speak proto/protocol.md here, as the SDK does: they come back in their slot of `drain`, resume, and send again what
 * `events_taken` does not count.
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import { describe, test } from "node:test";
import { makeCertificate, makeFolder } from "./certificate.ts";
import { runToEnd } from "./relay.ts";
import { Supervisor } from "./supervisor.ts";
import { TestSocket } from "./web_socket.ts";

type Json = Record<string, unknown>;
const { certificate, key } = makeCertificate();
const tls = ["--certificate", certificate, "--key", key];
const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function withSupervisor(args: string[], body: (supervisor: Supervisor) => Promise<void>): Promise<void> {
  const supervisor = await Supervisor.start(...tls, ...args);
  try {
    await body(supervisor);
  } catch (error) {
    throw new Error(`${(error as Error).stack}; the relay said:\n${supervisor.stderr}`, { cause: error });
  } finally {
    await supervisor.finish();
  }
}

/** EVENT for everyone, with text as its body. */
const eventMessage = (text: string): Buffer => Buffer.concat([Buffer.from([0x02, 0x01, 0, 0]), Buffer.from(text)]);

/** A member that stays for the whole test, over as many connections as it takes. */
class Player {
  number = -1;
  name: string;
  welcomes: Json[] = [];
  /** By sender's name, what came from it, in order. */
  readonly heard = new Map<string, number[]>();
  /** Why it is not there any more, if it should be. */
  fault: string | null = null;
  #socket: TestSocket | null = null;
  #sent = 0;
  #seen = 0;
  #token = "";
  #isOver = false;
  readonly #url: string;
  #done: Promise<void> = Promise.resolve();

  constructor(url: string, name: string) {
    this.#url = url;
    this.name = name;
  }

  async join(): Promise<void> {
    await this.#connect();
    this.#done = this.#live().catch((error: Error) => void (this.fault = error.stack ?? error.message));
  }

  /** Says the next number, if it can be said; it is remembered for later in any case. */
  speak(): void {
    const body = `${this.name} ${this.#sent}`;
    this.#sent += 1;
    this.#socket?.socket.send(eventMessage(body));
  }

  get sent(): number {
    return this.#sent;
  }

  async leave(): Promise<void> {
    this.#isOver = true;
    this.#socket?.socket.close(1000); // #listen() waits for the end
    await this.#done;
  }

  async #connect(): Promise<void> {
    const fields = this.#token === "" ? { name: this.name } : { resume: this.#token, seen_event: this.#seen };
    const [socket, welcome] = await TestSocket.join(this.#url, fields);
    this.welcomes.push(welcome);
    if (this.#token === "") {
      this.#seen = welcome["event"] as number;
      this.number = welcome["player"] as number;
      this.#token = welcome["resume"] as string;
    }
    for (let count = welcome["events_taken"] as number; count < this.#sent; count += 1) socket.socket.send(eventMessage(`${this.name} ${count}`));
    this.#socket = socket;
  }

  async #live(): Promise<void> {
    while (!this.#isOver) {
      const reconnectMs = await this.#listen();
      if (reconnectMs === null) return;
      this.#socket = null;
      await sleep(reconnectMs);
      await this.#connect();
    }
  }

  /** Until the connection ends: how long to wait then, or null where the test ended it. */
  async #listen(): Promise<number | null> {
    const socket = this.#socket!;
    let reconnectMs: number | null = null;
    for (;;) {
      let message: string | Buffer;
      try {
        message = await socket.next();
      } catch {
        const { code } = await socket.closed();
        if (this.#isOver) return null;
        assert.equal(code, 1001, `${this.name} was closed`);
        assert.notEqual(reconnectMs, null, "drain comes before the close");
        return reconnectMs;
      }
      if (typeof message === "string") {
        const json = JSON.parse(message) as Json;
        if (json["op"] === "drain") reconnectMs = json["reconnect_ms"] as number;
      } else if (message[0] === 0x82) {
        this.#takeEvents(message);
      }
    }
  }

  #takeEvents(message: Buffer): void {
    for (let at = 4; at < message.length; ) {
      const number = message.readUInt32LE(at);
      const length = message.readUInt16LE(at + 7);
      const [name, index] = message.subarray(at + 9, at + 9 + length).toString().split(" ");
      assert.ok(number > this.#seen, "events come in order, each once");
      this.#seen = number;
      this.heard.set(name!, [...(this.heard.get(name!) ?? []), Number(index)]);
      at += 9 + length;
    }
  }
}

describe("upgrade in place", () => {
  test("members keep number and match, and every event comes exactly once, over two restarts and other numbers of shards", async () => {
    await withSupervisor(["--tick-hz", "20"], async (supervisor) => {
      await supervisor.begin("--shards", "2");
      const players: Player[] = [];
      for (let count = 0; count < 12; count += 1) {
        const url = `${supervisor.url(count % 2 === 0 ? "ws" : "wss")}/v1/match/arena-${count % 3}`;
        const player = new Player(url, `p${count}`);
        players.push(player);
        await player.join();
      }
      let isTalking = true;
      const talk = (async (): Promise<void> => {
        while (isTalking) {
          for (const player of players) player.speak();
          await sleep(25);
        }
      })();
      try {
        for (const shards of ["3", "1"]) {
          await sleep(400);
          const { code, seconds } = await supervisor.end();
          assert.equal(code, 0);
          assert.ok(seconds < 2, `the process ended after ${seconds} s`);
          await supervisor.begin("--shards", shards);
          const returns = shards === "3" ? 1 : 2;
          for (let wait = 0; wait < 1000 && players.some((player) => player.welcomes.length <= returns); wait += 1) await sleep(10);
          assert.deepEqual(players.filter((player) => player.welcomes.length <= returns).map((player) => player.fault ?? player.name), [], "all are back");
        }
        await sleep(400);
      } finally {
        isTalking = false;
        await talk;
      }
      const complete = (player: Player): boolean =>
        players.filter((other) => players.indexOf(other) % 3 === players.indexOf(player) % 3).every((other) => player.heard.get(other.name)?.length === other.sent);
      for (let wait = 0; wait < 200 && !players.every(complete); wait += 1) await sleep(25);
      for (const [index, player] of players.entries()) {
        const others = players.filter((_, other) => other % 3 === index % 3);
        for (const other of others) {
          const heard = player.heard.get(other.name) ?? [];
          // Who joined later was not told what was said before; all joined before anybody spoke.
          assert.deepEqual(heard, [...Array(other.sent).keys()], `${player.name} of ${other.name}`);
        }
        assert.deepEqual(player.welcomes.map((welcome) => welcome["player"]), Array(3).fill(player.number));
        assert.deepEqual(player.welcomes.slice(1).map((welcome) => welcome["recovered"]), [true, true]);
        assert.equal(new Set(player.welcomes.map((welcome) => welcome["resume"])).size, 1);
        assert.deepEqual(new Set(player.welcomes.slice(1).map((welcome) => welcome["epoch"])), new Set([1]), "the host stays");
        const ticks = player.welcomes.map((welcome) => welcome["tick"] as number);
        assert.ok(ticks[0]! < ticks[1]! && ticks[1]! < ticks[2]!, "the clock goes on");
      }
      const stored = supervisor.happenings.filter((one) => one.event === "stored");
      assert.deepEqual(stored.map((one) => one["sealed"]), [true, true]);
      assert.match(supervisor.stderr, /left 3 matches to the next process, \d+ bytes/);
      assert.match(supervisor.stderr, /going on with 3 matches and 12 players of the process before/);
      for (const player of players) await player.leave();
      assert.equal((await supervisor.end()).code, 0);
    });
  });

  test("TLS session tickets and used tickets of single use are still what they were", async () => {
    const folder = makeFolder();
    const made = runToEnd("ticket", "--new-key", "HS256", "--key", `${folder}/key`);
    const minted = runToEnd("ticket", "--key", `${folder}/key`, "--kid", "k", "--match", "arena", "--single-use", "--id", "once");
    assert.equal(minted.code, 0, minted.stderr);
    await withSupervisor(["--ticket-key", `k=${made.stdout.trim()}`], async (supervisor) => {
      await supervisor.begin();
      const open = async (session?: Buffer): Promise<TLSSocket> => {
        const socket = connect({ port: supervisor.port("wss"), host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["http/1.1"], ...(session && { session }) });
        await once(socket, "secureConnect");
        return socket;
      };
      const first = await open();
      const ticket = once(first, "session");
      first.write("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
      const [session] = (await ticket) as [Buffer];
      first.destroy();
      const url = `${supervisor.url()}/v1/match/arena`;
      const [ann] = await TestSocket.join(url, { ticket: minted.stdout.trim() });
      await supervisor.end();
      assert.equal((await ann.closed()).code, 1001);
      await supervisor.begin();
      const second = await open(session);
      assert.equal(second.isSessionReused(), true);
      second.destroy();
      const again = await TestSocket.open(url, ["tickwire.v1"]);
      again.socket.send(JSON.stringify({ op: "join", ticket: minted.stdout.trim() }));
      assert.equal((await again.closed()).code, 4000);
      await supervisor.end("SIGINT");
    });
  });

  test("of a state that is too large the log is not left, and the player comes back to a fresh welcome", async () => {
    const room = ["--event-log-bytes", "4194304", "--bytes-per-second", "100000000", "--upgrade-state-mib", "1"];
    await withSupervisor(room, async (supervisor) => {
      await supervisor.begin();
      const [ann, welcome] = await TestSocket.join(`${supervisor.url()}/v1/match/talkative`);
      const [bo, other] = await TestSocket.join(`${supervisor.url()}/v1/match/quiet`);
      for (let count = 0; count < 100; count += 1) ann.socket.send(eventMessage("x".repeat(15_000)));
      bo.socket.send(eventMessage("x"));
      await sleep(200);
      await supervisor.end();
      assert.match(supervisor.stderr, /more than upgrade-state-mib allows: the logs of 1 matches are not left, nor are 0 whole matches/);
      await supervisor.begin();
      const [, fresh] = await TestSocket.join(`${supervisor.url()}/v1/match/talkative`, { resume: welcome["resume"], seen_event: 0 });
      assert.deepEqual([fresh["player"], fresh["resume"], fresh["recovered"], fresh["event"]], [0, welcome["resume"], false, 100]);
      const [, whole] = await TestSocket.join(`${supervisor.url()}/v1/match/quiet`, { resume: other["resume"], seen_event: 0 });
      assert.equal(whole["recovered"], true);
      await supervisor.end("SIGINT");
    });
  });

  test("a member that does not answer delays nobody", async () => {
    await withSupervisor([], async (supervisor) => {
      await supervisor.begin();
      const [ann] = await TestSocket.join(`${supervisor.url()}/v1/match/m`);
      ann.socket.pause();
      const { code, seconds } = await supervisor.end();
      assert.equal(code, 0);
      assert.ok(seconds < 2, `${seconds} s`);
      ann.socket.terminate();
    });
  });

  test("SIGINT leaves nothing, and a state is used once", async () => {
    await withSupervisor([], async (supervisor) => {
      const url = `${supervisor.url()}/v1/match/m`;
      await supervisor.begin();
      const [, welcome] = await TestSocket.join(url);
      const token = welcome["resume"] as string;
      await supervisor.end();
      await supervisor.begin();
      const [, back] = await TestSocket.join(url, { resume: token, seen_event: 0 });
      assert.equal(back["recovered"], true);
      assert.equal((await supervisor.end("SIGKILL")).code, -9);
      await supervisor.begin();
      const [, lost] = await TestSocket.join(url, { resume: token, seen_event: 0 });
      assert.deepEqual([lost["recovered"], lost["resume"] === token], [false, false]);
      assert.equal((await supervisor.end("SIGINT")).code, 0);
      await supervisor.begin();
      const [, gone] = await TestSocket.join(url, { resume: lost["resume"], seen_event: 0 });
      assert.equal(gone["recovered"], false);
      assert.equal(supervisor.happenings.filter((one) => one.event === "stored").length, 1);
    });
  });
});

describe("a state that cannot be read", () => {
  const faults: [string, RegExp][] = [
    ["cut", /it should have \d+ bytes and has \d+/],
    ["flip", /its checksum is wrong/],
    ["version", /it is of version 2, this is 1/],
    ["foreign", /it is not tickwire's/],
    ["unsealed", /it is not a sealed memory file/],
    ["empty", /it is empty/],
  ];
  test("starts empty, says so in one line, and works", async () => {
    await withSupervisor([], async (supervisor) => {
      await supervisor.begin();
      for (const [how, reason] of faults) {
        const url = `${supervisor.url()}/v1/match/m`;
        const [, welcome] = await TestSocket.join(url);
        await supervisor.end();
        supervisor.tell(`break ${how}`);
        supervisor.stderr = "";
        await supervisor.begin();
        const [, again] = await TestSocket.join(url, { resume: welcome["resume"], seen_event: 0 });
        assert.equal(again["recovered"], false, how);
        assert.match(supervisor.stderr, new RegExp(`starting empty: the state of the process before cannot be read: ${reason.source}`));
        assert.equal(supervisor.stderr.match(/process before/g)?.length, 1, how);
      }
    });
  });
});
