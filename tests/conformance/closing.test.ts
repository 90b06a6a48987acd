/** RFC 6455 sections 5.5.1, 7.1 and 7.4: how connections end. */

import { closePayload, fragments, frame, hex, opcode, pieces } from "./frames.ts";
import { type Case, echoOf, table, useRelay } from "./table.ts";

useRelay();

const { text, close, ping } = opcode;

/** Section 7.4, and IANA's registry for 1012 to 1014. */
const validCodes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
const invalidCodes = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1099, 1100, 2000, 2999, 5000, 32767, 65535];
const longest = "*".repeat(123);

table("7.1.2 the closing handshake", [
  { name: "5.5.1 no payload: answered with 1000", send: [frame(close)], closes: hex("03 e8") },
  { name: "5.5.1 byte by byte", send: [pieces(frame(close, closePayload(1000, "bye")), 1)], closes: hex("03 e8") },
  { name: "5.5.1 a reason of one byte", send: [frame(close, closePayload(1000, "x"))], closes: hex("03 e8") },
  { name: "5.5.1 a reason of 123 bytes", send: [frame(close, closePayload(1000, longest))], closes: hex("03 e8") },
  { name: "5.5.1 a reason in Greek", send: [frame(close, closePayload(1000, "κόσμε"))], closes: hex("03 e8") },
  {
    name: "5.5.1 what came before is answered before",
    send: [Buffer.concat([frame(text, "a"), frame(text, "b"), frame(close, closePayload(1000))])],
    answers: [echoOf(text, "a"), echoOf(text, "b")],
    closes: hex("03 e8"),
  },
  {
    name: "5.5.1 256 KiB, then the close",
    send: [Buffer.concat([frame(text, "x".repeat(262144)), frame(close, closePayload(1000))])],
    answers: [echoOf(text, "x".repeat(262144))],
    closes: hex("03 e8"),
  },
  { name: "5.5.1 inside a message", send: [frame(text, "fragment1", { fin: false }), frame(close, closePayload(1000))], closes: hex("03 e8") },
  ...[
    ["a second close", frame(close, closePayload(1001))],
    ["a ping", frame(ping, "late")],
    ["text", frame(text, "late")],
    ["the rest of a message", frame(opcode.continuation, "late")],
    ["a frame that is none", frame(3, "late", { masked: false, reserved: 7 })],
  ].map(([name, bytes]): Case => ({
    name: `5.5.1 behind the close, ${name as string} is not looked at`,
    send: [Buffer.concat([frame(close, closePayload(1000)), bytes as Buffer])],
    closes: hex("03 e8"),
  })),
]);

table("7.4 codes", [
  ...validCodes.flatMap((code): Case[] => [
    { name: `7.4 ${code} is answered with itself`, send: [frame(close, closePayload(code))], closes: closePayload(code) },
    { name: `7.4 ${code} with a reason`, send: [frame(close, closePayload(code, "reason"))], closes: closePayload(code) },
  ]),
  ...invalidCodes.flatMap((code): Case[] => [
    { name: `7.4 ${code} may not be sent`, send: [frame(close, closePayload(code))], fails: 1002 },
    { name: `7.4 ${code} with a reason`, send: [frame(close, closePayload(code, "reason"))], fails: 1002 },
  ]),
]);

table("5.5.1 payloads that are none", [
  { name: "5.5.1 one byte", send: [frame(close, hex("03"))], fails: 1002 },
  { name: "5.5 126 bytes", send: [frame(close, closePayload(1000, "*".repeat(124)))], fails: 1002 },
  { name: "5.5.1 a reason that is not UTF-8", send: [frame(close, closePayload(1000, hex("ce ba ed a0 80")))], fails: 1007 },
  { name: "5.5.1 a reason that ends inside a character", send: [frame(close, closePayload(1000, hex("e2 82")))], fails: 1007 },
  { name: "5.5.1 a reason of FF", send: [frame(close, closePayload(1000, hex("ff")))], fails: 1007 },
  {
    name: "7.1.7 behind a message in fragments",
    send: [fragments(text, ["a", "b"]), frame(close, hex("03"))],
    answers: [echoOf(text, "ab")],
    fails: 1002,
  },
]);
