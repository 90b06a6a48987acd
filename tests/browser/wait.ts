/** Waiting for what another process does: by asking again, with an end and with words. */

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until `condition` holds; the error says what was seen last. */
export async function waitFor<Value>(what: string, timeoutMs: number, ask: () => Value | Promise<Value>, condition: (value: Value) => boolean): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await ask();
    if (condition(value)) return value;
    if (Date.now() > deadline) throw new Error(`not in ${timeoutMs} ms: ${what}; last seen: ${JSON.stringify(value)?.slice(0, 2_000)}`);
    await sleep(50);
  }
}
