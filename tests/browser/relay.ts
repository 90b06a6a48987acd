/** The real relay with its demo, on free ports, with a certificate made for the test. */

import { makeCertificate } from "../integration/certificate.ts";
import { Relay as Started } from "../integration/relay.ts";

export interface Relay {
  wsPort: number;
  wssPort: number;
  /** An error where it has not lived and ended as it should. */
  stop(): Promise<void>;
}

export async function startRelay(): Promise<Relay> {
  const { certificate, key } = makeCertificate();
  const listen = ["--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--certificate", certificate, "--key", key];
  const relay = await Started.start(...listen, "--demo", "--resume-window", "20");
  const port = (scheme: "ws" | "wss"): number => Number(new URL(relay.url(scheme)).port);
  return { wsPort: port("ws"), wssPort: port("wss"), stop: () => relay.finish() };
}
