/** What the tests of a file play on: one relay and one Chromium, there from the first test to the last. */

import { after, before } from "node:test";
import { type Browser, startBrowser } from "./browser.ts";
import { type Relay, startRelay } from "./relay.ts";

export interface Stage {
  relay: Relay;
  browser: Browser;
}

/** To be called once, outside the tests; what it returns is filled before the first. */
export function stage(): Stage {
  const made = {} as Stage;
  before(async () => {
    made.relay = await startRelay();
    made.browser = await startBrowser();
  });
  after(async () => {
    await made.browser?.stop();
    await made.relay?.stop();
  });
  return made;
}
