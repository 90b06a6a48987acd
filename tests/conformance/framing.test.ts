/** RFC 6455 sections 5.1 to 5.3: lengths, masks, reserved bits, opcodes. */

import { fragments, frame, opcode, pieces } from "./frames.ts";
import { type Case, echoOf, table, useRelay } from "./table.ts";

useRelay();

const kinds = [
  ["text", opcode.text],
  ["binary", opcode.binary],
] as const;

/** Text of exactly so many bytes: '*' as the RFC's readers know it, with no repetition of 4 to hide a mask. */
const textOf = (size: number): string => "*-Tickwire".repeat(size / 10 + 1).slice(0, size);

const boundaries = [0, 1, 2, 3, 124, 125, 126, 127, 128, 65533, 65534, 65535, 65536, 65537, 131072];

table(
  "5.2 every length boundary, whole and in pieces",
  kinds.flatMap(([kind, code]) =>
    boundaries.flatMap((size): Case[] => {
      const bytes = frame(code, textOf(size));
      const answers = [echoOf(code, textOf(size))];
      const cutSize = size < 1000 ? 1 : 997;
      return [
        { name: `5.2 ${kind} of ${size} bytes`, send: [bytes], answers },
        { name: `5.2 ${kind} of ${size} bytes in pieces of ${cutSize}`, send: [pieces(bytes, cutSize)], answers },
      ];
    }),
  ),
);

table("5.2 the length in more bytes than it needs", [
  ...[0, 1, 125].map((size): Case => ({
    name: `5.2 ${size} in 16 bits`,
    send: [frame(opcode.binary, textOf(size), { lengthBits: 16 })],
    fails: 1002,
  })),
  ...[0, 125, 126, 65535].map((size): Case => ({
    name: `5.2 ${size} in 64 bits`,
    send: [frame(opcode.binary, textOf(size), { lengthBits: 64 })],
    fails: 1002,
  })),
  {
    name: "5.2 a length with its most significant bit set",
    send: [frame(opcode.binary, "", { lengthBits: 64, announced: 1n << 63n })],
    fails: 1002,
  },
]);

table("5.3 masks", [
  { name: "5.1 text without a mask", send: [frame(opcode.text, "hello", { masked: false })], fails: 1002 },
  { name: "5.1 nothing without a mask", send: [frame(opcode.text, "", { masked: false })], fails: 1002 },
  { name: "5.1 a ping without a mask", send: [frame(opcode.ping, "", { masked: false })], fails: 1002 },
  { name: "5.1 a close without a mask", send: [frame(opcode.close, "", { masked: false })], fails: 1002 },
  {
    name: "5.1 what came before is answered first",
    send: [frame(opcode.text, "good"), frame(opcode.text, "bad", { masked: false })],
    answers: [echoOf(opcode.text, "good")],
    fails: 1002,
  },
  {
    name: "5.1 a fragment without a mask",
    send: [frame(opcode.text, "a", { fin: false }), frame(opcode.continuation, "b", { masked: false })],
    fails: 1002,
  },
  ...["00000000", "ffffffff", "00ff00ff", "01020304"].map((key): Case => ({
    name: `5.3 the key ${key}`,
    send: [frame(opcode.text, textOf(301), { key: Buffer.from(key, "hex") })],
    answers: [echoOf(opcode.text, textOf(301))],
  })),
  {
    name: "5.3 another key for each fragment, of lengths that are no multiple of 4",
    send: [
      frame(opcode.text, "abc", { fin: false, key: Buffer.from("a1b2c3d4", "hex") }),
      frame(opcode.continuation, "defgh", { fin: false, key: Buffer.from("00112233", "hex") }),
      frame(opcode.continuation, "i", { key: Buffer.from("fedcba98", "hex") }),
    ],
    answers: [echoOf(opcode.text, "abcdefghi")],
  },
]);

/** Autonomous of what is wrong: alone, behind a good message, between two, and cut into bytes. */
function around(section: string, bad: Buffer): Case[] {
  const hello = frame(opcode.text, "hello");
  return [
    { name: `${section}`, send: [bad], fails: 1002 },
    { name: `${section}, then a ping`, send: [Buffer.concat([bad, frame(opcode.ping)])], fails: 1002 },
    {
      name: `${section}, behind a message and before a ping`,
      send: [Buffer.concat([hello, bad, frame(opcode.ping)])],
      answers: [echoOf(opcode.text, "hello")],
      fails: 1002,
    },
    {
      name: `${section}, the same as three writes`,
      send: [hello, bad, frame(opcode.ping)],
      answers: [echoOf(opcode.text, "hello")],
      fails: 1002,
    },
    {
      name: `${section}, the same byte by byte`,
      send: [pieces(Buffer.concat([hello, bad.subarray(0, 2)]), 1)],
      answers: [echoOf(opcode.text, "hello")],
      fails: 1002,
    },
  ];
}

table("5.2 reserved bits, without an extension that gives them a meaning", [
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((reserved) => [
    ...around(`5.2 RSV ${reserved} on text`, frame(opcode.text, "hello", { reserved })),
    { name: `5.2 RSV ${reserved} on binary`, send: [frame(opcode.binary, "hello", { reserved })], fails: 1002 },
    { name: `5.2 RSV ${reserved} on a ping`, send: [frame(opcode.ping, "hello", { reserved })], fails: 1002 },
    { name: `5.2 RSV ${reserved} on a pong`, send: [frame(opcode.pong, "hello", { reserved })], fails: 1002 },
    { name: `5.2 RSV ${reserved} on a close`, send: [frame(opcode.close, "", { reserved })], fails: 1002 },
    {
      name: `5.2 RSV ${reserved} on a last fragment`,
      send: [frame(opcode.text, "a", { fin: false }), frame(opcode.continuation, "b", { reserved })],
      fails: 1002,
    },
  ]),
]);

table("5.2 reserved opcodes", [
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((code) => [
    ...around(`5.2 opcode ${code}`, frame(code)),
    { name: `5.2 opcode ${code} with a payload`, send: [frame(code, "reserved")], fails: 1002 },
    {
      name: `5.2 opcode ${code} inside a message`,
      send: [fragments(opcode.text, ["a", "b"], frame(code))],
      fails: 1002,
    },
  ]),
]);
