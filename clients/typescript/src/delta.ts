/**
 * The byte-wise state delta of protocol.md, section 4.
 *
 * A delta of an n-byte state is a bitmap of ceil(n/8) bytes, bit i%8 of byte i/8 set where byte i
 * changed, then the changed bytes in order. An empty body means that nothing changed. The length of
 * a state never changes in a delta.
 */

import { protocolError } from "./errors.ts";

/** The new state. Throws where the body does not fit: a bit beyond the state, or more or fewer changed bytes than bits. */
export function applyDelta(baseline: Uint8Array, body: Uint8Array): Uint8Array {
  const state = baseline.slice();
  const bitmapSize = (state.length + 7) >> 3;
  let next = bitmapSize;
  for (let index = 0; index < bitmapSize * 8; index += 1) {
    if ((((body[index >> 3] as number) >> (index & 7)) & 1) === 0) continue;
    // Past the end of the state nothing is written, and past the end of the body is a length that does not fit.
    state[index] = body[next] as number;
    next += index < state.length ? 1 : body.length;
  }
  if (body.length > 0 && next !== body.length) throw protocolError("a bad delta");
  return state;
}

/** The delta from `baseline` to `state`, or null where only the full state will do. */
export function encodeDelta(baseline: Uint8Array, state: Uint8Array): Uint8Array<ArrayBuffer> | null {
  if (baseline.length !== state.length || state.length === 0) return null;
  const bitmapSize = (state.length + 7) >> 3;
  const body = new Uint8Array(bitmapSize + state.length);
  let size = bitmapSize;
  for (const [index, value] of state.entries()) {
    if (value === baseline[index]) continue;
    body[index >> 3] = (body[index >> 3] ?? 0) | (1 << (index & 7));
    body[size++] = value;
  }
  if (size === bitmapSize) return new Uint8Array(0);
  return size < state.length ? body.slice(0, size) : null;
}
