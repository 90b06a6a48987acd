/** RFC 6455 section 5.4: messages in fragments. */

import { fragments, frame, opcode, pieces } from "./frames.ts";
import { type Case, echoOf, table, useRelay } from "./table.ts";

useRelay();

const { text, binary, continuation } = opcode;
const first = frame(text, "fragment1", { fin: false });
const whole = echoOf(text, "fragment1fragment2");

const shapes: [string, string[]][] = [
  ["two", ["fragment1", "fragment2"]],
  ["three", ["a", "bb", "ccc"]],
  ["an empty first one", ["", "rest"]],
  ["an empty last one", ["rest", ""]],
  ["an empty one in the middle", ["a", "", "b"]],
  ["nothing but empty ones", ["", "", ""]],
  ["one for each character", [..."every character by itself"]],
  ["at the boundaries of lengths", ["x".repeat(125), "y".repeat(126), "z".repeat(127)]],
  ["large ones", ["x".repeat(65535), "y".repeat(65536), "z".repeat(65537)]],
];

table(
  "5.4 messages in fragments",
  shapes.flatMap(([name, payloads]): Case[] =>
    ([["text", text], ["binary", binary]] as const).flatMap(([kind, code]): Case[] => {
      const bytes = fragments(code, payloads);
      const answers = [echoOf(code, payloads.join(""))];
      return [
        { name: `5.4 ${kind}, ${name}`, send: [bytes], answers },
        { name: `5.4 ${kind}, ${name}, each in a write`, send: [payloads.map((_, index) => partOf(code, payloads, index))], answers },
        { name: `5.4 ${kind}, ${name}, in pieces`, send: [pieces(bytes, bytes.length < 1000 ? 1 : 1001)], answers },
      ];
    }),
  ),
);

function partOf(code: number, payloads: string[], index: number): Buffer {
  return frame(index === 0 ? code : continuation, payloads[index]!, { fin: index === payloads.length - 1 });
}

table("5.4 fragments that do not fit", [
  { name: "5.4 a last continuation of nothing", send: [frame(continuation, "x")], fails: 1002 },
  { name: "5.4 a first continuation of nothing", send: [frame(continuation, "x", { fin: false })], fails: 1002 },
  { name: "5.4 an empty continuation of nothing", send: [frame(continuation)], fails: 1002 },
  {
    name: "5.4 a continuation behind a whole message",
    send: [Buffer.concat([frame(text, "whole"), frame(continuation, "x", { fin: false }), frame(text, "y")])],
    answers: [echoOf(text, "whole")],
    fails: 1002,
  },
  {
    name: "5.4 a continuation behind a message in fragments",
    send: [fragments(text, ["fragment1", "fragment2"]), frame(continuation, "x", { fin: false })],
    answers: [whole],
    fails: 1002,
  },
  { name: "5.4 text inside text", send: [first, frame(text, "x")], fails: 1002 },
  { name: "5.4 binary inside text", send: [first, frame(binary, "x")], fails: 1002 },
  { name: "5.4 text inside binary", send: [frame(binary, "a", { fin: false }), frame(text, "x")], fails: 1002 },
  { name: "5.4 a second first fragment", send: [first, first], fails: 1002 },
  { name: "5.4 text inside text, byte by byte", send: [pieces(Buffer.concat([first, frame(text, "x")]), 1)], fails: 1002 },
  {
    name: "5.4 twice in a row",
    send: [Buffer.concat([fragments(text, ["fragment1", "fragment2"]), fragments(text, ["fragment1", "fragment2"])])],
    answers: [whole, whole],
  },
]);
