/**
 * The byte-wise state delta of protocol.md, section 4.
 *
 * A delta of an n-byte state is a bitmap of ceil(n/8) bytes, bit i%8 of byte i/8 set where byte i
 * changed, then the changed bytes in order. An empty body means that nothing changed. The length of
 * a state never changes in a delta.
 */

import { protocolError } from "./errors.ts";

/**
 * Turns `baseline` into the new state, in place. Throws, with `baseline` untouched, where the body
 * does not fit it: a bit beyond the state, or more or fewer changed bytes than bits.
 */
export function applyDelta(baseline: Uint8Array, body: Uint8Array): void {
  if (body.length === 0) return;
  const bitmapSize = (baseline.length + 7) >> 3;
  const beyond = (baseline.length & 7) === 0 ? 0 : (body[bitmapSize - 1] ?? 0) >> (baseline.length & 7);
  if (bitmapSize + countBits(body, bitmapSize) !== body.length || beyond !== 0) throw protocolError("a bad delta");
  let next = bitmapSize;
  for (let group = 0; group < bitmapSize; group += 1) {
    for (let bits = body[group] ?? 0, index = group << 3; bits !== 0; bits >>= 1, index += 1) {
      if ((bits & 1) !== 0) baseline[index] = body[next++] ?? 0;
    }
  }
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

function countBits(bytes: Uint8Array, size: number): number {
  let count = 0;
  for (let index = 0; index < size; index += 1) {
    for (let bits = bytes[index] ?? 0; bits !== 0; bits &= bits - 1) count += 1;
  }
  return count;
}
