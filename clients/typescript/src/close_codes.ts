/**
 * Which WebSocket close codes end a match for good (protocol.md, section 7).
 *
 * The relay's own codes are built so that a client can act on those it does not know: 40xx is
 * final, 41xx is worth another try.
 */

export const closedNormally = 1000;
export const closedGoingAway = 1001;
export const closedWithoutFrame = 1006;
export const closedTicket = 4000;
export const closedMoved = 4103;

/** For programs: `error.closeCode === CloseCode.kicked`. */
export const CloseCode = {
  normal: closedNormally,
  goingAway: closedGoingAway,
  noCloseFrame: closedWithoutFrame,
  ticket: closedTicket,
  fullOrLocked: 4001,
  kicked: 4002,
  replaced: 4003,
  rateExceeded: 4100,
  tooSlow: 4101,
  idle: 4102,
  moved: closedMoved,
  joinTimeout: 4104,
} as const;

/** True where asking again with the same request cannot help. */
export function isFinal(code: number): boolean {
  if (code === 1000 || code === 1002 || code === 1003) return true;
  if (code >= 1007 && code <= 1010) return true;
  return code >= 4000 && code <= 4099;
}
