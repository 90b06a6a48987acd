/**
 * A browser through nginx and through HAProxy, with the very configuration that the operator is given:
 * joins, ticks and events work, the operator sees the browser's address and not the proxy's, and a restart
 * of the proxy costs nobody their place.
 *
 * The browser comes by ::1 and the proxy by 127.0.0.1, which tells the two apart on one machine.
 */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ask, askJson, metric } from "../../integration/admin.ts";
import { Relay } from "../../integration/relay.ts";
import { type Browser, startBrowser } from "../browser.ts";
import { Member, type Account } from "../member.ts";
import { MemberPage } from "../member_page.ts";
import { waitFor } from "../wait.ts";
import { Front, freePort, isInstalled, makeCertificate, makeFolder, removeFolder } from "./front.ts";

// The SDK's WebSocket in Node is the global one, which believes no certificate of ours.
process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";

const folder = makeFolder();
const { certificate, key, both } = makeCertificate(folder);
const readyMs = 15_000;
const portOf = (url: string): string => new URL(url).port;

let browser: Browser;
let relay: Relay;
before(async () => {
  browser = await startBrowser();
  relay = await Relay.start(
    ...["--listen", "127.0.0.1:0", "--proxy-listen", "127.0.0.1:0", "--proxy-tls-listen", "127.0.0.1:0"],
    ...["--certificate", certificate, "--key", key, "--trusted-proxies", "127.0.0.1"],
    ...["--admin-listen", "127.0.0.1:0", "--demo", "--shards", "2"],
  );
});
after(async () => {
  await browser?.stop();
  await relay?.finish();
  removeFolder(folder);
});

interface Seen {
  player: number;
  address: string;
  away: boolean;
  tls: boolean;
}
const membersOf = async (match: string): Promise<Seen[]> =>
  ((await askJson(relay.adminUrl(), `/v1/matches/${match}`)) as { members: Seen[] }).members;

/** What each hears of the other flows: states in ticks, events in order and none missing. */
async function playsWith(page: MemberPage, node: Member, sinceTicks: number): Promise<void> {
  const pageSees = await waitFor("ticks with states in the page", readyMs, () => page.account(), (account: Account) => {
    return account.ticks.slice(sinceTicks).filter(({ ageMs }) => ageMs !== null).length > 30;
  });
  const heard = Object.values(pageSees.heard).flat();
  assert.deepEqual(heard, heard.map((_, index) => index), "events in the page");
  const nodeHeard = await waitFor("events in Node", readyMs, () => Object.values(node.account().heard).flat(), (events) => events.length > 0);
  assert.deepEqual(nodeHeard, nodeHeard.map((_, index) => index), "events in Node");
}

async function playThrough(front: Front, port: number, match: string, relayHasTls: boolean): Promise<void> {
  await front.start();
  try {
    const url = `wss://[::1]:${port}/v1/match/${match}`;
    const tab = await browser.open(`https://[::1]:${port}/`);
    const page = await MemberPage.join((script) => tab.evaluate(script), url, "Chromium");
    const node = await Member.join(url, "Node");
    for (const member of ["moves", "talks"] as const) {
      await page.call(member, 20);
      node[member](20);
    }
    await playsWith(page, node, 0);
    const before = await membersOf(match);
    assert.deepEqual(before.map(({ address, tls }) => ({ address, tls })), Array(2).fill({ address: "::1", tls: relayHasTls }));

    // The proxy is restarted: both come back to their places, and nothing is lost.
    const player = (await page.pulse()).player;
    const { ticks } = await page.account();
    await front.stop();
    await waitFor("both to be missed", readyMs, () => membersOf(match), (members) => members.every(({ away }) => away));
    await front.start();
    await waitFor("the page to be back", readyMs, () => page.pulse(), ({ status, reconnects }) => status === "connected" && reconnects === 1);
    await waitFor("Node to be back", readyMs, () => node.match.status, (status) => status === "connected");
    assert.equal((await page.pulse()).player, player, "the same player");
    await playsWith(page, node, ticks.length);
    for (const { away, address } of await membersOf(match)) assert.deepEqual({ away, address }, { away: false, address: "::1" });
    await page.call("leave");
    node.leave();
    await tab.close();
    assert.deepEqual(browser.errors, []);
  } finally {
    await front.stop();
  }
}

describe("nginx", { skip: isInstalled("nginx") ? false : "nginx is not installed" }, () => {
  test("ends TLS, and names the browser by X-Forwarded-For", async () => {
    const port = await freePort();
    const front = Front.nginx(folder, port, [
      ["server 127.0.0.1:8080;", `server 127.0.0.1:${portOf(relay.url())};`],
      ["listen 443 ssl", `listen 127.0.0.1:${port} ssl`],
      ["listen [::]:443 ssl", `listen [::1]:${port} ssl`],
      ["/etc/ssl/private/game.example/fullchain.pem", certificate],
      ["/etc/ssl/private/game.example/privkey.pem", key],
    ]);
    await playThrough(front, port, "nginx", false);
  });
});

describe("HAProxy", { skip: isInstalled("haproxy") ? false : "haproxy is not installed" }, () => {
  const start = async (): Promise<{ passing: number; ending: number; front: (port: number) => Front }> => {
    const passing = await freePort();
    const ending = await freePort();
    const front = (port: number): Front =>
      Front.haproxy(folder, port, [
          ["maxconn 20000", "maxconn 200"], // each takes two open files, and a test has few
        ["bind :443", `bind 127.0.0.1:${passing}`],
        ["bind :::443 v6only", `bind [::1]:${passing}`],
        ["bind :8443", `bind 127.0.0.1:${ending}`],
        ["bind :::8443 v6only", `bind [::1]:${ending}`],
        ["/etc/haproxy/game.example.pem", both],
        ["127.0.0.1:8444", `127.0.0.1:${portOf(relay.proxyUrl("wss"))}`],
        ["127.0.0.1:8081", `127.0.0.1:${portOf(relay.proxyUrl("ws"))}`],
      ]);
    return { passing, ending, front };
  };

  test("passes TLS on to the relay, with a PROXY header of version 2 and its checksum", async () => {
    const { passing, front } = await start();
    await playThrough(front(passing), passing, "haproxy-v2", true);
  });

  test("ends TLS, with a PROXY header of version 1", async () => {
    const { ending, front } = await start();
    await playThrough(front(ending), ending, "haproxy-v1", false);
  });

  test("finds the relay well without disturbing it: its checks are no clients", async () => {
    const text = (await ask(relay.adminUrl(), "/metrics")).body;
    for (const result of ["missing", "malformed", "checksum", "too_long"]) {
      assert.equal(metric(text, "tickwire_proxy_headers_total", `result="${result}"`), 0, result);
    }
    assert.ok(metric(text, "tickwire_proxy_headers_total", 'result="taken"') > 4);
  });
});
