/** `tickwire serve` as its operator meets it: listeners, signals, bad settings. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { makeCertificate, makeFolder } from "./certificate.ts";
import { binary, Relay, runToEnd, withRelay } from "./relay.ts";
import { TestSocket } from "./web_socket.ts";

const anyPort = ["--listen", "127.0.0.1:0"];

describe("listeners", () => {
  test("port 0 picks a free one and says which", async () => {
    await withRelay(anyPort, async (relay) => {
      assert.match(relay.stdout, /^listening ws:\/\/127\.0\.0\.1:[1-9][0-9]*\n$/);
    });
  });

  test("each listener has its line", async () => {
    const { certificate, key } = makeCertificate();
    const path = join(makeFolder(), "relay.sock");
    const args = [
      ...anyPort,
      ...["--listen", "[::1]:0", "--listen", `unix:${path}`, "--tls-listen", "127.0.0.1:0"],
      ...["--certificate", certificate, "--key", key],
    ];
    await withRelay(args, async (relay) => {
      const kinds = relay.urls.map((url) => url.replace(/:[0-9]+$/, "")).sort();
      assert.deepEqual(kinds, ["ws+unix:" + path, "ws://127.0.0.1", "ws://[::1]", "wss://127.0.0.1"].sort());
    });
  });

  test("every kind of listener takes a player, and all lead to one match", async () => {
    const { certificate, key } = makeCertificate();
    const path = join(makeFolder(), "relay.sock");
    const args = [
      ...anyPort,
      ...["--listen", "[::1]:0", "--listen", `unix:${path}`, "--tls-listen", "127.0.0.1:0"],
      ...["--certificate", certificate, "--key", key, "--shards", "2"],
    ];
    await withRelay(args, async (relay) => {
      const sockets: TestSocket[] = [];
      for (const url of relay.urls) {
        // In a `ws+unix:` URL of npm's ws a colon parts the socket's path from the request's.
        const target = url.startsWith("ws+unix:") ? `${url}:/v1/match/m` : `${url}/v1/match/m`;
        const [socket, welcome] = await TestSocket.join(target);
        sockets.push(socket);
        assert.equal((welcome["players"] as unknown[]).length, sockets.length, url);
      }
      for (const socket of sockets) await socket.close(1000);
    });
  });
});

describe("signals", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`${signal} closes the members with 1001 and ends with 0`, async () => {
      const relay = await Relay.start(...anyPort);
      const [game] = await TestSocket.join(`${relay.url()}/v1/match/m`);
      const plain = await TestSocket.open(`${relay.url()}/v1/match/m`);
      const begin = performance.now();
      const ended = relay.stop(signal);
      assert.equal((await game.closed()).code, 1001);
      assert.equal((await plain.closed()).code, 1001);
      const { code, stderr } = await ended;
      assert.equal(code, 0, stderr);
      assert.ok(performance.now() - begin < 5000);
    });
  }

  test("a member that answers nothing does not hold the relay up", async () => {
    const relay = await Relay.start(...anyPort);
    const [silent] = await TestSocket.join(`${relay.url()}/v1/match/m`);
    silent.socket.pause();
    const begin = performance.now();
    const { code, stderr } = await relay.stop();
    assert.equal(code, 0, stderr);
    assert.ok(performance.now() - begin < 5000);
    silent.socket.terminate();
  });

  test("its unix socket is gone from the file system afterwards", async () => {
    const path = join(makeFolder(), "relay.sock");
    const relay = await Relay.start("--listen", `unix:${path}`);
    assert.ok(existsSync(path));
    assert.equal((await relay.stop()).code, 0);
    assert.ok(!existsSync(path));
  });
});

/** What is wrong is one line on standard error that names it, and code 2. */
function assertRefused(args: string[], named: RegExp): void {
  const { code, stdout, stderr } = runToEnd("serve", ...args);
  assert.equal(code, 2, `code ${code}: ${stderr}`);
  assert.match(stderr, named);
  assert.equal(stderr.trimEnd().split("\n").length, 1, `one line, not:\n${stderr}`);
  assert.equal(stdout, "");
}

describe("refuses to start, in one line and with code 2", () => {
  test("an unknown option", () => assertRefused([...anyPort, "--wings"], /--wings/));
  test("no listener at all", () => assertRefused([], /listen/));
  test("an address that is none", () => assertRefused(["--listen", "nowhere"], /nowhere/));
  test("a port above 65535", () => assertRefused(["--listen", "127.0.0.1:65536"], /65536/));
  for (const hz of ["0", "129", "-1", "thirty", "30x"]) {
    test(`a tick rate of ${hz}`, () => assertRefused([...anyPort, `--tick-hz=${hz}`], /tick-hz/));
  }

  test("a port that is taken", async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
    const { port } = holder.address() as { port: number };
    try {
      assertRefused(["--listen", `127.0.0.1:${port}`], new RegExp(`127\\.0\\.0\\.1:${port}`));
    } finally {
      holder.close();
    }
  });

  test("TLS without a certificate", () => assertRefused(["--tls-listen", "127.0.0.1:0"], /certificate/));

  test("a certificate that is not there", () => {
    const { key } = makeCertificate();
    const args = ["--tls-listen", "127.0.0.1:0", "--certificate", "/nowhere.pem", "--key", key];
    assertRefused(args, /\/nowhere\.pem/);
  });

  test("a certificate that is none", () => {
    const { key } = makeCertificate();
    const file = join(makeFolder(), "broken.pem");
    writeFileSync(file, "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
    assertRefused(["--tls-listen", "127.0.0.1:0", "--certificate", file, "--key", key], /broken\.pem/);
  });

  test("the key of another certificate", () => {
    const { certificate } = makeCertificate();
    const { key } = makeCertificate();
    assertRefused(["--tls-listen", "127.0.0.1:0", "--certificate", certificate, "--key", key], /key\.pem/);
  });

  test("a configuration file that is not there", () => {
    assertRefused([...anyPort, "--config", "/nowhere.toml"], /\/nowhere\.toml/);
  });

  test("a configuration file with an unknown name, by its line", () => {
    const file = join(makeFolder(), "relay.toml");
    writeFileSync(file, '[server]\nlisten = ["127.0.0.1:0"]\nwings = 2\n');
    assertRefused(["--config", file], /relay\.toml:3: wings/);
  });
});

describe("configuration file", () => {
  test("gives what the command line does not, and the command line wins", async () => {
    const file = join(makeFolder(), "relay.toml");
    writeFileSync(file, '[match]\ntick-hz = 10\nmax-players = 3\n[server]\nlisten = ["127.0.0.1:1"]\n');
    await withRelay(["--config", file, ...anyPort, "--tick-hz", "60"], async (relay) => {
      const [socket, welcome] = await TestSocket.join(`${relay.url()}/v1/match/m`);
      assert.equal(welcome["tick_hz"], 60);
      const [second] = await TestSocket.join(`${relay.url()}/v1/match/m`);
    const [third] = await TestSocket.join(`${relay.url()}/v1/match/m`);
      const fourth = await TestSocket.open(`${relay.url()}/v1/match/m`, ["tickwire.v1"]);
      fourth.socket.send('{"op":"join"}');
      assert.equal((await fourth.closed()).code, 4001);
      for (const other of [second, third]) await other.close(1000);
      await socket.close(1000);
    });
  });
});

describe("sockets that a service manager hands over", () => {
  /** Started with this descriptor as the third, under this name: sh knows the process's number, which has to be told. */
  const handOver = (descriptor: number, name: string, ...args: string[]): [string, string[], { stdio: ("ignore" | "pipe" | number)[]; env: NodeJS.ProcessEnv }] => [
    "/bin/sh", ["-c", 'export LISTEN_PID=$$; exec "$@"', "sh", binary, "serve", ...args],
    { stdio: ["ignore", "pipe", "pipe", descriptor], env: { ...process.env, LISTEN_FDS: "1", LISTEN_FDNAMES: name } },
  ];
  const listening = async (host: string): Promise<[Server, number]> => {
    const server = createServer().listen(0, host);
    await once(server, "listening");
    return [server, (server as unknown as { _handle: { fd: number } })._handle.fd];
  };

  test("are refused by name where they cannot be what they are called", async () => {
    const [everywhere, reachable] = await listening("0.0.0.0");
    const file = openSync("/dev/null", "r");
    const wrong: [number, string, RegExp][] = [
      [reachable, "game", /descriptor 'game' is none of plain, tls, proxy-plain, proxy-tls, admin/],
      [reachable, "proxy-plain", /descriptor 'proxy-plain' needs trusted-proxies/],
      [reachable, "tls", /descriptor 'tls' needs a certificate and a key/],
      [reachable, "admin", /descriptor 'admin' listens on 0\.0\.0\.0:[0-9]+, which can be reached from elsewhere: give admin-token-file/],
      [file, "plain", /descriptor 'plain' does not listen/],
    ];
    try {
      for (const [descriptor, name, reason] of wrong) {
        const [command, args, options] = handOver(descriptor, name, ...anyPort);
        const { status, stderr } = spawnSync(command, args, { ...options, encoding: "utf8", timeout: 20_000 });
        assert.deepEqual([status, reason.test(stderr)], [2, true], `${name}: ${stderr}`);
      }
    } finally {
      everywhere.close();
      closeSync(file);
    }
  });

  /** A relay that listens on this alone, until `body` is done; it must end well then. */
  async function withHandedOver(name: string, args: string[], body: (port: number, relay: ChildProcess, listens: string) => Promise<void>): Promise<void> {
    const [server, descriptor] = await listening("127.0.0.1");
    const { port } = server.address() as AddressInfo;
    const [command, words, options] = handOver(descriptor, name, ...args);
    const relay = spawn(command, words, options);
    const killer = setTimeout(() => relay.kill("SIGKILL"), 20_000);
    const ended = once(relay, "exit");
    try {
      const [line] = (await once(relay.stdout!, "data")) as [Buffer];
      server.close(); // the relay has its own
      await body(port, relay, String(line));
      relay.kill("SIGTERM");
      assert.deepEqual(await ended, [0, null]);
    } finally {
      clearTimeout(killer);
      relay.kill("SIGKILL");
      server.close();
    }
  }

  test("take proxies' connections where they are named so", async () => {
    await withHandedOver("proxy-plain", ["--trusted-proxies", "127.0.0.1"], async (port, _relay, listens) => {
      assert.equal(listens, `listening proxy ws://127.0.0.1:${port}\n`);
      const client = connect(port, "127.0.0.1");
      client.write("PROXY TCP4 192.0.2.1 127.0.0.1 4000 80\r\nGET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
      const [answer] = (await once(client, "data")) as [Buffer];
      assert.match(String(answer), /^HTTP\/1\.1 404 /);
      client.destroy();
    });
  });

  test("keep what they need: a reload without it changes nothing", async () => {
    const { certificate, key } = makeCertificate();
    for (const [name, settings, reason] of [
      ["tls", `[tls]\ncertificate = ["${certificate}"]\nkey = ["${key}"]\n`, /nothing has changed: the inherited descriptor 'tls' needs a certificate and a key/],
      ["proxy-plain", '[limits]\ntrusted-proxies = ["127.0.0.1"]\n', /nothing has changed: the inherited descriptor 'proxy-plain' needs trusted-proxies/],
    ] as const) {
      const file = join(makeFolder(), "relay.toml");
      writeFileSync(file, settings);
      await withHandedOver(name, ["--config", file], async (port, relay) => {
        let log = "";
        relay.stderr!.on("data", (text: Buffer) => (log += String(text)));
        writeFileSync(file, "");
        relay.kill("SIGHUP");
        for (const deadline = Date.now() + 10_000; !log.includes("reload: "); ) {
          assert.ok(Date.now() < deadline, log);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        assert.match(log, reason);
        if (name === "tls") {
          const client = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
          await once(client, "secureConnect");
          client.destroy();
        }
      });
    }
  });
});

describe("says what it is", () => {
  test("--help lists the options of issue and manual", () => {
    const { code, stdout } = runToEnd("serve", "--help");
    assert.equal(code, 0);
    for (const option of ["listen", "tls-listen", "certificate", "key", "shards", "pin", "tick-hz", "max-players"]) {
      assert.match(stdout, new RegExp(`--${option}\\b`));
    }
    for (const option of ["resume-window", "slot-us", "echo", "demo", "config"]) {
      assert.match(stdout, new RegExp(`--${option}\\b`));
    }
  });

  test("the manual page has every command", () => {
    const commands = [...runToEnd("--help").stdout.split(/^subcommands:$/im)[1]!.matchAll(/^ {2}([a-z-]+) /gm)].map((match) => match[1]!);
    assert.ok(commands.length > 6, String(commands));
    const page = readFileSync(new URL("../../tools/packaging/tickwire.1", import.meta.url), "utf8").replaceAll("\\-", "-");
    for (const command of commands) assert.match(page, new RegExp(`^\\.(B|BI) ${command}( |$)`, "m"), command);
  });

  test("--version is one line", () => {
    const { code, stdout } = runToEnd("--version");
    assert.equal(code, 0);
    assert.match(stdout, /^tickwire [0-9]+\.[0-9]+\.[0-9]+\n$/);
  });
});
