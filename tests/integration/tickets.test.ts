/** Tickets against the real binary: what `tickwire ticket` mints, and what forgers would send. */

import assert from "node:assert/strict";
import { createHmac, createPublicKey } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ask, own } from "./admin.ts";
import { makeFolder } from "./certificate.ts";
import { type Relay, runToEnd, withRelay } from "./relay.ts";
import { TestSocket } from "./web_socket.ts";

const anyPort = ["--listen", "127.0.0.1:0"];
const folder = makeFolder();

interface KeyPair {
  /** What `tickwire ticket --key` signs with. */
  signing: string;
  /** What `serve --ticket-key` verifies with. */
  verifying: string;
  /** The id under which the relay has it; `k` where none is said. */
  kid?: string;
}

let keyCount = 0;
function makeKey(algorithm: "HS256" | "ES256" | "EdDSA"): KeyPair {
  const signing = join(folder, `key-${(keyCount += 1)}`);
  const made = runToEnd("ticket", "--new-key", algorithm, "--key", signing);
  assert.equal(made.code, 0, made.stderr);
  return { signing, verifying: made.stdout.trim() };
}

function mint(key: KeyPair, match: string, ...args: string[]): string {
  const minted = runToEnd("ticket", "--key", key.signing, "--kid", key.kid ?? "k", "--match", match, ...args);
  assert.equal(minted.code, 0, minted.stderr);
  return minted.stdout.trim();
}

const serveWith = (key: KeyPair): string[] => [...anyPort, "--ticket-key", `k=${key.verifying}`];
const urlOf = (relay: Relay, match = "arena"): string => `${relay.url()}/v1/match/${match}`;

/** How a join ends that must not succeed: `4000 ticket missing`. */
async function refusal(url: string, fields: object): Promise<string> {
  const client = await TestSocket.open(url, ["tickwire.v1"]);
  client.socket.send(JSON.stringify({ op: "join", ...fields }));
  const { code, reason } = await client.closed();
  return `${code} ${reason}`;
}

async function plainRefusal(url: string): Promise<string> {
  const { code, reason } = await (await TestSocket.open(url)).closed();
  return `${code} ${reason}`;
}

const state = (size: number): Buffer => Buffer.concat([Buffer.from([1, 0, 1, 0, 0, 0]), Buffer.alloc(size - 6)]);
const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

const secret = makeKey("HS256");
const ec = makeKey("ES256");
const ed = makeKey("EdDSA");

describe("who gets in", () => {
  for (const [name, key] of Object.entries({ HS256: secret, ES256: ec, EdDSA: ed })) {
    test(`a ticket of ${name} does, and none does not`, async () => {
      await withRelay(serveWith(key), async (relay) => {
        const ticket = mint(key, "arena", "--name", "Ann");
        const [ann, welcome] = await TestSocket.join(urlOf(relay), { name: "Mallory", ticket });
        assert.deepEqual(welcome["players"], [{ player: 0, name: "Ann", away: false }]);
        assert.equal(await refusal(urlOf(relay), { name: "Mallory" }), "4000 ticket missing");
        await ann.close(1000);
        const { stderr } = relay;
        assert.match(stderr, /joining needs a ticket: 1 keys/);
        assert.doesNotMatch(stderr, new RegExp(ticket.slice(0, 20)), "a ticket is in the log");
      });
    });
  }

  test("each wrong one is closed with 4000 and its reason, and harms nobody else", async () => {
    const other = makeKey("ES256");
    await withRelay([...serveWith(ec), "--ticket-audience", "game", "--log-level", "debug"], async (relay) => {
      const url = urlOf(relay);
      const aud = ["--audience", "game"];
      const good = mint(ec, "arena", ...aud);
      const [ann] = await TestSocket.join(url, { ticket: good });
      const [header, claims, signature] = good.split(".") as [string, string, string];
      const forged = base64url({ ...(JSON.parse(Buffer.from(claims, "base64url").toString()) as object), host: true });
      const none = `${base64url({ alg: "none", kid: "k" })}.${claims}.`;
      const confused = `${base64url({ alg: "HS256", kid: "k" })}.${claims}`;
      const mac = createHmac("sha256", readFileSync(ec.verifying)).update(confused).digest("base64url");
      const wrong: [string, string][] = [
        [mint(ec, "arena", ...aud, "--expires-in", "-60"), "ticket expired"],
        [mint(ec, "arena", ...aud, "--valid-in", "600"), "ticket not valid yet"],
        [mint(ec, "arena-2", ...aud), "ticket for another match"],
        [mint(ec, "are", ...aud), "ticket for another match"],
        [mint(ec, "arena", "--audience", "shop"), "ticket for another audience"],
        [mint(ec, "arena"), "ticket for another audience"],
        [mint(other, "arena", ...aud), "ticket with a wrong signature"],
        [`${header}.${forged}.${signature}`, "ticket with a wrong signature"],
        [none, "ticket of a wrong algorithm"],
        [`${confused}.${mac}`, "ticket of a wrong algorithm"],
        [good.replace(header, base64url({ alg: "ES256", kid: "x" })), "ticket of an unknown key"],
        [`${good}.`, "ticket malformed"],
        ["nonsense", "ticket malformed"],
        ["A".repeat(5000), "ticket too long"],
      ];
      for (const [ticket, reason] of wrong) {
        assert.equal(await refusal(url, { ticket }), `4000 ${reason}`, ticket);
        assert.equal(await plainRefusal(`${url}?ticket=${ticket.slice(0, 4900)}`), `4000 ${reason}`, ticket);
      }
      assert.equal(await refusal(url, { ticket: 7 }), "1008 a wrong value in join");
      // Nor where the request that carries one is refused: too long, not a WebSocket's, for no path.
      await fetch(`${relay.httpUrl()}/v1/match/arena?ticket=${good}${"A".repeat(9000)}`).then((answer) => assert.equal(answer.status, 431));
      await fetch(`${relay.httpUrl()}/v1/match/arena?ticket=${good}`).then((answer) => assert.equal(answer.status, 426));
      await fetch(`${relay.httpUrl()}/v1/nothing?ticket=${good}`).then((answer) => assert.equal(answer.status, 404));
      await relay.logged(/cause=bad_request .*code=431/); // the last line that there is to come
      for (const part of [good, ...wrong.map(([ticket]) => ticket)].flatMap((ticket) => ticket.split("."))) {
        if (part.length >= 20) assert.ok(!relay.stderr.includes(part.slice(0, 60)), `a part of a ticket is in the log: ${part}`);
      }
      const [bo, welcome] = await TestSocket.join(url, { ticket: mint(ec, "are*", ...aud) });
      assert.equal((welcome["players"] as unknown[]).length, 2);
      await bo.close(1000);
      await ann.close(1000);
    });
  });

  test("where tickets are optional, none is fine and a bad one is not", async () => {
    await withRelay([...serveWith(ec), "--ticket-optional"], async (relay) => {
      const [ann] = await TestSocket.join(urlOf(relay), { name: "Ann" });
      assert.equal(await refusal(urlOf(relay), { ticket: "x.y.z" }), "4000 ticket malformed");
      await ann.close(1000);
    });
  });

  test("keys of a JWKS file are found by their id", async () => {
    const k = readFileSync(secret.verifying).toString("base64url");
    const file = join(folder, "keys.json");
    writeFileSync(file, JSON.stringify({ keys: [{ kty: "RSA", n: "AQAB", e: "AQAB" }, { kty: "oct", kid: "k", k }] }));
    await withRelay([...anyPort, "--ticket-jwks", file], async (relay) => {
      const [ann] = await TestSocket.join(urlOf(relay), { ticket: mint(secret, "arena") });
      await ann.close(1000);
    });
  });
});

describe("what a ticket grants", () => {
  test("role, limits, the host, and, to who opens it, the match's size and rate", async () => {
    await withRelay(serveWith(ec), async (relay) => {
      const opening = ["--match-size", "2", "--tick-hz", "20", "--state-bytes", "64"];
      const [ann, welcome] = await TestSocket.join(urlOf(relay), { ticket: mint(ec, "arena", ...opening) });
      assert.equal(welcome["tick_hz"], 20);
      assert.equal((welcome["limits"] as Record<string, number>)["state_bytes"], 64);
      const host = ["--host", "--messages-per-second", "60", "--tick-hz", "60", "--state-bytes", "4096"];
      const [bo, second] = await TestSocket.join(urlOf(relay), { ticket: mint(ec, "*", ...host) });
      assert.equal(second["tick_hz"], 20, "the match is open already");
      assert.equal(second["host"], 1);
      assert.equal((second["limits"] as Record<string, number>)["messages_per_second"], 60);
      assert.equal(await refusal(urlOf(relay), { ticket: mint(ec, "arena") }), "4001 match full");
      const asPlayer = { role: "player", ticket: mint(ec, "arena", "--role", "spectator") };
      const [viewer, third] = await TestSocket.join(urlOf(relay), asPlayer);
      assert.equal(third["role"], "spectator");
      await viewer.close(1000);

      bo.socket.send(state(4000));
      ann.socket.send(state(64));
      for (let ticks = 0; ticks < 2; ) {
        const message = await bo.next();
        if (typeof message !== "string" && message[0] === 0x81) ticks += 1;
        ann.socket.send(state(64));
      }
      ann.socket.send(state(65));
      assert.equal((await ann.closed()).code, 1009);
      await bo.close(1000);
    });
  });

  test("the plain lane brings it in the URL, plays under its name, and has no spectators", async () => {
    await withRelay([...serveWith(ec), "--shards", "2"], async (relay) => {
      const ticket = mint(ec, "arena", "--name", "Ann", "--event-bytes", "100");
      const ann = await TestSocket.open(`${urlOf(relay)}?a=1&ticket=${ticket}&b=2`);
      const [bo, welcome] = await TestSocket.join(`${urlOf(relay)}?ticket=${mint(ec, "arena", "--name", "Bo")}`);
      assert.deepEqual(welcome["players"], [
        { player: 0, name: "Ann", away: false, plain: true },
        { player: 1, name: "Bo", away: false },
      ]);
      const asSpectator = mint(ec, "arena", "--role", "spectator");
      assert.equal(await plainRefusal(`${urlOf(relay)}?ticket=${asSpectator}`), "4000 ticket for another role");
      assert.equal(await plainRefusal(urlOf(relay)), "4000 ticket missing");
      assert.equal(await plainRefusal(`${urlOf(relay)}?ticket=`), "4000 ticket missing");
      ann.socket.send("x".repeat(101));
      assert.equal((await ann.closed()).code, 1009);
      await bo.close(1000);
      const { stderr } = relay;
      assert.doesNotMatch(stderr, /ticket=/, "a query is in the log");
    });
  });
});

describe("single use", () => {
  test("is one join for all shards, and a resume is none", async () => {
    await withRelay([...serveWith(ec), "--shards", "2", "--resume-window", "20"], async (relay) => {
      const ticket = mint(ec, "*", "--single-use", "--id", "1");
      const [ann, welcome] = await TestSocket.join(urlOf(relay), { ticket });
      for (let match = 0; match < 4; match += 1) {
        assert.equal(await refusal(urlOf(relay, `m${match}`), { ticket }), "4000 ticket used already");
      }
      ann.socket.terminate();
      const [again, resumed] = await TestSocket.join(urlOf(relay), { resume: welcome["resume"] });
      assert.equal(resumed["player"], welcome["player"]);
      await again.close(1000);
      const stale = { resume: welcome["resume"], ticket };
      assert.equal(await refusal(urlOf(relay), stale), "4000 ticket used already", "the slot has ended");
    });
  });

  test("a join that the match refuses leaves the ticket good", async () => {
    const args = ["--ticket-single-use", "--max-players", "1", "--max-used-tickets", "2"];
    await withRelay([...serveWith(ec), ...args], async (relay) => {
      const [ann] = await TestSocket.join(urlOf(relay), { ticket: mint(ec, "arena", "--id", "a") });
      const ticket = mint(ec, "arena", "--id", "b");
      for (let tries = 0; tries < 5; tries += 1) {
        assert.equal(await refusal(urlOf(relay), { ticket }), "4001 match full");
      }
      assert.equal(await refusal(urlOf(relay), { ticket: mint(ec, "arena") }), "4000 ticket with a wrong claim");
      await ann.close(1000);
      const [bo] = await TestSocket.join(urlOf(relay), { ticket });
      await bo.close(1000);
    });
  });
});

describe("tickets of single use that are remembered", () => {
  test("are as many as the operator wants: 1013 past them", async () => {
    const args = ["--ticket-single-use", "--max-used-tickets", "1", "--admin-listen", "127.0.0.1:0"];
    await withRelay([...serveWith(ec), ...args], async (relay) => {
      const [ann] = await TestSocket.join(urlOf(relay), { ticket: mint(ec, "arena", "--id", "a") });
      const ticket = mint(ec, "arena", "--id", "b");
      assert.equal(await refusal(urlOf(relay), { ticket }), "1013 too many tickets of single use");
      assert.match((await ask(relay.adminUrl(), "/metrics")).body, /^tickwire_used_tickets 1$/m);
      await ann.close(1000);
    });
  });
});

describe("resume tokens", () => {
  test("are bound to their match, and useless after the window", async () => {
    await withRelay([...serveWith(ec), "--resume-window", "0.3"], async (relay) => {
      const keeper = await TestSocket.join(urlOf(relay), { ticket: mint(ec, "arena") });
      const [ann, welcome] = await TestSocket.join(urlOf(relay), { ticket: mint(ec, "arena") });
      const resume = welcome["resume"];
      assert.match(String(resume), /^[A-Za-z0-9_-]{22}$/);
      assert.equal(await refusal(urlOf(relay, "other"), { resume }), "4000 ticket missing");
      ann.socket.terminate();
      for (;;) {
        const message = await keeper[0].next();
        if (typeof message === "string" && message.includes('"left"')) break;
      }
      assert.equal(await refusal(urlOf(relay), { resume }), "4000 ticket missing");
      await keeper[0].close(1000);
    });
  });
});

describe("keys", () => {
  const asPem = (key: KeyPair): string => readFileSync(key.verifying, "utf8");
  const asJwks = (key: KeyPair): string =>
    JSON.stringify({ keys: [{ kid: "k", ...createPublicKey(asPem(key)).export({ format: "jwk" }) }] });
  for (const { kind, file, option, text } of [
    { kind: "a key", file: join(folder, "current.pem"), option: ["--ticket-key", `k=${join(folder, "current.pem")}`], text: asPem },
    { kind: "a JWKS", file: join(folder, "current.json"), option: ["--ticket-jwks", join(folder, "current.json")], text: asJwks },
  ]) {
    test(`${kind} is read again when its file changes, and kept when it cannot be used`, async () => {
      const first = makeKey("ES256");
      const second = makeKey("EdDSA");
      const replaceBy = (text: string): void => {
        writeFileSync(`${file}.new`, text);
        renameSync(`${file}.new`, file);
      };
      replaceBy(text(first));
      await withRelay([...anyPort, ...option, "--shards", "2"], async (relay) => {
        const [ann] = await TestSocket.join(urlOf(relay), { ticket: mint(first, "arena") });
        replaceBy("no key\n");
        await relay.logged(/cannot be used, the old ones stay: .*current\./);
        const [bo] = await TestSocket.join(urlOf(relay), { ticket: mint(first, "arena") });
        replaceBy(text(second));
        await relay.logged(/ticket keys have changed: 1 now/);
        // A shard takes them at its next slot.
        let reason = "";
        for (let tries = 0; tries < 100 && reason === ""; tries += 1) {
          const client = await TestSocket.open(urlOf(relay), ["tickwire.v1"]);
          client.socket.send(JSON.stringify({ op: "join", ticket: mint(first, "arena") }));
          await client.next().then(() => client.close(1000), (error: Error) => (reason = error.message));
        }
        assert.match(reason, /4000 ticket of a wrong algorithm/);
        const [cy] = await TestSocket.join(urlOf(relay), { ticket: mint(second, "arena") });
        for (const member of [ann, bo, cy]) await member.close(1000);
      });
    });
  }

  test("come and go with a reload; whether there are any is settled at the start", async () => {
    const [first, second] = [makeKey("ES256"), makeKey("EdDSA")];
    const path = join(folder, "keys.toml");
    const write = (...keys: string[]): void => writeFileSync(path, keys.length === 0 ? "" : `[ticket]\nkey = ${JSON.stringify(keys)}\n`);
    write(`k=${first.verifying}`);
    await withRelay([...anyPort, "--admin-listen", "127.0.0.1:0", "--config", path, "--shards", "2"], async (relay) => {
      const reload = (): Promise<{ status: number; body: string }> => ask(relay.adminUrl(), "/v1/reload", { method: "POST", headers: own });
      const newcomer = mint({ ...second, kid: "new" }, "arena");
      assert.equal(await refusal(urlOf(relay), { ticket: newcomer }), "4000 ticket of an unknown key");
      write(`k=${first.verifying}`, `new=${second.verifying}`);
      assert.match((await reload()).body, /changed: ticket-key; 2 ticket keys read again/);
      // A shard takes them at the end of a slot.
      let [bo, welcome]: [TestSocket | null, unknown] = [null, null];
      for (let tries = 0; tries < 100 && welcome === null; tries += 1) {
        bo = await TestSocket.open(urlOf(relay), ["tickwire.v1"]);
        bo.socket.send(JSON.stringify({ op: "join", ticket: newcomer }));
        welcome = await bo.next().catch(() => null);
      }
      assert.match(String(welcome), /"welcome"/);
      const [ann] = await TestSocket.join(urlOf(relay), { ticket: mint(first, "arena") });
      write("k=/nonexistent");
      const broken = await reload();
      assert.deepEqual([broken.status, /cannot read \/nonexistent/.test(broken.body)], [409, true], broken.body);
      write();
      assert.match((await reload()).body, /needs a restart: ticket-key/);
      assert.equal(await refusal(urlOf(relay), {}), "4000 ticket missing");
      for (const member of [ann, bo!]) await member.close(1000);
    });
  });

  test("that cannot be used stop the start with a reason", () => {
    const short = join(folder, "short");
    writeFileSync(short, "hunter2\n");
    const published = join(folder, "published.json");
    writeFileSync(published, asJwks(ec));
    const wrong: [string[], RegExp][] = [
      [["--ticket-key", `k=${ec.signing}`], /holds a private key: give the relay the public one/],
      [["--ticket-key", `k=${short}`], /a secret of 7 bytes; HS256 needs 32/],
      [["--ticket-key", `k=${published}`], /published\.json: is JSON, and no secret: .* with ticket-jwks/],
      [["--ticket-key", "k=/nonexistent"], /cannot read \/nonexistent/],
      [["--ticket-key", ec.verifying], /is not KID=FILE/],
      [["--ticket-jwks", ec.verifying], /no JSON Web Key Set/],
      [["--ticket-key", `k=${ec.verifying}`, "--ticket-key", `k=${ed.verifying}`], /a second key with the id 'k'/],
    ];
    for (const [args, reason] of wrong) {
      const { code, stderr } = runToEnd("serve", ...anyPort, ...args);
      assert.equal(code, 2, args.join(" "));
      assert.match(stderr, reason);
    }
  });

  test("are never overwritten by the tool, which keeps them to their owner", () => {
    const again = runToEnd("ticket", "--new-key", "ES256", "--key", ec.signing);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /cannot write .*: File exists/);
    assert.match(runToEnd("ticket", "--key", ec.verifying, "--match", "a").stderr, /no private key/);
    assert.match(runToEnd("ticket", "--key", ec.signing, "--match", "a/b").stderr, /--match is the name/);
    assert.match(runToEnd("ticket", "--key", ec.signing, "--match", "a", "--single-use").stderr, /needs --id/);
  });
});
