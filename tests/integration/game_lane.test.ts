/** The game lane against the real binary: close codes, the roster, the host, properties, resuming. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Relay } from "./relay.ts";
import { TestSocket } from "./web_socket.ts";

type Json = Record<string, unknown>;

/** The next control message of an op; others before it are passed over. */
async function nextControl(client: TestSocket, op: string): Promise<Json> {
  for (;;) {
    const message = await client.next();
    if (typeof message !== "string") continue;
    const json = JSON.parse(message) as Json;
    if (json["op"] === op) return json;
  }
}

/** The next binary message of a type. */
async function nextBinary(client: TestSocket, type: number): Promise<Buffer> {
  for (;;) {
    const message = await client.next();
    if (typeof message !== "string" && message[0] === type) return message;
  }
}

const tick = 0x81;
const events = 0x82;
const pong = 0x83;

function state(seq: number, bytes: string): Buffer {
  const header = Buffer.from([0x01, 0, 0, 0, 0, 0]);
  header.writeUInt16LE(seq, 2);
  return Buffer.concat([header, Buffer.from(bytes)]);
}

function event(kind: number, player: number, bytes: string): Buffer {
  const header = Buffer.from([0x02, kind, 0, 0]);
  header.writeUInt16LE(player, 2);
  return Buffer.concat([header, Buffer.from(bytes)]);
}

const ping = (clientTime: number): Buffer => {
  const message = Buffer.from([0x03, 0, 0, 0, 0, 0, 0, 0]);
  message.writeUInt32LE(clientTime, 4);
  return message;
};

/** The state entries of a TICK that are full. */
function fullStates(message: Buffer): Map<number, string> {
  const found = new Map<number, string>();
  let at = 8;
  for (let left = message.readUInt16LE(2); left > 0; left -= 1) {
    const length = message.readUInt16LE(at + 5);
    const size = length & 0x7fff;
    if (length < 0x8000) found.set(message.readUInt16LE(at), message.subarray(at + 7, at + 7 + size).toString());
    at += 7 + size;
  }
  assert.equal(at, message.length, "a TICK's entries fill it");
  return found;
}

/** Waits for a player's state in full. */
async function fullState(client: TestSocket, player: number, wanted: string): Promise<void> {
  while (fullStates(await nextBinary(client, tick)).get(player) !== wanted);
}

let relay: Relay;
let url: string;

before(async () => {
  relay = await Relay.start("--listen", "127.0.0.1:0", "--shards", "2", "--max-players", "8", "--resume-window", "2");
  url = `${relay.url()}/v1/match`;
});
after(() => relay.finish());

describe("whoever errs is closed with the right code, and nobody else notices", () => {
  const joined: [string, Buffer | string, number][] = [
    ["an unknown type", Buffer.from([0x7f]), 1002],
    ["an empty message", Buffer.alloc(0), 1002],
    ["a reserved field that is not zero", Buffer.from([0x01, 1, 0, 0, 0, 0]), 1002],
    ["an unknown kind", event(0x40, 0, "x"), 1002],
    ["a ping cut short", ping(1).subarray(0, 5), 1002],
    ["a resync with a tail", Buffer.from([0x04, 0]), 1002],
    ["a state over its limit", state(1, "x".repeat(1_019)), 1009],
    ["an event over its limit", event(0, 0, "x".repeat(16_381)), 1009],
    ["JSON over its limit", JSON.stringify({ op: "x".repeat(16_384) }), 1009],
    ["text that is not JSON", "hello", 1007],
    ["event text that is not UTF-8", Buffer.concat([event(0x04, 0, ""), Buffer.from([0xff])]), 1007],
  ];
  const first: [string, Buffer | string, number][] = [
    ["a first message in binary", ping(1), 1002],
    ["a first message of another op", JSON.stringify({ op: "leave" }), 1002],
    ["a first message that is not JSON", "{", 1007],
    ["a join with a name that is a number", JSON.stringify({ op: "join", name: 7 }), 1008],
  ];

  for (const [what, message, code] of [...first, ...joined]) {
    test(`${what}: ${code}`, async () => {
      const match = `${url}/errs-${code}-${what.replaceAll(/[^a-z]/g, "-").slice(0, 40)}`;
      const [well] = await TestSocket.join(match, { name: "well" });
      const isFirst = first.some(([name]) => name === what);
      const wrong = isFirst ? await TestSocket.open(match, ["tickwire.v1"]) : (await TestSocket.join(match))[0];
      wrong.socket.send(message);
      assert.equal((await wrong.closed()).code, code);
      if (!isFirst) assert.deepEqual(await nextControl(well, "left"), { op: "left", player: 1, reason: "closed" });
      well.socket.send(state(1, what));
      await fullState(well, 0, what);
      assert.equal((await well.close(1000)).code, 1000);
    });
  }

  test("a spectator that sends a state or an event: 1002", async () => {
    for (const message of [state(1, "x"), event(0, 0, "x")]) {
      const [spectator, welcome] = await TestSocket.join(`${url}/watched`, { role: "spectator" });
      assert.equal(welcome["player"], 65_535);
      assert.equal(welcome["resume"], undefined);
      spectator.socket.send(message);
      assert.equal((await spectator.closed()).code, 1002);
    }
  });

  test("more messages than a second's worth: 4100, and the player is away", async () => {
    const [well] = await TestSocket.join(`${url}/fast`);
    const [wrong] = await TestSocket.join(`${url}/fast`);
    for (let count = 0; count < 300; count += 1) wrong.socket.send(ping(count));
    assert.equal((await wrong.closed()).code, 4100);
    assert.equal((await nextControl(well, "away"))["player"], 1);
    await well.close(1000);
  });

  test("a player that resumes has the rates that it left: 4100 again", async () => {
    const [first, welcome] = await TestSocket.join(`${url}/relentless`);
    for (let count = 0; count < 300; count += 1) first.socket.send(ping(count));
    assert.equal((await first.closed()).code, 4100);
    // What comes back until then is far less than the 200 of a whole second's 240.
    const [again] = await TestSocket.join(`${url}/relentless`, { resume: welcome["resume"] as string });
    for (let count = 0; count < 200; count += 1) again.socket.send(ping(count));
    assert.equal((await again.closed()).code, 4100);
  });
});

describe("players", () => {
  test("come, are named in the roster, and leave", async () => {
    const [ann, welcome] = await TestSocket.join(`${url}/roster`, { name: "Ann" });
    assert.equal(welcome["player"], 0);
    assert.equal(welcome["host"], 0);
    assert.equal(welcome["epoch"], 1);
    const [bo, second] = await TestSocket.join(`${url}/roster`, { name: "Bo" });
    assert.deepEqual(second["players"], [
      { player: 0, name: "Ann", away: false },
      { player: 1, name: "Bo", away: false },
    ]);
    assert.deepEqual(await nextControl(ann, "joined"), { op: "joined", player: 1, name: "Bo" });
    bo.socket.send(JSON.stringify({ op: "leave" }));
    assert.equal((await bo.closed()).code, 1000);
    assert.deepEqual(await nextControl(ann, "left"), { op: "left", player: 1, reason: "left" });
    await ann.close(1000);
  });

  test("fill a match: 4001", async () => {
    const members: TestSocket[] = [];
    for (let count = 0; count < 8; count += 1) members.push((await TestSocket.join(`${url}/full`))[0]);
    const ninth = await TestSocket.open(`${url}/full`, ["tickwire.v1"]);
    ninth.socket.send(JSON.stringify({ op: "join" }));
    assert.equal((await ninth.closed()).code, 4001);
    for (const member of members) await member.close(1000);
  });

  test("see each other's states, and hear events in order, targets and all", async () => {
    const [ann] = await TestSocket.join(`${url}/talk`);
    const [bo] = await TestSocket.join(`${url}/talk`);
    const [cy] = await TestSocket.join(`${url}/talk`);
    ann.socket.send(state(9, "here I am"));
    await fullState(bo, 0, "here I am");
    ann.socket.send(event(3, 2, "for Cy"));
    ann.socket.send(event(1, 0, "for all"));
    const bodies = async (client: TestSocket, wanted: number): Promise<string[]> => {
      const found: string[] = [];
      while (found.length < wanted) {
        const message = await nextBinary(client, events);
        let at = 4;
        for (let left = message.readUInt16LE(2); left > 0; left -= 1) {
          const size = message.readUInt16LE(at + 7);
          found.push(`${message.readUInt32LE(at)} ${message.subarray(at + 9, at + 9 + size).toString()}`);
          at += 9 + size;
        }
      }
      return found;
    };
    assert.deepEqual(await bodies(cy, 2), ["1 for Cy", "2 for all"]);
    assert.deepEqual(await bodies(bo, 1), ["2 for all"]);
    ann.socket.send(event(3, 7, "for nobody"));
    assert.equal((await nextControl(ann, "error"))["code"], "no_such_player");
    ann.socket.send(ping(77));
    const answer = await nextBinary(ann, pong);
    assert.equal(answer.readUInt16LE(2), 3, "events taken, refused ones included");
    assert.equal(answer.readUInt32LE(4), 77);
    for (const client of [ann, bo, cy]) await client.close(1000);
  });

  test("the host locks, kicks and names another; nobody else may", async () => {
    const [ann] = await TestSocket.join(`${url}/host`);
    const [bo] = await TestSocket.join(`${url}/host`);
    const [cy] = await TestSocket.join(`${url}/host`);
    bo.socket.send(JSON.stringify({ op: "lock", locked: true, id: 1 }));
    const refusal = await nextControl(bo, "error");
    assert.deepEqual([refusal["code"], refusal["id"]], ["forbidden", 1]);
    ann.socket.send(JSON.stringify({ op: "lock", locked: true, id: 2 }));
    assert.equal((await nextControl(ann, "ok"))["id"], 2);
    assert.equal((await nextControl(bo, "locked"))["locked"], true);
    const late = await TestSocket.open(`${url}/host`, ["tickwire.v1"]);
    late.socket.send(JSON.stringify({ op: "join" }));
    assert.equal((await late.closed()).code, 4001);
    ann.socket.send(JSON.stringify({ op: "kick", player: 2, reason: "enough" }));
    assert.deepEqual(await cy.closed(), { code: 4002, reason: "enough" });
    assert.deepEqual(await nextControl(bo, "left"), { op: "left", player: 2, reason: "kicked" });
    ann.socket.send(JSON.stringify({ op: "host", player: 1 }));
    assert.deepEqual(await nextControl(bo, "host"), { op: "host", player: 1, epoch: 2 });
    await ann.close(1000);
    await bo.close(1000);
  });

  test("set properties, which come back as they were written", async () => {
    const [ann] = await TestSocket.join(`${url}/properties`);
    ann.socket.send('{"op":"properties","set":{"map":{"size":1.50,"name":"\\u00e9"},"round":1e2}}');
    const message = await (async (): Promise<string> => {
      for (;;) {
        const text = await ann.next();
        if (typeof text === "string" && text.includes('"properties"')) return text;
      }
    })();
    assert.ok(message.includes('{"size":1.50,"name":"\\u00e9"}') && message.includes('"round":1e2'), message);
    ann.socket.send(JSON.stringify({ op: "properties", set: { round: 2 }, if_version: 7, id: 3 }));
    const refusal = await nextControl(ann, "error");
    assert.deepEqual([refusal["code"], refusal["version"], refusal["id"]], ["version", 1, 3]);
    await ann.close(1000);
  });

  test("that are cut are away, and come back as themselves with what they missed", async () => {
    const [ann] = await TestSocket.join(`${url}/resume`, { name: "Ann" });
    const [bo, welcome] = await TestSocket.join(`${url}/resume`, { name: "Bo" });
    bo.socket.send(state(1, "Bo's"));
    await fullState(ann, 1, "Bo's");
    bo.socket.terminate();
    assert.deepEqual(await nextControl(ann, "away"), { op: "away", player: 1 });
    ann.socket.send(event(3, 1, "while you were away"));
    const [again, resumed] = await TestSocket.join(`${url}/resume`, { resume: welcome["resume"], seen_event: 0 });
    assert.equal(resumed["player"], 1);
    assert.equal(resumed["recovered"], true);
    assert.equal(resumed["resume"], welcome["resume"]);
    const missed = await again.next();
    assert.ok(typeof missed !== "string" && missed[0] === events && missed.includes("while you were away"));
    assert.deepEqual(await nextControl(ann, "back"), { op: "back", player: 1 });
    await fullState(again, 1, "Bo's");

    const [third] = await TestSocket.join(`${url}/resume`, { resume: welcome["resume"], seen_event: 1 });
    assert.equal((await again.closed()).code, 4003);
    third.socket.terminate();
    await nextControl(ann, "away");
    assert.deepEqual(await nextControl(ann, "left"), { op: "left", player: 1, reason: "timeout" });
    await ann.close(1000);
  });

  test("that hide get one tick a second and are told so", async () => {
    const [ann] = await TestSocket.join(`${url}/hidden`);
    ann.socket.send(JSON.stringify({ op: "visible", visible: false }));
    assert.deepEqual(await nextControl(ann, "rate"), { op: "rate", divisor: 30, reason: "hidden" });
    ann.socket.send(JSON.stringify({ op: "visible", visible: true }));
    assert.deepEqual(await nextControl(ann, "rate"), { op: "rate", divisor: 1, reason: "recovered" });
    await ann.close(1000);
  });
});
