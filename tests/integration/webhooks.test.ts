/** Webhooks against a real HTTP server: what is posted, signed and in which order; receivers that fail, are slow, or dead; queues that overflow. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ask, askJson, metric, own } from "./admin.ts";
import { makeCertificate, makeFolder } from "./certificate.ts";
import { Relay, runToEnd, withRelay } from "./relay.ts";
import { TestSocket } from "./web_socket.ts";

const secret = "a secret of the game's backend";
const secretFile = join(makeFolder(), "secret");
writeFileSync(secretFile, `${secret}\n`);

const exampleReceiver = fileURLToPath(new URL("../../tools/webhooks/receiver.mjs", import.meta.url));
const examples: ChildProcess[] = [];
let printed = "";

interface HookEvent {
  id: string;
  type: string;
  time_ms: number;
  match: string;
  opening: string;
  player?: number;
  name?: string;
  lane?: string;
  subject?: string;
  address?: string;
  reason?: string;
}
interface Delivery {
  headers: IncomingHttpHeaders;
  body: string;
  at: number;
  path: string;
}

const receivers: Receiver[] = [];
after(() => {
  for (const receiver of receivers) receiver.stop();
});

/** Answers each POST as it is told: with a status, after a while, or never. */
class Receiver {
  readonly deliveries: Delivery[] = [];
  readonly #server: Server;
  readonly #scheme: string;
  /** Of the `count`th POST; 0: none, ever. */
  answer: (count: number) => { status: number; afterMs?: number; headers?: Record<string, string> } = () => ({ status: 204 });

  private constructor(server: Server, scheme: string) {
    this.#server = server;
    this.#scheme = scheme;
    server.on("request", (request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        this.deliveries.push({ headers: request.headers, body, at: Date.now(), path: String(request.url) });
        const { status, afterMs = 0, headers = {} } = this.answer(this.deliveries.length);
        if (status !== 0) setTimeout(() => response.writeHead(status, headers).end(), afterMs);
      });
    });
  }

  static async start(tls?: { certificate: string; key: string }): Promise<Receiver> {
    const server = tls
      ? (createTlsServer({ cert: readFileSync(tls.certificate), key: readFileSync(tls.key) }) as unknown as Server)
      : createServer();
    const receiver = new Receiver(server, tls ? "https" : "http");
    receivers.push(receiver);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return receiver;
  }

  get url(): string {
    return `${this.#scheme}://${this.#scheme === "https" ? "localhost" : "127.0.0.1"}:${(this.#server.address() as AddressInfo).port}/hooks?of=tickwire`;
  }
  get events(): HookEvent[] {
    return this.deliveries.flatMap(({ body }) => (JSON.parse(body) as { events: HookEvent[] }).events);
  }
  /** Waits for events that satisfy, and returns all so far. */
  async until(isEnough: (events: HookEvent[]) => boolean): Promise<HookEvent[]> {
    for (const deadline = Date.now() + 30_000; !isEnough(this.events); await new Promise((r) => setTimeout(r, 20))) {
      if (Date.now() > deadline) throw new Error(`only ${JSON.stringify(this.events).slice(0, 2000)}`);
    }
    return this.events;
  }
  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const base = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--webhook-secret-file", secretFile];
const hooks = (...urls: string[]): string[] => [...base, ...urls.flatMap((url) => ["--webhook-url", url])];
const matchUrl = (relay: Relay, match: string): string => `${relay.url()}/v1/match/${match}`;

async function comeAndGo(relay: Relay, match: string, names: string[]): Promise<void> {
  const members: TestSocket[] = [];
  for (const name of names) members.push((await TestSocket.join(matchUrl(relay, match), { name }))[0]);
  for (const member of members) await member.close(1000);
}
const series = async (relay: Relay, name: string, labels: string): Promise<number> =>
  metric((await ask(relay.adminUrl(), "/metrics")).body, name, labels);
async function reaches(relay: Relay, name: string, labels: string, isWanted: (value: number) => boolean): Promise<number> {
  for (const deadline = Date.now() + 30_000; ; await new Promise((r) => setTimeout(r, 50))) {
    const value = await series(relay, name, labels);
    if (isWanted(value)) return value;
    if (Date.now() > deadline) throw new Error(`${name} ${labels} is ${value}`);
  }
}
const isClosed = (match: string) => (events: HookEvent[]): boolean =>
  events.some((event) => event.type === "match.closed" && event.match === match);

/** As the documentation describes it. */
function isSigned({ headers, body }: Delivery): boolean {
  const wanted = createHmac("sha256", secret).update(`${String(headers["x-tickwire-timestamp"])}.${body}`).digest("hex");
  return headers["x-tickwire-signature"] === `v1=${wanted}`;
}

describe("webhooks", () => {
  test("tell of a match and its players, in order, signed, with ids that never repeat", async () => {
    const receiver = await Receiver.start();
    await withRelay([...hooks(receiver.url), "--shards", "2", "--resume-window", "0.2"], async (relay) => {
      const begin = Date.now();
      const [ann] = await TestSocket.join(matchUrl(relay, "arena"), { name: "Ann" });
      const [bo] = await TestSocket.join(matchUrl(relay, "arena"), { name: 'B"ö' });
      const plain = await TestSocket.open(matchUrl(relay, "arena"));
      const [watcher] = await TestSocket.join(matchUrl(relay, "arena"), { role: "spectator" });
      await receiver.until((events) => events.length >= 4);
      await ask(relay.adminUrl(), "/v1/matches/arena/players/1", { method: "DELETE", headers: own });
      assert.equal((await bo.closed()).code, 4002);
      await plain.close(1000);
      ann.socket.terminate(); // away, and then gone
      await watcher.close(1000);
      const events = await receiver.until(isClosed("arena"));
      assert.deepEqual(
        events.map(({ type, player, name, lane, reason }) => [type, player, name, lane, reason].filter((part) => part !== undefined).join(" ")),
        [
          "match.opened", "player.joined 0 Ann game", 'player.joined 1 B"ö game', "player.joined 2  plain",
          'player.left 1 B"ö game kicked', "player.left 2  plain closed", "player.left 0 Ann game timeout", "match.closed",
        ],
      );
      assert.ok(events.every(({ match, opening }) => match === "arena" && opening === events[0]?.opening));
      assert.ok(events.filter(({ type }) => type === "player.joined").every(({ address }) => address === "127.0.0.1"));
      for (const { time_ms } of events) assert.ok(time_ms >= begin - 1 && time_ms <= Date.now() + 1, String(time_ms));
      // The same name again is another match.
      await comeAndGo(relay, "arena", ["Cy"]);
      const all = await receiver.until((so_far) => so_far.filter(({ type }) => type === "match.closed").length === 2);
      assert.equal(new Set(all.map(({ opening }) => opening)).size, 2);
      assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
      for (const delivery of receiver.deliveries) {
        assert.ok(isSigned(delivery), "the signature");
        assert.equal(delivery.path, "/hooks?of=tickwire");
        assert.equal(delivery.headers["content-type"], "application/json");
        assert.equal(delivery.headers["x-tickwire-attempt"], "1");
        assert.equal((JSON.parse(delivery.body) as { delivery: string }).delivery, delivery.headers["x-tickwire-delivery"]);
        assert.ok(Math.abs(Number(delivery.headers["x-tickwire-timestamp"]) * 1000 - Date.now()) < 60_000);
      }
      await reaches(relay, "tickwire_webhook_events_total", 'result="sent"', (value) => value === all.length);
      assert.equal(await series(relay, "tickwire_webhook_queue_events", 'receiver="0"'), 0);
    });
  });

  test("are repeated until they are taken, each with its id, and nothing overtakes", async () => {
    const receiver = await Receiver.start();
    receiver.answer = (count) => ({ status: [0, 503, 500, 429][count] ?? 204, headers: count === 3 ? { "Retry-After": "1" } : {} });
    await withRelay([...hooks(receiver.url), "--webhook-timeout", "0.5"], async (relay) => {
      await comeAndGo(relay, "stubborn", ["Ann", "Bo"]);
      await reaches(relay, "tickwire_webhook_events_total", 'result="sent"', (value) => value === 6);
      const tries = receiver.deliveries.filter(({ headers }) => headers["x-tickwire-delivery"] === receiver.deliveries[0]?.headers["x-tickwire-delivery"]);
      assert.deepEqual(tries.map(({ headers }) => headers["x-tickwire-attempt"]), ["1", "2", "3", "4"]);
      assert.equal(new Set(tries.map(({ body }) => body)).size, 1, "the same bytes each time");
      assert.ok(tries.every(isSigned));
      const pauses = tries.slice(1).map(({ at }, index) => at - (tries[index]?.at ?? 0));
      assert.ok((pauses[0] ?? 0) >= 240 && (pauses[1] ?? 0) >= 490 && (pauses[2] ?? 0) >= 990, `longer and longer: ${pauses.join(" ")}`);
      // As a receiver that keeps what it has seen by id sees it.
      const seen = [...new Map(receiver.events.map((event) => [event.id, event.type])).values()];
      assert.deepEqual(seen, ["match.opened", "player.joined", "player.joined", "player.left", "player.left", "match.closed"]);
      assert.equal(await series(relay, "tickwire_webhook_attempts_failed_total", 'receiver="0"'), 3);
      await relay.logged(/webhook http:\/\/127\.0\.0\.1:\d+\/hooks: answered 503; tried again/);
      await relay.logged(/webhook http:\/\/127\.0\.0\.1:\d+\/hooks: answers again/);
      assert.doesNotMatch(relay.stderr, /of=tickwire/, "a query may hold a secret");
    });
  });

  test("are given up where the receiver says never, or too often not, and the next ones go on", async () => {
    const receiver = await Receiver.start();
    receiver.answer = (count) => ({ status: count === 1 ? 400 : count <= 3 ? 500 : 200 });
    await withRelay([...hooks(receiver.url), "--webhook-retries", "1"], async (relay) => {
      await askJson(relay.adminUrl(), "/v1/matches/one?hold=60", { method: "PUT", headers: own });
      await reaches(relay, "tickwire_webhook_events_total", 'result="failed"', (value) => value === 1);
      await askJson(relay.adminUrl(), "/v1/matches/two?hold=60", { method: "PUT", headers: own });
      await reaches(relay, "tickwire_webhook_events_total", 'result="failed"', (value) => value === 2);
      await askJson(relay.adminUrl(), "/v1/matches/three?hold=60", { method: "PUT", headers: own });
      await reaches(relay, "tickwire_webhook_events_total", 'result="sent"', (value) => value === 1);
      assert.deepEqual(receiver.events.map(({ match }) => match), ["one", "two", "two", "three"]);
    });
  });

  test("delay no one: not the game, not another receiver, not the relay's end", async () => {
    const [slow, quick] = [await Receiver.start(), await Receiver.start()];
    slow.answer = () => ({ status: 0 });
    const relay = await Relay.start(...hooks(slow.url, quick.url, "http://127.0.0.1:9/nobody"), "--webhook-queue", "20");
    try {
      const [player] = await TestSocket.join(matchUrl(relay, "play"), { name: "Ann" });
      const count = 30;
      const ofMatches = (events: HookEvent[]): string[] => events.map(({ match }) => match).filter((match) => match.startsWith("m"));
      for (let number = 0; number < count; number += 1) {
        await askJson(relay.adminUrl(), `/v1/matches/m${number}?hold=60`, { method: "PUT", headers: own });
        await quick.until((events) => ofMatches(events).length === number + 1);
      }
      assert.deepEqual(ofMatches(quick.events), Array.from({ length: count }, (_, number) => `m${number}`));
      // The slow one's queue is full, and says so; the game has gone on.
      const dropped = await reaches(relay, "tickwire_webhook_events_total", 'receiver="0",result="dropped"', (value) => value > 0);
      assert.equal(dropped, count + 2 - 20);
      assert.equal(await series(relay, "tickwire_webhook_queue_events", 'receiver="0"'), 20);
      assert.equal(await series(relay, "tickwire_webhook_events_total", 'receiver="1",result="dropped"'), 0);
      await reaches(relay, "tickwire_webhook_attempts_failed_total", 'receiver="2"', (value) => value > 0);
      const { members } = (await askJson(relay.adminUrl(), "/v1/matches/play")) as { members: { name: string }[] };
      assert.equal(members[0]?.name, "Ann");
      player.socket.terminate();
      const begin = performance.now();
      const { code, stderr } = await relay.stop();
      assert.equal(code, 0);
      assert.ok(performance.now() - begin < 10_000);
      assert.match(stderr, /webhooks: \d+ events were never delivered/);
    } finally {
      await relay.stop();
    }
  });

  test("go over https to who has a certificate that is trusted, and to nobody else", async () => {
    const certificate = makeCertificate();
    const receiver = await Receiver.start(certificate);
    await withRelay([...hooks(receiver.url), "--webhook-ca-file", certificate.certificate], async (relay) => {
      await comeAndGo(relay, "safe", ["Ann"]);
      await receiver.until(isClosed("safe"));
      assert.ok(receiver.deliveries.every(isSigned));
    });
    const before = receiver.deliveries.length;
    await withRelay([...hooks(receiver.url)], async (relay) => {
      await comeAndGo(relay, "unsafe", ["Ann"]);
      await reaches(relay, "tickwire_webhook_attempts_failed_total", 'receiver="0"', (value) => value > 0);
      await relay.logged(/webhook https:\/\/localhost:\d+\/hooks: .*(verification|SSL)/i);
    });
    assert.equal(receiver.deliveries.length, before);
  });

  test("do not wait for a receiver whose answer has no end", async () => {
    const sockets = new Set<Socket>();
    const endless = async (start: string, piece: string, pauseMs: number): Promise<string> => {
      const server = createTcpServer((socket) => {
        sockets.add(socket.on("error", () => socket.destroy()).on("data", () => {}));
        const say = (): void => {
          if (!socket.destroyed) socket.write(piece, () => setTimeout(say, pauseMs));
        };
        socket.write(start, say);
      });
      server.unref().listen(0, "127.0.0.1");
      await once(server, "listening");
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    };
    const urls = [
      await endless("HTTP/1.1 200 OK\r\nX: ", "x", 50),
      await endless("HTTP/1.1 200 OK\r\nX: ", "x".repeat(65_536), 0),
      await endless("", "HTTP/1.1 100 Continue\r\n\r\n", 50),
    ];
    const body = await endless("HTTP/1.1 200 OK\r\n\r\n", "x".repeat(65_536), 0);
    try {
      await withRelay([...hooks(...urls, body), "--webhook-timeout", "0.5"], async (relay) => {
        await askJson(relay.adminUrl(), "/v1/matches/m?hold=60", { method: "PUT", headers: own });
        for (const receiver of urls.keys()) await reaches(relay, "tickwire_webhook_attempts_failed_total", `receiver="${receiver}"`, (value) => value >= 2);
        await reaches(relay, "tickwire_webhook_events_total", 'receiver="3",result="sent"', (value) => value === 1);
      });
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  test("go over https to the host that the URL names, and to nobody else", async () => {
    const certificate = makeCertificate("other.example"); // and 127.0.0.1
    const receiver = await Receiver.start(certificate);
    await withRelay([...hooks(receiver.url), "--webhook-ca-file", certificate.certificate], async (relay) => {
      await comeAndGo(relay, "unsafe", ["Ann"]);
      await relay.logged(/webhook https:\/\/localhost:\d+\/hooks: .*hostname mismatch/i);
    });
    assert.deepEqual(receiver.events, []);
    const byAddress = receiver.url.replace("localhost", "127.0.0.1");
    await withRelay([...hooks(byAddress), "--webhook-ca-file", certificate.certificate], async (relay) => {
      await comeAndGo(relay, "safe", ["Ann"]);
      await receiver.until(isClosed("safe"));
    });
  });

  test("carry whom a ticket names", async () => {
    const receiver = await Receiver.start();
    const key = join(makeFolder(), "key");
    const made = runToEnd("ticket", "--new-key", "HS256", "--key", key);
    const minted = runToEnd("ticket", "--key", key, "--kid", "k", "--match", "m", "--subject", "user-17");
    assert.equal(minted.code, 0, minted.stderr);
    await withRelay([...hooks(receiver.url), "--ticket-key", `k=${made.stdout.trim()}`], async (relay) => {
      const [ann] = await TestSocket.join(matchUrl(relay, "m"), { ticket: minted.stdout.trim() });
      await ann.close(1000);
      const events = await receiver.until(isClosed("m"));
      assert.deepEqual(events.filter(({ player }) => player !== undefined).map(({ subject }) => subject), ["user-17", "user-17"]);
    });
  });

  test("are taken by the receiver that is given to backends, once each, and forged ones are not", async () => {
    const port = await new Promise<string>((resolve) => {
      const child = spawn(process.execPath, [exampleReceiver, "0", secretFile], { stdio: ["ignore", "pipe", "inherit"] });
      examples.push(child);
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        printed += text;
        const found = /^listening (\d+)\n/.exec(printed)?.[1];
        if (found !== undefined) resolve(found);
      });
    });
    try {
      await withRelay(hooks(`http://127.0.0.1:${port}/`), async (relay) => {
        await comeAndGo(relay, "example", ["Ann"]);
        await reaches(relay, "tickwire_webhook_events_total", 'result="sent"', (value) => value === 4);
        const types = printed.split("\n").slice(1, -1).map((line) => (JSON.parse(line) as HookEvent).type);
        assert.deepEqual(types, ["match.opened", "player.joined", "player.left", "match.closed"]);
      });
      const forged = await fetch(`http://127.0.0.1:${port}/`, {
        method: "POST", body: '{"events":[]}', headers: { "X-Tickwire-Timestamp": "1", "X-Tickwire-Signature": "v1=00" },
      });
      assert.equal(forged.status, 401);
    } finally {
      for (const child of examples) child.kill();
    }
  });

  test("need settings that fit together", () => {
    const refused = (args: string[]): string => {
      const { code, stderr } = runToEnd("serve", "--listen", "127.0.0.1:0", ...args);
      assert.equal(code, 2, stderr);
      return stderr;
    };
    assert.match(refused(["--webhook-url", "http://127.0.0.1:1/"]), /--webhook-url needs --webhook-secret-file/);
    for (const url of ["ftp://a/", "127.0.0.1:80", "http:///x", "http://user:word@host/", "http://host/a b", "http://host/#x", "http://host:0/", "http://host:/", "http://::1/", "http://[::1", "http://127.1/"]) {
      assert.match(refused(["--webhook-url", url, "--webhook-secret-file", secretFile]), /is no URL for webhooks/, url);
    }
    assert.match(refused(["--webhook-url", "http://a/", "--webhook-secret-file", "/nowhere"]), /\/nowhere: holds no token/);
  });
});
