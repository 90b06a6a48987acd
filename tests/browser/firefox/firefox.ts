/** Debian's Firefox, headless, driven by WebDriver BiDi, with a profile of its own. */

import { createRequire } from "node:module";
import type * as Puppeteer from "puppeteer-core";

const require = createRequire(new URL("../../../clients/typescript/package.json", import.meta.url));
const puppeteer = require("puppeteer-core") as typeof Puppeteer;

export function startFirefox(): Promise<Puppeteer.Browser> {
  return puppeteer.launch({ browser: "firefox", executablePath: "/usr/bin/firefox-esr", headless: true, timeout: 120_000 });
}
