/** RFC 6455 section 10.4: messages up to the limit of 16 MiB, one byte more, and fragments by the thousand. */

import { randomBytes } from "node:crypto";
import { fragments, frame, opcode, pieces } from "./frames.ts";
import { type Case, echoOf, table, useRelay } from "./table.ts";

useRelay();

const kib = 1024;
const mib = 1024 * kib;
const sizeMax = 16 * mib;
const { text, binary, continuation } = opcode;
/** Under the sanitizers 16 MiB take a second, so some cases wait for `tools/dev test --all`. */
const isEverything = process.env["TICKWIRE_ALL"] !== undefined;

const noise = randomBytes(sizeMax);
/** Characters of each length, in a unit whose size shares no factor with the sizes of fragments. */
const unit = Buffer.from("*-µ€😀Tick");
const words = Buffer.alloc(sizeMax, unit);
/** So many bytes of text, filled up where the cut would fall into a character. */
function textOf(size: number): Buffer {
  return Buffer.from(words.subarray(0, size)).fill("*", size - (size % unit.length));
}
const bytesOfSize = (size: number): Buffer => noise.subarray(0, size);

function echoCase(name: string, code: number, payload: Buffer, send: (Buffer | Buffer[])[]): Case {
  return { name, send, answers: [echoOf(code, payload)] };
}

const sizes = isEverything ? [64 * kib, 256 * kib, mib, 4 * mib, 8 * mib, sizeMax] : [64 * kib, mib, sizeMax];

table(
  "10.4 large messages",
  sizes.flatMap((size) => [
    echoCase(`text of ${size} bytes`, text, textOf(size), [frame(text, textOf(size))]),
    echoCase(`binary of ${size} bytes`, binary, bytesOfSize(size), [frame(binary, bytesOfSize(size))]),
  ]),
);

const fragmentSizes = isEverything ? [64, 256, kib, 4 * kib, 64 * kib, mib, 4 * mib] : [64, 4 * kib, mib];

table(
  "5.4 4 MiB in fragments",
  fragmentSizes.flatMap((size) => [
    echoCase(`text, fragments of ${size} bytes`, text, textOf(4 * mib), [fragments(text, pieces(textOf(4 * mib), size))]),
    echoCase(`binary, fragments of ${size} bytes`, binary, bytesOfSize(4 * mib), [
      fragments(binary, pieces(bytesOfSize(4 * mib), size)),
    ]),
  ]),
);

table(
  "5.2 1 MiB in small writes",
  (isEverything ? [64, 128, 256, 512, 1024, 2048] : [512]).flatMap((size) => [
    echoCase(`text, ${size} bytes a write`, text, textOf(mib), [pieces(frame(text, textOf(mib)), size)]),
    echoCase(`binary, ${size} bytes a write`, binary, bytesOfSize(mib), [pieces(frame(binary, bytesOfSize(mib)), size)]),
  ]),
);

table(
  "many small messages at once",
  [0, 16, 64, 256, 1024, 4096, 16384].flatMap((size): Case[] =>
    ([["text", text], ["binary", binary]] as const).map(([kind, code]): Case => ({
      name: `1,000 times ${kind} of ${size} bytes`,
      send: [Buffer.concat(Array.from({ length: 1000 }, () => frame(code, textOf(size))))],
      answers: Array.from({ length: 1000 }, () => echoOf(code, textOf(size))),
    })),
  ),
);

const overBy = (extra: number): Buffer => frame(binary, "", { announced: sizeMax + extra, lengthBits: 64 });

table("10.4 the limit of 16 MiB", [
  { name: "one byte more is refused at the header, before a byte of it", send: [overBy(1)], fails: 1009 },
  { name: "2 GiB", send: [frame(text, "", { announced: 2 ** 31, lengthBits: 64 })], fails: 1009 },
  { name: "the largest that 63 bits can say", send: [frame(binary, "", { announced: (1n << 63n) - 1n })], fails: 1009 },
  {
    name: "the limit in two fragments",
    send: [fragments(binary, [bytesOfSize(sizeMax - 1), bytesOfSize(1)])],
    answers: [echoOf(binary, Buffer.concat([bytesOfSize(sizeMax - 1), bytesOfSize(1)]))],
  },
  {
    name: "over it by the last of two fragments",
    send: [frame(binary, bytesOfSize(sizeMax), { fin: false }), frame(continuation, "x").subarray(0, 2)],
    fails: 1009,
  },
  {
    name: "what came before is answered before",
    send: [Buffer.concat([frame(text, "good"), overBy(1)])],
    answers: [echoOf(text, "good")],
    fails: 1009,
  },
]);
