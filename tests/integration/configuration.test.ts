/** Settings: where they come from, which wins, what is refused and how, and what a reload changes. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { TLSSocket, connect } from "node:tls";
import { once } from "node:events";
import { askJson, ask, metric, own } from "./admin.ts";
import { makeCertificate, makeFolder } from "./certificate.ts";
import { Relay, runToEnd, runWith, withRelay } from "./relay.ts";
import { refusedWith, TestSocket } from "./web_socket.ts";

function file(text: string): string {
  const path = join(makeFolder(), "relay.toml");
  writeFileSync(path, text);
  return path;
}

describe("check-config", () => {
  const bad: [string, string, RegExp][] = [
    ["a value out of range, with the range", "[match]\n\ntick-hz = 300\n", /relay\.toml:3: tick-hz: '300' is not a whole number from 1 to 128$/],
    ["a misspelt key, with the nearest", "[match]\ntik-hz = 30\n", /relay\.toml:2: tik-hz: no such setting in \[match\]; the nearest is tick-hz in \[match\]$/],
    ["a key in the wrong section, with the right one", "[server]\ntick-hz = 30\n", /relay\.toml:2: tick-hz: .*the nearest is tick-hz in \[match\]$/],
    ["a key outside of any section", "tick-hz = 30\n", /relay\.toml:1: tick-hz: stands outside of a section/],
    ["an unknown section, with those there are", "[matches]\n", /relay\.toml:1: matches: no such section; there are \[server\], \[tls\]/],
    ["a wrong type", '[match]\ntick-hz = "30"\n', /relay\.toml:2: tick-hz: wants a number/],
    ["a list that holds numbers", "[server]\nlisten = [80]\n", /relay\.toml:2: listen: is a list of texts/],
    ["an address that is none", '[server]\nlisten = ["127.0.0.1:80", "nonsense"]\n', /relay\.toml:2: listen: address 'nonsense': a port is missing/],
    ["an address by name", '[tls]\n\nlisten = ["localhost:443"]\n', /relay\.toml:3: listen: address 'localhost:443': .*a number, not a name/],
    ["what is no TOML", "[match\n", /relay\.toml:1: /],
    ["a key twice", "[match]\ntick-hz = 1\ntick-hz = 2\n", /relay\.toml:3: /],
    ["a welcome that an outbox cannot hold", "[match]\nmax-players = 500\n", /relay\.toml: max-players 500 with names of 64 bytes and properties-bytes 65536 make a welcome of up to 285060 bytes, and outbox-bytes 262144 has room for 229376/],
    ["settings that do not fit together", "[match]\nmax-players = 60000\n", /relay\.toml: max-players 60000 times state-bytes 1024/],
    ["an admin interface for everybody", '[admin]\nlisten = ["0.0.0.0:9090"]\n', /relay\.toml: admin-listen 0\.0\.0\.0:9090 can be reached from elsewhere: give admin-token-file/],
    ["a certificate that is not there", '[tls]\ncertificate = ["/nowhere.pem"]\nkey = ["/nowhere.pem"]\n', /relay\.toml: cannot read \/nowhere\.pem/],
    ["a ticket key that is not there", '[ticket]\nkey = ["k=/nowhere.pem"]\n', /relay\.toml: cannot read \/nowhere\.pem/],
    ["a token that is not there", '[admin]\ntoken-file = "/nowhere.txt"\n', /relay\.toml: \/nowhere\.txt: holds no token/],
  ];
  for (const [what, text, named] of bad) {
    test(`refuses ${what}`, () => {
      const { code, stderr } = runToEnd("check-config", file(text));
      assert.equal(code, 2, stderr);
      assert.match(stderr.trimEnd(), named);
      assert.equal(stderr.trimEnd().split("\n").length, 1);
    });
  }

  test("finds a good one good, and the example that the package ships", () => {
    assert.equal(runToEnd("check-config", file("[match]\ntick-hz = 30\n")).code, 0);
    const example = runToEnd("reference", "toml").stdout;
    assert.equal(runToEnd("check-config", file(example)).code, 0);
    // Each line that gives a value gives one that is allowed.
    const given = example.replaceAll(/^#([a-z-]+ = [^#\n]+)$/gm, "$1");
    assert.match(given, /^tick-hz = 30$/m);
    assert.deepEqual(runToEnd("check-config", file(given)).stderr, "");
  });
});

describe("a secret that everybody may read", () => {
  test("is a warning that names the file, and its mode; of what is public it is none", async () => {
    const folder = makeFolder();
    const write = (name: string, text: string, mode: number): string => {
      writeFileSync(join(folder, name), text);
      chmodSync(join(folder, name), mode);
      return join(folder, name);
    };
    const { certificate, key } = makeCertificate();
    const text = (mode: number): string => {
      chmodSync(key, mode);
      chmodSync(certificate, 0o644);
      const token = write("token", "correct horse battery\n", mode);
      const secret = write("secret", "x".repeat(32), mode);
      const publicKey = execFileSync("openssl", ["x509", "-in", certificate, "-noout", "-pubkey"], { encoding: "utf8" });
      return file(
        `[tls]\ncertificate = ["${certificate}"]\nkey = ["${key}"]\n[admin]\ntoken-file = "${token}"\n` +
          `[webhook]\nurl = ["http://127.0.0.1:9/"]\nsecret-file = "${token}"\n[ticket]\nkey = ["a=${secret}", "b=${write("public", publicKey, 0o644)}"]\n`,
      );
    };
    const exposed = runToEnd("check-config", text(0o644));
    assert.equal(exposed.code, 0, exposed.stderr);
    const named = (path: string): string => `tickwire: warning: ${path} holds a secret, and everybody may read or write it (mode 0644): chmod o-rwx\n`;
    assert.equal(exposed.stderr, [key, join(folder, "token"), join(folder, "secret")].map(named).join(""));
    assert.deepEqual(runToEnd("check-config", text(0o640)).stderr, "");
    const token = write("token", "correct horse battery\n", 0o644);
    await withRelay(["--listen", "127.0.0.1:0", "--admin-token-file", token], (relay) => relay.logged(/token holds a secret, and everybody may read or write it/));
  });
});

describe("the environment and the command line", () => {
  test("win over the file, in that order; --print-config says what came from where", () => {
    const path = file("[match]\ntick-hz = 10\nmax-players = 3\n[limits]\nidle-timeout = 7.5\n[server]\ndemo = true\necho = true\n");
    const args = ["serve", "--config", path, "--print-config", "--max-players", "5", "--demo=false"];
    const { code, stdout, stderr } = runWith({ TICKWIRE_MATCH_TICK_HZ: "20", TICKWIRE_MATCH_MAX_PLAYERS: "4" }, ...args);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^tick-hz = 20 +# TICKWIRE_MATCH_TICK_HZ$/m);
    assert.match(stdout, /^max-players = 5 +# --max-players$/m);
    assert.match(stdout, /^idle-timeout = 7\.5 +# .*relay\.toml:5$/m);
    assert.match(stdout, /^demo = false +# --demo$/m);
    assert.match(stdout, /^echo = true +# .*relay\.toml:8$/m);
    assert.match(stdout, /^slot-us = 2000 +# default$/m);
    const again = runWith({}, "serve", "--config", file(stdout), "--print-config");
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(again.stdout.replaceAll(/ +#.*/g, ""), stdout.replaceAll(/ +#.*/g, ""), "it is a file that gives the same again");
  });

  test("a flag is true, or what it is said to be; the last one counts", () => {
    const demo = (...args: string[]): string => /^demo = (\w+)/m.exec(runToEnd("serve", "--print-config", ...args).stdout)?.[1] ?? "";
    assert.deepEqual([demo(), demo("--demo"), demo("--demo=true"), demo("--demo=false"), demo("--demo=false", "--demo")], ["false", "true", "true", "false", "true"]);
    const { code, stderr } = runToEnd("serve", "--print-config", "--demo=maybe");
    assert.equal(code, 2, stderr);
    assert.match(stderr, /demo: 'maybe' is neither true nor false/);
  });

  test("a misspelt variable of ours is an error, be it its section that is misspelt", () => {
    for (const name of ["TICKWIRE_MATCH_TICKS", "TICKWIRE_MACH_TICK_HZ", "TICKWIRE_MATCHTICK_HZ"]) {
      const { code, stderr } = runWith({ [name]: "20" }, "serve", "--print-config");
      assert.equal(code, 2, name);
      assert.equal(stderr, `tickwire: ${name}: no such setting; the nearest is TICKWIRE_MATCH_TICK_HZ\n`);
    }
    assert.match(runWith({ TICKWIRE_PORT: "80" }, "serve", "--print-config").stderr, /TICKWIRE_PORT: no such setting/);
    assert.equal(runWith({ TICKWIRE_BIN: "x", TICKWIRE_UNMASK: "scalar" }, "serve", "--print-config").code, 0);
  });

  test("what Kubernetes says of a service that is called tickwire is passed over", () => {
    const links = {
      TICKWIRE_SERVICE_HOST: "10.0.0.1", TICKWIRE_SERVICE_PORT: "80", TICKWIRE_SERVICE_PORT_WS: "80", TICKWIRE_PORT: "tcp://10.0.0.1:80",
      TICKWIRE_PORT_80_TCP: "tcp://10.0.0.1:80", TICKWIRE_PORT_80_TCP_PROTO: "tcp", TICKWIRE_ADMIN_SERVICE_HOST: "10.0.0.2", TICKWIRE_ADMIN_PORT_80_TCP_ADDR: "10.0.0.2",
    };
    const { code, stderr } = runWith(links, "serve", "--print-config");
    assert.equal(code, 0, stderr);
  });

  test("an empty variable is an empty list, and of anything else an error", () => {
    const path = file('[server]\nlisten = ["127.0.0.1:80"]\n');
    const listen = (value: string): string => runWith({ TICKWIRE_SERVER_LISTEN: value }, "serve", "--config", path, "--print-config").stdout;
    assert.match(listen(""), /^# listen is not set +# TICKWIRE_SERVER_LISTEN$/m);
    assert.match(listen("127.0.0.1:1,127.0.0.1:2"), /^listen = \["127\.0\.0\.1:1", "127\.0\.0\.1:2"\]/m);
    for (const [name, value, said] of [
      ["TICKWIRE_MATCH_TICK_HZ", "", "is empty; unset it where the default is meant"],
      ["TICKWIRE_SERVER_DEMO", "", "is empty; unset it where the default is meant"],
      ["TICKWIRE_TICKET_AUDIENCE", "", "is empty; unset it where the default is meant"],
      ["TICKWIRE_SERVER_LISTEN", "127.0.0.1:1,,127.0.0.1:2", "an item of its list is empty"],
      ["TICKWIRE_SERVER_LISTEN", "127.0.0.1:1,", "an item of its list is empty"],
    ] as const) {
      const { code, stderr } = runWith({ [name]: value }, "serve", "--print-config");
      assert.equal(code, 2, name);
      assert.equal(stderr, `tickwire: ${name}: ${said}\n`);
    }
  });

  test("a value that is wrong is an error in a variable too", () => {
    assert.match(runWith({ TICKWIRE_LOG_LEVEL: "loud" }, "serve", "--print-config").stderr, /TICKWIRE_LOG_LEVEL: 'loud' is none of debug info warn error/);
  });
});

describe("certificates", () => {
  test("are chosen by the name that the client asks for; the first serves all others", async () => {
    const names = ["a.example", "b.example"];
    const made = names.map((name) => makeCertificate(name));
    const args = made.flatMap(({ certificate, key }) => ["--certificate", certificate, "--key", key]);
    await withRelay(["--tls-listen", "127.0.0.1:0", ...args], async (relay) => {
      const { port } = new URL(relay.url("wss"));
      const subjectFor = async (servername: string): Promise<string> => {
        const socket = connect({ host: "127.0.0.1", port: Number(port), servername, rejectUnauthorized: false });
        await once(socket, "secureConnect");
        const { subject } = socket.getPeerCertificate();
        socket.destroy();
        return String(subject.CN);
      };
      assert.deepEqual(await Promise.all(["a.example", "b.example", "B.EXAMPLE", "c.example", ""].map(subjectFor)), [
        "a.example", "b.example", "b.example", "a.example", "a.example",
      ]);
    });
  });

  test("without as many keys are refused", () => {
    const { certificate } = makeCertificate();
    assert.match(runToEnd("serve", "--listen", "127.0.0.1:0", "--certificate", certificate).stderr, /1 certificates and 0 keys/);
  });

  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`a session over ${maxVersion} is resumed after a reload, on any shard`, async () => {
      const { certificate, key } = makeCertificate();
      const args = ["--tls-listen", "127.0.0.1:0", "--certificate", certificate, "--key", key, "--shards", "2"];
      await withRelay([...args, "--admin-listen", "127.0.0.1:0"], async (relay) => {
        const { port } = new URL(relay.url("wss"));
        const visit = async (session?: Buffer): Promise<{ reused: boolean; session: Buffer }> => {
          const socket = connect({ host: "127.0.0.1", port: Number(port), maxVersion, session, rejectUnauthorized: false });
          const given = once(socket, "session", { signal: AbortSignal.timeout(20_000) });
          given.catch(() => {}); // over TLS 1.2 a resumed session may bring no new one
          await once(socket, "secureConnect");
          socket.write("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
          const reused = socket.isSessionReused();
          const next = reused && maxVersion === "TLSv1.2" ? session! : ((await given) as [Buffer])[0];
          socket.destroy();
          return { reused, session: next };
        };
        let { session, reused } = await visit();
        assert.equal(reused, false);
        await askJson(relay.adminUrl(), "/v1/reload", { method: "POST", headers: own });
        for (let count = 0; count < 6; count += 1) {
          ({ session, reused } = await visit(session));
          assert.equal(reused, true, "the key outlives the reload, and both shards have it");
        }
      });
    });
  }
});

/** The serial number of the certificate that a new connection gets. */
async function serialOf(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket: TLSSocket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

/** Asks for a reload, and says what came of it. */
async function reload(relay: Relay): Promise<string> {
  return String((await askJson(relay.adminUrl(), "/v1/reload", { method: "POST", headers: own }))["result"]);
}

/** Tries until it is so: shards take up what a reload has changed at the end of a slot. */
async function comesTrue(what: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await what())) assert.ok(Date.now() < deadline, `it never came true: ${what}`);
}

describe("a reload", () => {
  test("changes certificate and limits at once, and drops nobody", async () => {
    const folder = makeFolder();
    const [certificate, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
    const install = (): void => {
      const made = makeCertificate();
      copyFileSync(made.certificate, certificate);
      copyFileSync(made.key, key);
    };
    install();
    const settings = (limits: string, other = ""): string =>
      `[server]\nlisten = ["127.0.0.1:0"]\nshards = 2\n${other}[tls]\nlisten = ["127.0.0.1:0"]\ncertificate = ["${certificate}"]\nkey = ["${key}"]\n[limits]\n${limits}`;
    const path = file(settings("state-bytes = 1024\n"));
    await withRelay(["--config", path, "--admin-listen", "127.0.0.1:0"], async (relay) => {
      const [old, told] = await TestSocket.join(`${relay.url("wss")}/v1/match/reload`);
      assert.equal((told["limits"] as Record<string, number>)["state_bytes"], 1024);
      const before = await serialOf(relay.url("wss"));

      install();
      writeFileSync(path, settings("state-bytes = 512\n", "slot-us = 1000\n"));
      relay.signal("SIGHUP");
      await relay.logged(/reloaded; changed: state-bytes; certificates read again; needs a restart: slot-us/);
      assert.notEqual(await serialOf(relay.url("wss")), before);
      const [fresh, toldFresh] = await TestSocket.join(`${relay.url("wss")}/v1/match/reload`);
      assert.equal((toldFresh["limits"] as Record<string, number>)["state_bytes"], 512);
      assert.equal((await old.close(1000)).code, 1000, "who was there before is still there");
      await fresh.close(1000);

      writeFileSync(path, "[limits]\nstate-bytes = 5\n");
      const broken = await ask(relay.adminUrl(), "/v1/reload", { method: "POST", headers: own });
      assert.equal(broken.status, 409);
      assert.match(broken.body, /relay\.toml:2: state-bytes: '5' is not a whole number from 6 to 32767/);
      writeFileSync(key, "no key");
      writeFileSync(path, settings("state-bytes = 256\n"));
      assert.equal((await ask(relay.adminUrl(), "/v1/reload", { method: "POST", headers: own })).status, 409);
      const [last, toldLast] = await TestSocket.join(`${relay.url("wss")}/v1/match/reload`);
      assert.equal((toldLast["limits"] as Record<string, number>)["state_bytes"], 512, "a broken file changes nothing");
      await last.close(1000);
    });
  });

  test("changes whom it lets in, without a restart", async () => {
    const settings = (limits: string): string => `[server]\nlisten = ["127.0.0.1:0"]\nshards = 1\n[limits]\nlimit-loopback = true\n${limits}`;
    const path = file(settings("max-connections-per-address = 2\n"));
    await withRelay(["--config", path, "--admin-listen", "127.0.0.1:0"], async (relay) => {
      const url = `${relay.url()}/v1/match/m`;
      const [ann] = await TestSocket.join(url);
      const [bo] = await TestSocket.join(url);
      assert.equal(await refusedWith(url), 503);
      writeFileSync(path, settings("max-connections-per-address = 3\n"));
      assert.equal(await reload(relay), "reloaded; changed: max-connections-per-address");
      const [cy] = await TestSocket.join(url);
      assert.equal(await refusedWith(url), 503);
      // Who is there already may stay.
      writeFileSync(path, settings("max-connections-per-address = 1\nmax-memory = 64\nnewcomer-share = 30\nlate-slots = 100\n"));
      assert.equal(await reload(relay), "reloaded; changed: max-connections-per-address, newcomer-share, max-memory, late-slots");
      assert.equal(metric((await ask(relay.adminUrl(), "/metrics")).body, "tickwire_memory_max_bytes"), 64 * 1024 * 1024);
      await ann.close(1000);
      await bo.close(1000);
      assert.equal(await refusedWith(url), 503);
      assert.equal((await cy.close(1000)).code, 1000);
      const isLetIn = (): Promise<boolean> => TestSocket.open(url).then((one) => one.close(1000).then(() => true), () => false);
      await comesTrue(isLetIn); // the places of who has gone are free a moment later
    });
  });

  test("changes the size of matches that open from then on, and says so", async () => {
    const settings = (players: number): string => `[server]\nlisten = ["127.0.0.1:0"]\nshards = 1\n[match]\nmax-players = ${players}\n`;
    const path = file(settings(1));
    await withRelay(["--config", path, "--admin-listen", "127.0.0.1:0"], async (relay) => {
      const [ann] = await TestSocket.join(`${relay.url()}/v1/match/old`);
      writeFileSync(path, settings(2));
      assert.equal(await reload(relay), "reloaded; changed: max-players (of matches that open from now on)");
      const isFull = async (match: string): Promise<boolean> => {
        const one = await TestSocket.open(`${relay.url()}/v1/match/${match}`, ["tickwire.v1"]);
        one.socket.send(JSON.stringify({ op: "join" }));
        return one.next().then(() => one.close(1000).then(() => false), (error: Error) => /4001/.test(error.message));
      };
      assert.equal(await isFull("old"), true);
      await comesTrue(async () => {
        const [first] = await TestSocket.join(`${relay.url()}/v1/match/new`);
        const isWide = !(await isFull("new"));
        await first.close(1000);
        return isWide;
      });
      assert.equal(await isFull("old"), true, "what is open stays as it was opened");
      await ann.close(1000);
    });
  });

  test("by `tickwire reload`, which waits and says why not", async () => {
    const folder = makeFolder();
    const path = file(`[server]\nlisten = ["127.0.0.1:0"]\n[admin]\nlisten = ["unix:${folder}/admin.sock"]\n`);
    const relay = await Relay.start("--config", path, "--listen", "127.0.0.1:0");
    const good = await new Promise<string>((resolve) => setTimeout(() => resolve(runToEnd("reload", "--config", path).stdout), 0));
    assert.match(good, /"result":"reloaded; changed: nothing"/);
    writeFileSync(path, "[match]\ntick-hz = 0\n");
    const bad = runToEnd("reload", "--admin", `unix:${folder}/admin.sock`);
    assert.equal(bad.code, 1);
    assert.match(bad.stderr, /relay\.toml:2: tick-hz: '0' is not a whole number from 1 to 128/);
    const status = JSON.parse(runToEnd("status", "--admin", `unix:${folder}/admin.sock`).stdout) as { draining: boolean };
    assert.equal(status.draining, false);
    await relay.finish();
    assert.match(runToEnd("status", "--admin", `unix:${folder}/admin.sock`).stderr, /cannot connect/);
  });
});

test("the log level changes while it runs: by a call, and by a reload", async () => {
  const settings = (level: string): string => `[server]\nlisten = ["127.0.0.1:0"]\nshards = 1\n[log]\nlevel = "${level}"\nformat = "text"\n`;
  const path = file(settings("error"));
  await withRelay(["--config", path, "--admin-listen", "127.0.0.1:0"], async (relay) => {
    const lines = (): number => relay.stderr.split("counters {").length - 1;
    /** That a line of level info is logged now, or is not. */
    const expectHeard = async (isExpected: boolean): Promise<void> => {
      const before = lines();
      relay.signal("SIGUSR1");
      const deadline = Date.now() + (isExpected ? 20_000 : 1500);
      while (Date.now() < deadline && lines() === before) await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(lines() > before, isExpected);
    };
    const setLevel = async (level: string): Promise<number> => (await ask(relay.adminUrl(), `/v1/log-level?level=${level}`, { method: "PUT", headers: own })).status;
    assert.equal(relay.stderr, "");
    await expectHeard(false);
    for (const [level, status, isHeard] of [["info", 200, true], ["loud", 400, true], ["error", 200, false]] as const) {
      assert.equal(await setLevel(level), status);
      await expectHeard(isHeard);
    }
    for (const level of ["info", "error"]) {
      writeFileSync(path, settings(level));
      assert.equal(await reload(relay), "reloaded; changed: log-level");
      await expectHeard(level === "info");
    }
  });
});
