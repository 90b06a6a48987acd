// The job that every peer does, for those in JavaScript: keep the latest state of each member, and on each tick
// make one message for each match of the states that came since the last one (bench/README.md).
import { readFileSync } from "node:fs";

/// `--hz N`, and for TLS `--certificate FILE --key FILE`.
export function options() {
  const given = {};
  for (let at = 2; at < process.argv.length; at += 2) {
    given[process.argv[at].replace(/^--/, "")] = process.argv[at + 1];
  }
  return {
    hz: Number(given.hz ?? 30),
    tls: given.certificate ? { certificate: given.certificate, key: given.key } : undefined,
  };
}

export function readTls(tls) {
  return { cert: readFileSync(tls.certificate), key: readFileSync(tls.key) };
}

/// A tick for each 1/hz seconds, from a clock that does not drift; what was missed is left out. Returns what
/// ends it.
export function every(hz, tick) {
  const period = 1000 / hz;
  const begin = performance.now();
  let count = 0;
  let timer = setTimeout(() => next(), period);
  const next = () => {
    tick();
    const now = performance.now() - begin;
    count = Math.max(count + 1, Math.floor(now / period) + 1);
    timer = setTimeout(next, count * period - now);
  };
  return () => clearTimeout(timer);
}

class Match {
  constructor(name) {
    this.name = name;
    this.members = new Set();
    this.fresh = []; // slots with a state since the last tick
    this.freshSize = 0;
  }
}

export class Matches {
  #byName = new Map();

  join(name, socket) {
    let match = this.#byName.get(name);
    if (!match) this.#byName.set(name, (match = new Match(name)));
    const slot = { match, socket, state: null };
    match.members.add(slot);
    return slot;
  }

  leave(slot) {
    const { match } = slot;
    match.members.delete(slot);
    if (match.members.size === 0) this.#byName.delete(match.name);
  }

  /// The latest wins. The state is kept by reference: it is the socket's own copy already.
  latest(slot, state) {
    if (slot.state === null) slot.match.fresh.push(slot);
    else slot.match.freshSize -= slot.state.length;
    slot.match.freshSize += state.length;
    slot.state = state;
  }

  /// send(name, message, members) for each match in which somebody sent. The message is the callee's.
  tick(send) {
    for (const match of this.#byName.values()) {
      if (match.fresh.length === 0) continue;
      const message = Buffer.allocUnsafe(match.freshSize);
      let at = 0;
      for (const slot of match.fresh) {
        message.set(slot.state, at);
        at += slot.state.length;
        slot.state = null;
      }
      match.fresh.length = 0;
      match.freshSize = 0;
      send(match.name, message, match.members);
    }
  }
}
