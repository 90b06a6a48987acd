/**
 * Which WebSocket close codes end a match for good (protocol.md, section 7).
 *
 * The relay's own codes are built so that a client can act on those it does not know: 40xx is
 * final, 41xx is worth another try.
 */

export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  noCloseFrame: 1006,
  ticket: 4000,
  fullOrLocked: 4001,
  kicked: 4002,
  replaced: 4003,
  rateExceeded: 4100,
  tooSlow: 4101,
  idle: 4102,
  moved: 4103,
  joinTimeout: 4104,
} as const;

/** True where asking again with the same request cannot help. */
export function isFinal(code: number): boolean {
  if (code === 1000 || code === 1002 || code === 1003) return true;
  if (code >= 1007 && code <= 1010) return true;
  return code >= 4000 && code <= 4099;
}

/** What to tell a person who has just been closed out. */
export function explainClose(code: number, reason: string): string {
  const name = Object.entries(CloseCode).find(([, known]) => known === code)?.[0] ?? "unknown";
  return `closed with ${code}, ${name}${reason && ": "}${reason}`;
}
