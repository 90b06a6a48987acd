/** A TCP proxy that can cut what runs through it as a lost network does: by RST, with no WebSocket close and no TLS goodbye. */

import { type AddressInfo, type Socket, connect, createServer } from "node:net";

export interface Proxy {
  port: number;
  /** Resets every connection there is, towards both sides. Returns how many. */
  cut(): number;
  stop(): Promise<void>;
}

export async function startProxy(targetPort: number): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((inner) => {
    const outer = connect(targetPort, "127.0.0.1");
    const pair = [inner, outer] as const;
    pairs.add(pair);
    for (const [from, to] of [[inner, outer], [outer, inner]] as const) {
      from.setNoDelay(true);
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = (): number => {
    const count = pairs.size;
    for (const [inner, outer] of pairs) {
      inner.resetAndDestroy();
      outer.resetAndDestroy();
    }
    pairs.clear();
    return count;
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    stop: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
