/** The admin interface against the real binary: health, metrics, matches, the game backend's hand, who may call, drain. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ask, askJson, metric, own } from "./admin.ts";
import { makeCertificate, makeFolder } from "./certificate.ts";
import { Relay, runToEnd, withRelay } from "./relay.ts";
import { refusedWith, TestSocket } from "./web_socket.ts";

type Json = Record<string, unknown>;

async function nextControl(client: TestSocket, op: string): Promise<Json> {
  for (;;) {
    const message = await client.next();
    if (typeof message === "string" && (JSON.parse(message) as Json)["op"] === op) return JSON.parse(message) as Json;
  }
}

/** Asks until the answer is as wanted: counters are published a few times a second. */
async function eventually<T>(question: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const answer = await question();
    if (isWanted(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(answer).slice(0, 2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

let relay: Relay;
let admin: string;
const { certificate, key } = makeCertificate();

before(async () => {
  relay = await Relay.start(
    ...["--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--shards", "2"],
    ...["--certificate", certificate, "--key", key, "--admin-debug"],
  );
  admin = relay.adminUrl();
});
after(() => relay.finish());

const match = (name: string, scheme: "ws" | "wss" = "ws"): string => `${relay.url(scheme)}/v1/match/${name}`;
const change = (path: string, method: string, body = "", headers: Record<string, string> = {}): ReturnType<typeof ask> =>
  ask(admin, path, { method, body, headers: { ...own, ...headers } });

describe("health and metrics", () => {
  test("healthz and readyz say so", async () => {
    assert.deepEqual([(await ask(admin, "/healthz")).status, (await ask(admin, "/readyz")).status], [200, 200]);
  });

  test("count what happens, in a form that promtool finds nothing wrong with", async () => {
    const [ann] = await TestSocket.join(match("metrics", "wss"), { name: "Ann" });
    const plain = await TestSocket.open(match("metrics"));
    assert.equal(await refusedWith(`${relay.url()}/v1/match/bad%20name`), 404);
    ann.socket.send(Buffer.from([1, 0, 1, 0, 0, 0, 65]));
    const read = async (): Promise<string> => (await ask(admin, "/metrics")).body;
    // The shard that took a connection in counts its handshake, the match's shard its member: each publishes when it does.
    const counted: [string, string][] = [["states_total", ""], ["tls_handshakes_total", 'result="full"'], ["tls_handshake_seconds_count", ""], ["requests_refused_total", 'status="404"']];
    const isCounted = (one: string): boolean => counted.every(([name, labels]) => metric(one, `tickwire_${name}`, labels) >= 1);
    const text = await eventually(read, (one) => metric(one, "tickwire_members") === 2 && isCounted(one));
    assert.equal(metric(text, "tickwire_matches"), 1);
    assert.ok(metric(text, "tickwire_tick_lateness_seconds_count") > 0);
    assert.ok(metric(text, "tickwire_slot_duration_seconds_bucket", 'le="+Inf"') > 0);
    const counts = text.split("\n").filter((line) => line.startsWith('tickwire_tick_lateness_seconds_bucket{shard="0"'));
    const values = counts.map((line) => Number(line.slice(line.lastIndexOf(" "))));
    assert.deepEqual(values, [...values].sort((left, right) => left - right), "buckets are cumulative");
    const checked = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    assert.equal(checked.error, undefined, "promtool is Debian's package prometheus");
    assert.deepEqual([checked.status, checked.stdout, checked.stderr], [0, "", ""]);
    await ann.close(1000);
    await plain.close(1000);
    await eventually(read, (one) => metric(one, "tickwire_closes_total", 'code="1000"') >= 1 && metric(one, "tickwire_members") === 0);
  });

  test("tell what happened: each of these by its number", async () => {
    await withRelay(["--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--certificate", certificate, "--key", key, "--shards", "1"], async (fresh) => {
      const [ann] = await TestSocket.join(`${fresh.url()}/v1/match/m`);
      const [bo] = await TestSocket.join(`${fresh.url("wss")}/v1/match/m`);
      const untilTick = async (holds: Buffer): Promise<void> => {
        for (;;) {
          const message = await bo.next();
          if (typeof message !== "string" && message[0] === 0x81 && message.includes(holds)) return;
        }
      };
      // Two states of 48 bytes that differ in one: the second goes out as a delta.
      for (const last of [1, 2]) {
        const state = Buffer.concat([Buffer.alloc(44, 7), Buffer.from([9, 9, 9, last])]);
        ann.socket.send(Buffer.concat([Buffer.from([1, 0, last, 0, 0, 0]), state]));
        if (last === 1) await untilTick(state);
      }
      ann.socket.send(Buffer.from([2, 1, 0, 0, 1, 2, 3])); // an event to everyone
      ann.socket.send(Buffer.from([2, 3, 77, 0, 1, 2, 3])); // and one to nobody that there is
      const read = async (): Promise<string> => (await ask(fresh.adminUrl(), "/metrics")).body;
      const text = await eventually(read, (one) => metric(one, "tickwire_state_entries_total", 'encoding="delta"') > 0 && metric(one, "tickwire_events_total", 'result="refused"') === 1);
      const seen = (name: string, labels = ""): number => metric(text, `tickwire_${name}`, labels);
      const counted: [string, string, number][] = [
        ["connections", "", 2], ["connections_accepted_total", "", 2], ["upgrades_total", "", 2], ["members", "", 2], ["matches", "", 1],
        ["matches_opened_total", "", 1], ["tls_handshakes_total", 'result="full"', 1], ["tls_handshakes_total", 'result="resumed"', 0],
        ["states_total", "", 2], ["events_total", 'result="taken"', 1], ["events_total", 'result="refused"', 1],
        ["received_messages_total", "", 2 + 4], // two joins, two states, two events
        ["errors_total", 'error="no_such_player"', 1], ["errors_total", 'error="too_large"', 0],
        ["ticks_skipped_total", 'reason="busy"', 0], ["ring_buffer_shortages_total", "", 0], ["protocol_errors_total", "", 0],
      ];
      for (const [name, labels, value] of counted) assert.equal(seen(name, labels), value, `${name} ${labels}`);
      assert.ok(seen("state_entries_total", 'encoding="full"') >= 1 && seen("state_entries_total", 'encoding="delta"') >= 1);
      assert.ok(seen("tick_messages_total", 'kind="keyframe"') >= 2 && seen("tick_messages_total", 'kind="delta"') >= 1);
      // Two welcomes, one "joined", the event to each of the two, the answer to the event to nobody, and every TICK.
      assert.equal(seen("sent_messages_total"), 2 + 1 + 2 + 1 + seen("tick_messages_total"));
      assert.ok(seen("received_bytes_total") > 500 && seen("received_bytes_total") < 5000, `${seen("received_bytes_total")}`);
      assert.ok(seen("sent_bytes_total") > 500 && seen("sent_bytes_total") < 20_000, `${seen("sent_bytes_total")}`);
      await ann.close(1000);
      await bo.close(1000);
    });
  });

  test("what waits for a slow member is seen, and what memory is held for whom", async () => {
    const read = async (): Promise<string> => (await ask(admin, "/metrics")).body;
    const [slow] = await TestSocket.join(match("slow"));
    slow.socket.pause();
    const largest = (text: string): number => metric(text, "tickwire_outbox_largest_bytes");
    let seen = "";
    const readAnew = async (): Promise<string> => {
      const slots = [0, 1].map((shard) => `shard="${shard}"`);
      const before = await read();
      const newer = (text: string): boolean => slots.every((shard) => metric(text, "tickwire_slots_total", shard) > metric(before, "tickwire_slots_total", shard));
      return eventually(read, newer);
    };
    // First the kernel's buffers fill, then the match's log; past the outbox it would be closed with 4101. So no more
    // is sent between two looks at the counters, which shards publish a few times a second, than an outbox holds.
    for (let looks = 0; looks < 25 && !(largest(seen || (seen = await read())) > 0); looks += 1) {
      for (let count = 0; count < 8; count += 1) {
        assert.equal((await change("/v1/matches/slow/events", "POST", "x".repeat(16_000))).status, 200);
      }
      seen = await readAnew();
    }
    assert.ok(largest(seen) > 0 && largest(seen) <= 262_144, `${largest(seen)} bytes wait`);
    assert.ok(metric(seen, "tickwire_outbox_bytes") >= largest(seen));
    // It is charged for what its unfinished send pins, too: an event of 16 KB at least.
    const [charged] = (await askJson(admin, "/v1/matches/slow"))["members"] as Record<string, number>[];
    assert.ok(charged!["held_bytes"]! >= charged!["queued_bytes"]! + 16_000, JSON.stringify(charged));
    const text = await eventually(read, (one) => metric(one, "tickwire_memory_bytes", 'pool="buffers"') > 262_144);
    for (const pool of ["connections", "matches"]) assert.ok(metric(text, "tickwire_memory_bytes", `pool="${pool}"`) > 0, pool);
    assert.ok(metric(text, "tickwire_memory_max_bytes") > metric(text, "tickwire_memory_bytes"));
    slow.socket.resume();
    await eventually(read, (one) => metric(one, "tickwire_outbox_bytes") === 0);
    await slow.close(1000);
  });

  test("the slots of a shard can be looked at", async () => {
    const [ann] = await TestSocket.join(match("slots"));
    const slots = async (): Promise<Json[]> => (await Promise.all([0, 1].map((shard) => askJson(admin, `/v1/debug/slots?shard=${shard}`)))).flatMap((one) => one["slots"] as Json[]);
    // A thousand for each shard, of which the one that ticks has some five hundred a second.
    const seen = await eventually(slots, (list) => list.length > 1000 && list.filter((slot) => (slot["ticks"] as number) > 0).length > 20);
    assert.ok(seen.length <= 2000 && seen.every((slot) => typeof slot["busy_us"] === "number"));
    assert.equal((await ask(admin, "/v1/debug/slots?shard=9")).status, 400);
    await ann.close(1000);
  });
});

describe("what ships beside it", () => {
  const monitoring = new URL("../../tools/monitoring/", import.meta.url);

  test("the dashboard and the alert rules ask only for series that there are", async () => {
    const { body } = await ask(admin, "/metrics");
    const known = new Set([...body.matchAll(/^([a-z_]+)[{ ]/gm)].map((match) => match[1]!));
    for (const file of ["dashboard.json", "alerts.yml"]) {
      const asked = readFileSync(new URL(file, monitoring), "utf8").matchAll(/\b((?:tickwire|process)_[a-z_]+)\b/g);
      const names = [...new Set([...asked].map((match) => match[1]!))];
      assert.ok(names.length > 5, file);
      assert.deepEqual(names.filter((name) => !known.has(name)), [], file);
    }
    JSON.parse(readFileSync(new URL("dashboard.json", monitoring), "utf8"));
  });

  test("the alert rules fire when they should, and not otherwise", () => {
    const { status, stdout, stderr } = spawnSync("promtool", ["test", "rules", "alerts_test.yml"], { cwd: monitoring, encoding: "utf8" });
    assert.equal(status, 0, stdout + stderr);
  });
});

describe("matches", () => {
  test("are listed, described, and kicked from", async () => {
    const [ann] = await TestSocket.join(match("described", "wss"), { name: 'Ann "the\u0007 bell"' });
    const [bo] = await TestSocket.join(match("described"), { name: "Bo" });
    const [watcher] = await TestSocket.join(match("described"), { role: "spectator" });
    const listed = (await askJson(admin, "/v1/matches"))["matches"] as Json[];
    const found = listed.find((one) => one["match"] === "described");
    assert.deepEqual([found?.["players"], found?.["spectators"]], [2, 1]);
    const details = await askJson(admin, "/v1/matches/described");
    const members = details["members"] as Json[];
    assert.deepEqual(members.map((one) => [one["player"], one["name"], one["role"], one["tls"]]), [
      [0, 'Ann "the\u0007 bell"', "player", true], [1, "Bo", "player", false], [65535, "", "spectator", false],
    ]);
    assert.ok(members.every((one) => (one["received_bytes"] as number) > 0 && (one["sent_bytes"] as number) > 0));
    for (const one of members) assert.deepEqual([one["divisor"], one["slow"], typeof one["age_us"]], [1, false, "number"], JSON.stringify(one));
    assert.equal(details["host"], 0);
    assert.equal((await change("/v1/matches/described/players/1?reason=enough%20of%20it", "DELETE")).status, 200);
    assert.deepEqual(await bo.closed(), { code: 4002, reason: "enough of it" });
    assert.deepEqual(await nextControl(ann, "left"), { op: "left", player: 1, reason: "kicked" });
    assert.equal((await change("/v1/matches/described/players/1", "DELETE")).status, 404);
    assert.equal((await change("/v1/matches/nobody-there", "DELETE")).status, 404);
    const [cy] = await TestSocket.join(match("described"), { name: "Cy" });
    const plain = await TestSocket.open(match("described"));
    assert.equal((await change("/v1/matches/described?code=1002", "DELETE")).status, 400);
    assert.equal((await change("/v1/matches/described?code=4321&reason=over", "DELETE")).status, 200);
    for (const member of [ann, cy, plain, watcher]) assert.deepEqual(await member.closed(), { code: 4321, reason: "over" });
    await eventually(() => ask(admin, "/v1/matches/described"), ({ status }) => status === 404);
  });

  test("can be opened by the game's backend, be spoken to, and end", async () => {
    const opened = await change("/v1/matches/arranged?hold=30", "PUT", '{"map":"harbour","size":1.50}');
    assert.deepEqual([opened.status, opened.body], [201, '{"opened":true}\n']);
    assert.equal((await change("/v1/matches/arr%61nged", "PUT", '{"round":1}')).status, 200, "however its name is spelled");
    assert.equal((await change("/v1/matches/arranged", "PUT", '[1]')).status, 400);
    assert.equal((await change("/v1/matches/arranged", "PUT", '{"a":')).status, 400);
    const listed = (await askJson(admin, "/v1/matches"))["matches"] as Json[];
    assert.equal(listed.find((one) => one["match"] === "arranged")?.["held"], true);
    const [ann, welcome] = await TestSocket.join(match("arranged"));
    assert.deepEqual(welcome["properties"], { map: "harbour", size: 1.5, round: 1 });
    assert.equal((await change("/v1/matches/arranged/events", "POST", "doors open", { "Content-Type": "text/plain" })).status, 200);
    const text = await (async (): Promise<Buffer> => {
      for (;;) {
        const message = await ann.next();
        if (typeof message !== "string" && message[0] === 0x82) return message;
      }
    })();
    assert.deepEqual([text.readUInt16LE(2), text.readUInt16LE(8), text[10], text.subarray(13).toString()], [1, 65535, 1 | 4, "doors open"]);
    assert.equal((await change("/v1/matches/arranged/events?player=7", "POST", "x")).status, 404);
    assert.equal((await change("/v1/matches/arranged/events", "POST", "x".repeat(20_000))).status, 413);
    assert.equal((await change("/v1/matches/arranged", "PUT", '{"round":2}')).status, 200);
    assert.deepEqual(await nextControl(ann, "properties"), { op: "properties", version: 3, set: { round: 2 }, by: 65535 });
    await ann.close(1000);
    await eventually(() => ask(admin, "/v1/matches/arranged"), ({ status }) => status === 404);
    assert.equal((await change("/v1/matches/brief?hold=0", "PUT")).status, 201);
    await eventually(() => ask(admin, "/v1/matches/brief"), ({ status }) => status === 404);
  });
});

describe("a web page in the operator's browser", () => {
  test("of ours puts no name into HTML, and into paths only encoded ones", async () => {
    const { body } = await ask(admin, "/");
    assert.doesNotMatch(body, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|eval\(/);
    assert.deepEqual(body.match(/\/v1\/matches\/\$\{[^}]*/g), ["/v1/matches/${encodeURIComponent(name)"]);
  });

  const kick = "/v1/matches/any";
  test("cannot change anything: no header of ours, another origin, another host", async () => {
    const tries: [string, Record<string, string>, number][] = [
      ["a form's post", {}, 403],
      ["with our header, from another origin", { ...own, Origin: "https://evil.example" }, 403],
      ["by a name that was bound to this machine", { ...own, Host: "evil.example" }, 421],
      ["from a null origin", { ...own, Origin: "null" }, 403],
      ["from our own page", { ...own, Origin: admin }, 404],
      ["by no browser", own, 404],
    ];
    for (const [what, headers, status] of tries) {
      assert.equal((await ask(admin, kick, { method: "DELETE", headers })).status, status, what);
    }
    assert.equal((await ask(admin, "/v1/drain", { method: "POST" })).status, 403);
    assert.equal((await ask(admin, "/readyz")).status, 200, "and the relay does not drain");
    assert.equal((await ask(admin, "/v1/matches", { headers: { Host: "evil.example" } })).status, 421, "nor read");
  });
});

describe("where others could reach it", () => {
  test("a token is demanded: at the start, and of each call", async () => {
    const bare = runToEnd("serve", "--listen", "127.0.0.1:0", "--admin-listen", "0.0.0.0:0");
    assert.equal(bare.code, 2);
    assert.match(bare.stderr, /admin-token-file/);
    const file = join(makeFolder(), "token");
    writeFileSync(file, "too short\n");
    assert.match(runToEnd("serve", "--listen", "127.0.0.1:0", "--admin-token-file", file).stderr, /at least 16/);
    writeFileSync(file, "correct horse battery\n");
    await withRelay(["--listen", "127.0.0.1:0", "--admin-listen", "0.0.0.0:0", "--admin-token-file", file], async (guarded) => {
      const base = guarded.adminUrl().replace("0.0.0.0", "127.0.0.1");
      const status = async (headers: Record<string, string>): Promise<number> => (await ask(base, "/v1/status", { headers })).status;
      assert.equal(await status({}), 401);
      assert.equal(await status({ Authorization: "Bearer correct horse batterz" }), 401);
      assert.equal(await status({ Authorization: "Bearer correct horse battery" }), 200);
      assert.equal((await ask(base, "/healthz")).status, 200, "a load balancer has no token");
      assert.equal((await ask(base, "/metrics")).status, 401);
      const port = new URL(base).port;
      assert.equal(runToEnd("status", "--admin", `127.0.0.1:${port}`, "--token-file", file).code, 0);
      assert.match(runToEnd("status", "--admin", `127.0.0.1:${port}`).stderr, /token/);
    });
  });

  test("a unix socket needs none", async () => {
    const path = join(makeFolder(), "admin.sock");
    await withRelay(["--listen", "127.0.0.1:0", "--admin-listen", `unix:${path}`], async () => {
      assert.equal((await ask(`unix:${path}`, "/v1/status")).status, 200);
      execFileSync("test", ["-S", path]);
    });
  });
});

describe("who has shown no token", () => {
  test("has one of so many places, and others wait for it", async () => {
    await withRelay(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"], async (crowded) => {
      const base = crowded.adminUrl();
      const silent = Array.from({ length: 64 }, () => connect(Number(new URL(base).port), "127.0.0.1"));
      await Promise.all(silent.map((socket) => once(socket, "connect")));
      let isAnswered = false;
      const answer = ask(base, "/healthz").then((given) => ((isAnswered = true), given));
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(isAnswered, false);
      for (const socket of silent) socket.destroy();
      assert.equal((await answer).status, 200);
      assert.ok(metric((await ask(base, "/metrics")).body, "tickwire_admin_limits_total", 'limit="full"') > 0);
    });
  });

  test("is refused what is too large or makes no sense, and that is counted", async () => {
    const count = async (limit: string): Promise<number> => metric((await ask(admin, "/metrics")).body, "tickwire_admin_limits_total", `limit="${limit}"`);
    const [large, malformed] = [await count("too_large"), await count("malformed")];
    assert.equal((await ask(admin, "/healthz", { headers: { "X-Long": "x".repeat(20_000) } })).status, 431);
    assert.equal((await change("/v1/matches/any/events", "POST", "x".repeat(70_000))).status, 413);
    assert.equal((await change("/v1/drain", "POST", "x")).status, 413);
    assert.equal((await ask(admin, "/v1/matches/%zz")).status, 400);
    assert.deepEqual([await count("too_large"), await count("malformed")], [large + 3, malformed + 1]);
  });
});

test("a shard that is stuck is said to be, and the others go on", async () => {
  const frozen = await Relay.start("--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--shards", "2", "--admin-debug");
  assert.equal((await ask(frozen.adminUrl(), "/v1/debug/freeze?shard=1&seconds=5", { method: "POST", headers: own })).status, 200);
  assert.equal((await askJson(frozen.adminUrl(), "/v1/matches"))["complete"], false);
  assert.equal((await ask(frozen.adminUrl(), "/v1/debug/slots?shard=1")).status, 503);
  assert.equal((await ask(frozen.adminUrl(), "/v1/debug/slots?shard=0")).status, 200);
  assert.equal((await ask(frozen.adminUrl(), "/metrics")).status, 200);
  await frozen.finish();
});

describe("drain", () => {
  test("refuses new matches, fails readyz, and ends with the last match", async () => {
    const draining = await Relay.start("--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--shards", "2");
    const [ann] = await TestSocket.join(`${draining.url()}/v1/match/goes-on`);
    const base = draining.adminUrl();
    assert.equal((await ask(base, "/v1/drain?timeout=600", { method: "POST", headers: own })).status, 200);
    assert.equal((await ask(base, "/readyz")).status, 503);
    assert.equal(await refusedWith(`${draining.url()}/v1/match/new`), 503);
    const [bo] = await TestSocket.join(`${draining.url()}/v1/match/goes-on`);
    await bo.close(1000);
    await ann.close(1000);
    const { code, stderr } = await draining.ended();
    assert.equal(code, 0, stderr);
    assert.match(stderr, /drained/);
  });

  test("at its timeout tells members when and where to come back, spread over the window", async () => {
    const draining = await Relay.start("--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--shards", "1");
    const members: TestSocket[] = [];
    for (let count = 0; count < 4; count += 1) members.push((await TestSocket.join(`${draining.url()}/v1/match/m`))[0]);
    const asked = runToEnd("drain", "--admin", new URL(draining.adminUrl()).host, "--timeout", "1", "--window", "8", "--url", "wss://b.example/v1");
    assert.equal(asked.code, 0, asked.stderr);
    const told: number[] = [];
    for (const member of members) {
      const drain = await nextControl(member, "drain");
      assert.equal(drain["url"], "wss://b.example/v1");
      told.push(drain["reconnect_ms"] as number);
      assert.equal((await member.closed()).code, 1001);
    }
    assert.deepEqual(told.sort((left, right) => left - right), [0, 2000, 4000, 6000]);
    assert.equal((await draining.ended()).code, 0);
  });

  test("a stop tells them so too, with a short time", async () => {
    const stopped = await Relay.start("--listen", "127.0.0.1:0");
    const [ann] = await TestSocket.join(`${stopped.url()}/v1/match/m`);
    const ended = stopped.stop();
    assert.ok(((await nextControl(ann, "drain"))["reconnect_ms"] as number) <= 500);
    assert.equal((await ann.closed()).code, 1001);
    assert.equal((await ended).code, 0);
  });
});
