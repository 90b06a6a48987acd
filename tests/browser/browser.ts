/** Debian's Chromium, headless, with a profile of its own that Playwright makes and removes. */

import { type Page, chromium } from "./tools.ts";

const executable = "/usr/bin/chromium";
const flags = [
  "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync", "--ignore-certificate-errors",
];

/** Default: a small window with a mouse. */
export interface Screen {
  width: number;
  height: number;
  /** A phone: fingers, no mouse. */
  touch: boolean;
}

export interface Browser {
  /**
   * A new page at `url`, in a context and so in a window of its own: of the tabs of one window all
   * but one are hidden, and a hidden page draws nothing.
   */
  open(url: string, screen?: Screen): Promise<Page>;
  /** What went wrong in any page so far. */
  errors: string[];
  stop(): Promise<void>;
}

export async function startBrowser(): Promise<Browser> {
  // Playwright's own headless switch would choose the old mode; the flag above chooses the new one.
  const browser = await chromium.launch({ executablePath: executable, headless: false, args: flags });
  const errors: string[] = [];
  return {
    errors,
    open: async (url, { width, height, touch } = { width: 900, height: 600, touch: false }) => {
      const context = await browser.newContext({ viewport: { width, height }, hasTouch: touch, isMobile: touch, ignoreHTTPSErrors: true });
      const page = await context.newPage();
      page.on("pageerror", (error) => errors.push(String(error.stack ?? error)));
      page.on("close", () => void context.close().catch(() => {}));
      await page.goto(url);
      return page;
    },
    stop: () => browser.close(),
  };
}
