/** A `Member` inside a page: bundled by Debian's esbuild, as the demo is, and asked from outside. */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Account, Member } from "./member.ts";
import type { Stage } from "./stage.ts";

/** Where a page runs scripts, whoever drives the browser. */
export type Evaluate = (script: string) => Promise<unknown>;

const entry = fileURLToPath(new URL("page_member.ts", import.meta.url));
const bundle = (): string => execFileSync("esbuild", [entry, "--bundle", "--format=iife", "--target=es2022", "--log-level=error"], { encoding: "utf8" });

export class MemberPage {
  readonly #evaluate: Evaluate;

  /** Joins from the page. */
  static async join(evaluate: Evaluate, url: string, name: string): Promise<MemberPage> {
    await evaluate(bundle());
    await evaluate(`Member.join(${JSON.stringify(url)}, ${JSON.stringify(name)}).then((member) => { window.member = member; })`);
    return new MemberPage(evaluate);
  }

  /** On a page of its own in Chromium; `port` is where it connects to, if not to the relay itself. */
  static async open({ relay, browser }: Stage, match: string, name: string, port = relay.wssPort): Promise<MemberPage & { close(): Promise<void> }> {
    const tab = await browser.open(`https://127.0.0.1:${relay.wssPort}/examples/`);
    const page = await MemberPage.join((script) => tab.evaluate(script), `wss://127.0.0.1:${port}/v1/match/${match}`, name);
    const close = async (): Promise<void> => {
      await page.call("leave");
      await tab.close();
    };
    return Object.assign(page, { close });
  }

  private constructor(evaluate: Evaluate) {
    this.#evaluate = evaluate;
  }

  async call<Name extends "moves" | "talks" | "watches" | "stop" | "leave">(name: Name, ...args: Parameters<Member[Name]>): Promise<void> {
    await this.#evaluate(`member.${name}(...${JSON.stringify(args)})`);
  }

  async account(): Promise<Account> {
    return (await this.#evaluate("member.account()")) as Account;
  }

  /** Only what is cheap to ask for often. */
  async pulse(): Promise<Pick<Account, "player" | "status" | "reconnects" | "unconfirmed">> {
    const script = "({ player: member.match.player, status: member.match.status, reconnects: member.match.stats.reconnects, unconfirmed: member.match.stats.unconfirmedEvents })";
    return (await this.#evaluate(script)) as Account;
  }
}
