/** RFC 6455 section 5.5: pings and pongs, alone and in crowds. */

import { frame, fragments, hex, opcode, pieces } from "./frames.ts";
import { type Answer, type Case, echoOf, table, useRelay } from "./table.ts";

useRelay();

const pongs = (...payloads: string[]): Answer[] => payloads.map((payload) => echoOf(opcode.pong, payload));
const ten = Array.from({ length: 10 }, (_, index) => `payload-${index}`);

table("5.5.2 pings", [
  { name: "5.5.2 without a payload", send: [frame(opcode.ping)], answers: pongs("") },
  { name: "5.5.3 the pong has the ping's payload", send: [frame(opcode.ping, "Hello")], answers: pongs("Hello") },
  {
    name: "5.5.3 a payload that is not text",
    send: [frame(opcode.ping, hex("00 ff fe fd fc fb 00 ff"))],
    answers: [echoOf(opcode.pong, hex("00 ff fe fd fc fb 00 ff"))],
  },
  { name: "5.5 of 125 bytes", send: [frame(opcode.ping, "x".repeat(125))], answers: pongs("x".repeat(125)) },
  { name: "5.5 of 126 bytes", send: [frame(opcode.ping, "x".repeat(126))], fails: 1002 },
  { name: "5.5 of 70,000 bytes, at its first two", send: [frame(opcode.ping, "x".repeat(70000)).subarray(0, 2)], fails: 1002 },
  { name: "5.5.2 of 125 bytes, byte by byte", send: [pieces(frame(opcode.ping, "y".repeat(125)), 1)], answers: pongs("y".repeat(125)) },
  { name: "5.5.2 ten in one write", send: [Buffer.concat(ten.map((text) => frame(opcode.ping, text)))], answers: pongs(...ten) },
  { name: "5.5.2 ten, byte by byte", send: [pieces(Buffer.concat(ten.map((text) => frame(opcode.ping, text))), 1)], answers: pongs(...ten) },
  {
    name: "5.5.2 between two messages",
    send: [Buffer.concat([frame(opcode.text, "a"), frame(opcode.ping, "b"), frame(opcode.text, "c")])],
    answers: [echoOf(opcode.text, "a"), ...pongs("b"), echoOf(opcode.text, "c")],
  },
]);

table("5.5.3 pongs that nobody asked for", [
  { name: "5.5.3 is not answered", send: [frame(opcode.pong)] },
  { name: "5.5.3 with a payload is not answered", send: [frame(opcode.pong, "unasked")] },
  {
    name: "5.5.3 the ping behind it is",
    send: [Buffer.concat([frame(opcode.pong, "unasked"), frame(opcode.ping, "asked")])],
    answers: pongs("asked"),
  },
  { name: "5.5 of 126 bytes", send: [frame(opcode.pong, "x".repeat(126))], fails: 1002 },
  { name: "5.5 in fragments", send: [frame(opcode.pong, "a", { fin: false })], fails: 1002 },
]);

table("5.4 control frames and fragments", [
  { name: "5.5 a ping in fragments, at its first", send: [frame(opcode.ping, "a", { fin: false })], fails: 1002 },
  { name: "5.5 a close in fragments", send: [frame(opcode.close, "", { fin: false })], fails: 1002 },
  {
    name: "5.4 a ping inside a message is answered before it",
    send: [fragments(opcode.text, ["fragment1", "fragment2"], frame(opcode.ping, "ping payload"))],
    answers: [...pongs("ping payload"), echoOf(opcode.text, "fragment1fragment2")],
  },
  {
    name: "5.4 the same byte by byte",
    send: [pieces(fragments(opcode.text, ["fragment1", "fragment2"], frame(opcode.ping, "ping payload")), 1)],
    answers: [...pongs("ping payload"), echoOf(opcode.text, "fragment1fragment2")],
  },
  {
    name: "5.4 a ping is answered while the message is unfinished",
    send: [frame(opcode.text, "fragment1", { fin: false }), frame(opcode.ping, "now")],
    answers: [...pongs("now")],
    closes: "",
  } satisfies Case,
  {
    name: "5.4 five fragments with a ping between each",
    send: [fragments(opcode.binary, ["a", "b", "c", "d", "e"], frame(opcode.ping, "p"))],
    answers: [...pongs("p", "p", "p", "p"), echoOf(opcode.binary, "abcde")],
  },
  {
    name: "5.4 a pong inside a message changes nothing",
    send: [fragments(opcode.text, ["a", "b"], frame(opcode.pong, "p"))],
    answers: [echoOf(opcode.text, "ab")],
  },
].map((row) => (row.closes === "" ? { ...row, send: [...row.send, frame(opcode.close)], closes: hex("03 e8") } : row)));
