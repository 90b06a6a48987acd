/** RFC 6455 section 8.1: text is UTF-8, judged byte by byte, and failed at the first that is wrong. */

import { fragments, frame, hex, opcode, pieces } from "./frames.ts";
import { type Case, echoOf, table, useRelay } from "./table.ts";

useRelay();

const { text, continuation } = opcode;

/** RFC 3629 section 4, and the corners of its table. */
const valid: [string, Buffer][] = [
  ["Greek", Buffer.from("Hello-\u00b5@\u00df\u00f6\u00e4\u00fc\u00e0\u00e1-UTF-8!! κόσμε")],
  ["U+0000", hex("00")],
  ["U+007F", hex("7f")],
  ["U+0080", hex("c2 80")],
  ["U+07FF", hex("df bf")],
  ["U+0800", hex("e0 a0 80")],
  ["U+D7FF", hex("ed 9f bf")],
  ["U+E000", hex("ee 80 80")],
  ["U+FFFD", hex("ef bf bd")],
  ["U+FFFE, a noncharacter", hex("ef bf be")],
  ["U+FFFF, a noncharacter", hex("ef bf bf")],
  ["U+10000", hex("f0 90 80 80")],
  ["U+1FFFE, a noncharacter", hex("f0 9f bf be")],
  ["U+FFFFF", hex("f3 bf bf bf")],
  ["U+10FFFF", hex("f4 8f bf bf")],
  ["a mark of byte order", hex("ef bb bf 61")],
  ["one of each length", Buffer.from("aµ€😀")],
  ["words of many lengths", Buffer.from("жизнь is 人生 🚀 vie é".repeat(3))],
];

/** With the index of the first byte that no valid text has there. */
const invalid: [string, Buffer, number][] = [
  ["a lone continuation", hex("80"), 0],
  ["the last continuation", hex("bf"), 0],
  ["continuations in a row", hex("61 80 bf 80"), 1],
  ["C0, always overlong", hex("c0 80"), 0],
  ["C1, always overlong", hex("c1 bf"), 0],
  ["an overlong slash in two", hex("c0 af"), 0],
  ["an overlong slash in three", hex("e0 80 af"), 1],
  ["an overlong slash in four", hex("f0 80 80 af"), 1],
  ["overlong U+07FF in three", hex("e0 9f bf"), 1],
  ["overlong U+FFFF in four", hex("f0 8f bf bf"), 1],
  ["the first surrogate", hex("ed a0 80"), 1],
  ["the last surrogate", hex("ed bf bf"), 1],
  ["a pair of surrogates", hex("ed a0 bd ed b8 80"), 1],
  ["above U+10FFFF", hex("f4 90 80 80"), 1],
  ["F5", hex("f5 80 80 80"), 0],
  ["F7", hex("f7 bf bf bf"), 0],
  ["F8, five bytes", hex("f8 88 80 80 80"), 0],
  ["FC, six bytes", hex("fc 84 80 80 80 80"), 0],
  ["FE", hex("fe"), 0],
  ["FF", hex("ff"), 0],
  ["two, cut by ASCII", hex("c2 41"), 1],
  ["three, cut by ASCII", hex("e2 82 41"), 2],
  ["four, cut by ASCII", hex("f0 9f 98 41"), 3],
  ["four, cut by a start", hex("f0 9f c2 80"), 2],
  ["behind Greek", Buffer.concat([Buffer.from("κόσμε"), hex("ed a0 80"), Buffer.from("edited")]), 12],
  ["behind 200 good bytes", Buffer.concat([Buffer.from("é".repeat(100)), hex("f4 90 80 80")]), 201],
];

/** Good as far as they go: wrong only because the message ends. */
const unfinished: [string, Buffer][] = [
  ["one of two", hex("c3")],
  ["one of three", hex("e2")],
  ["two of three", hex("e2 82")],
  ["one of four", hex("f0")],
  ["two of four", hex("f0 9f")],
  ["three of four", hex("f0 9f 98")],
  ["three of four, behind text", Buffer.concat([Buffer.from("κόσμε"), hex("f4 8f bf")])],
];

const splits = (bytes: Buffer): number[] => Array.from({ length: bytes.length + 1 }, (_, index) => index);
const inTwo = (bytes: Buffer, at: number): Buffer => fragments(text, [bytes.subarray(0, at), bytes.subarray(at)]);

table(
  "8.1 valid text, whole and split at every byte",
  valid.flatMap(([name, bytes]): Case[] => {
    const at = splits(bytes);
    return [
      { name: `8.1 ${name}`, send: [frame(text, bytes)], answers: [echoOf(text, bytes)] },
      {
        name: `8.1 ${name}, two fragments`,
        send: [Buffer.concat(at.map((index) => inTwo(bytes, index)))],
        answers: at.map(() => echoOf(text, bytes)),
      },
      { name: `8.1 ${name}, a fragment for each byte`, send: [fragments(text, pieces(bytes, 1))], answers: [echoOf(text, bytes)] },
      { name: `8.1 ${name}, a write for each byte`, send: [pieces(frame(text, bytes), 1)], answers: [echoOf(text, bytes)] },
    ];
  }),
);

table(
  "8.1 invalid text, and not a byte later than it shows",
  invalid.flatMap(([name, bytes, bad]): Case[] => {
    const head = bytes.subarray(0, bad + 1);
    const longer = frame(text, head, { announced: bytes.length + 1000 });
    return [
      { name: `8.1 ${name}`, send: [frame(text, bytes)], fails: 1007 },
      { name: `8.1 ${name}, inside an unfinished frame`, send: [longer], fails: 1007 },
      { name: `8.1 ${name}, inside an unfinished frame, byte by byte`, send: [pieces(longer, 1)], fails: 1007 },
      { name: `8.1 ${name}, in a first fragment`, send: [frame(text, head, { fin: false })], fails: 1007 },
      {
        name: `8.1 ${name}, in a second fragment`,
        send: [frame(text, "good", { fin: false }), frame(continuation, head, { fin: false })],
        fails: 1007,
      },
      {
        name: `8.1 ${name}, its last byte in a fragment of its own`,
        send: [frame(text, head.subarray(0, bad), { fin: false }), frame(continuation, head.subarray(bad), { announced: 10 })],
        fails: 1007,
      },
    ];
  }),
);

table(
  "8.1 invalid text, split at every byte",
  invalid
    .filter(([, bytes]) => bytes.length < 32)
    .flatMap(([name, bytes]) => splits(bytes).map((at): Case => ({ name: `8.1 ${name}, split at ${at}`, send: [inTwo(bytes, at)], fails: 1007 }))),
);

table(
  "8.1 text that ends inside a character",
  unfinished.flatMap(([name, bytes]): Case[] => [
    { name: `8.1 ${name}`, send: [frame(text, bytes)], fails: 1007 },
    { name: `8.1 ${name}, in two fragments`, send: [fragments(text, [bytes, ""])], fails: 1007 },
    {
      name: `8.1 ${name}, behind a message`,
      send: [Buffer.concat([frame(text, "good"), frame(text, bytes)])],
      answers: [echoOf(text, "good")],
      fails: 1007,
    },
    {
      name: `8.1 ${name} is fine as long as the message goes on`,
      send: [frame(text, bytes, { fin: false }), frame(opcode.ping, "alive")],
      answers: [echoOf(opcode.pong, "alive")],
    },
  ]),
);

table(
  "5.6 binary is not looked into",
  invalid.map(([name, bytes]): Case => ({ name: `5.6 ${name}`, send: [frame(opcode.binary, bytes)], answers: [echoOf(opcode.binary, bytes)] })),
);
