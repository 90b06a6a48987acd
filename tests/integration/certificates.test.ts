/** Certificates that change under a running relay, as certbot, Kubernetes and people change them; session tickets whose keys rotate. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { ask, askJson, own } from "./admin.ts";
import { type Certificate, makeCertificate, makeFolder } from "./certificate.ts";
import { type Relay, withRelay } from "./relay.ts";
import { TestSocket } from "./web_socket.ts";

/** The serial number of the certificate that a new connection gets. */
async function serialOf(relay: Relay): Promise<string> {
  const { hostname, port } = new URL(relay.url("wss"));
  const socket: TLSSocket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

async function serves(relay: Relay, wanted: string): Promise<void> {
  for (const deadline = Date.now() + 20_000; (await serialOf(relay)) !== wanted; await new Promise((r) => setTimeout(r, 100))) {
    if (Date.now() > deadline) throw new Error("the new certificate is not served");
  }
}

/** How often its log has a line so far. */
const count = (relay: Relay, line: RegExp): number => [...relay.stderr.matchAll(line)].length;
const reads = /certificates have changed and were read again/g;

/** The serial number as the file has it. */
async function serialIn({ certificate }: Certificate): Promise<string> {
  const { X509Certificate } = await import("node:crypto");
  return new X509Certificate(readFileSync(certificate)).serialNumber;
}

async function replaceBoth(from: Certificate, certificate: string, key: string): Promise<void> {
  copyFileSync(from.certificate, `${certificate}.new`);
  copyFileSync(from.key, `${key}.new`);
  renameSync(`${certificate}.new`, certificate);
  renameSync(`${key}.new`, key);
}

const serve = (certificate: string, key: string): string[] => [
  "--tls-listen", "127.0.0.1:0", "--certificate", certificate, "--key", key, "--admin-listen", "127.0.0.1:0", "--shards", "2",
];

describe("a certificate that changes is served without a signal", () => {
  test("also where a reload that came with it was refused for something else", async () => {
    const folder = makeFolder();
    const [certificate, key, secret] = [join(folder, "chain.pem"), join(folder, "key.pem"), join(folder, "secret")];
    const [first, second] = [makeCertificate(), makeCertificate()];
    await replaceBoth(first, certificate, key);
    writeFileSync(secret, "a secret of more than thirty-two bytes");
    await withRelay([...serve(certificate, key), "--ticket-key", `k=${secret}`], async (relay) => {
      writeFileSync(secret, "short");
      await replaceBoth(second, certificate, key);
      assert.equal((await ask(relay.adminUrl(), "/v1/reload", { method: "POST", headers: own })).status, 409);
      await serves(relay, await serialIn(second));
    });
  });

  test("renamed into its place, as a whole, and nobody is dropped", async () => {
    const folder = makeFolder();
    const [certificate, key] = [join(folder, "chain.pem"), join(folder, "key.pem")];
    const [first, second, third] = [makeCertificate(), makeCertificate(), makeCertificate()];
    await replaceBoth(first, certificate, key);
    await withRelay(serve(certificate, key), async (relay) => {
      assert.equal(await serialOf(relay), await serialIn(first));
      const [ann] = await TestSocket.join(`${relay.url("wss")}/v1/match/m`);
      await replaceBoth(second, certificate, key);
      await serves(relay, await serialIn(second));
      await relay.logged(new RegExp(reads.source));
      assert.equal(count(relay, reads), 1, "both files at once are one change");

      // A half of it, and something that is none: the old one stays, and the log says why, once for each.
      copyFileSync(third.certificate, certificate);
      await relay.logged(/error certificates have changed and cannot be used, the old ones stay: the key in .*key\.pem does not belong/);
      writeFileSync(key, "no key");
      await relay.logged(/cannot be used, the old ones stay: .*key\.pem holds no usable PEM key/);
      assert.equal(await serialOf(relay), await serialIn(second));
      copyFileSync(third.key, key);
      await serves(relay, await serialIn(third));
      assert.deepEqual([count(relay, reads), count(relay, /cannot be used/g)], [2, 2]);

      // A reload reads them, too, and is not followed by another one.
      await replaceBoth(first, certificate, key);
      await askJson(relay.adminUrl(), "/v1/reload", { method: "POST", headers: own });
      await serves(relay, await serialIn(first));
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      assert.equal(count(relay, reads), 2);
      assert.equal((await ann.close(1000)).code, 1000, "who was there all the time is still there");
    });
  });

  test("by links that move: certbot's files, and a folder of Kubernetes", async () => {
    const folder = makeFolder();
    const [first, second, third] = [makeCertificate(), makeCertificate(), makeCertificate()];
    const swap = (target: string, link: string): void => {
      symlinkSync(target, `${link}.new`);
      renameSync(`${link}.new`, link);
    };
    mkdirSync(join(folder, "archive"));
    mkdirSync(join(folder, "live"));
    const issue = (made: Certificate, number: number): void => {
      copyFileSync(made.certificate, join(folder, `archive/fullchain${number}.pem`));
      copyFileSync(made.key, join(folder, `archive/privkey${number}.pem`));
      swap(`../archive/fullchain${number}.pem`, join(folder, "live/fullchain.pem"));
      swap(`../archive/privkey${number}.pem`, join(folder, "live/privkey.pem"));
    };
    issue(first, 1);
    await withRelay(serve(join(folder, "live/fullchain.pem"), join(folder, "live/privkey.pem")), async (relay) => {
      assert.equal(await serialOf(relay), await serialIn(first));
      issue(second, 2);
      await serves(relay, await serialIn(second));
      assert.equal(count(relay, reads), 1);
    });

    // tls.crt -> ..data/tls.crt, ..data -> ..2026_1: one link moves, and both files are other ones.
    const mount = (made: Certificate, version: string): void => {
      mkdirSync(join(folder, version));
      copyFileSync(made.certificate, join(folder, version, "tls.crt"));
      copyFileSync(made.key, join(folder, version, "tls.key"));
      swap(version, join(folder, "..data"));
    };
    mount(first, "..2026_1");
    for (const name of ["tls.crt", "tls.key"]) symlinkSync(`..data/${name}`, join(folder, name));
    await withRelay(serve(join(folder, "tls.crt"), join(folder, "tls.key")), async (relay) => {
      assert.equal(await serialOf(relay), await serialIn(first));
      mount(third, "..2026_2");
      await serves(relay, await serialIn(third));
    });
  });

  test("of several by server name, the one that changed", async () => {
    const [a, b, other] = [makeCertificate("a.example"), makeCertificate("b.example"), makeCertificate("b.example")];
    const args = ["--tls-listen", "127.0.0.1:0", "--certificate", a.certificate, "--key", a.key, "--certificate", b.certificate, "--key", b.key];
    await withRelay(args, async (relay) => {
      const { port } = new URL(relay.url("wss"));
      const serialFor = async (servername: string): Promise<string> => {
        const socket = connect({ host: "127.0.0.1", port: Number(port), servername, rejectUnauthorized: false });
        await once(socket, "secureConnect");
        const { serialNumber } = socket.getPeerCertificate();
        socket.destroy();
        return serialNumber;
      };
      const before = await Promise.all(["a.example", "b.example", "unknown.example"].map(serialFor));
      assert.deepEqual(before, [await serialIn(a), await serialIn(b), await serialIn(a)], "an unknown name gets the first");
      await replaceBoth(other, b.certificate, b.key);
      await relay.logged(reads);
      await serves(relay, await serialIn(a));
      for (const deadline = Date.now() + 10_000; (await serialFor("b.example")) !== (await serialIn(other)); ) {
        assert.ok(Date.now() < deadline, "b.example has its old certificate");
      }
    });
  });
});

describe("session tickets", () => {
  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`over ${maxVersion} are good until their key has been rotated away, on every shard`, async () => {
      const { certificate, key } = makeCertificate();
      const life = 3_000;
      const begin = Date.now();
      await withRelay([...serve(certificate, key), "--session-key-life", String(life / 1_000)], async (relay) => {
        const { port } = new URL(relay.url("wss"));
        const visit = async (session?: Buffer): Promise<{ reused: boolean; session: Buffer }> => {
          const socket = connect({ host: "127.0.0.1", port: Number(port), maxVersion, session, rejectUnauthorized: false });
          const given = once(socket, "session", { signal: AbortSignal.timeout(20_000) });
          given.catch(() => {});
          await once(socket, "secureConnect");
          socket.write("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
          const reused = socket.isSessionReused();
          const next = session !== undefined && maxVersion === "TLSv1.2" ? session : ((await given) as [Buffer])[0];
          socket.destroy();
          return { reused, session: next };
        };
        const first = (await visit()).session;
        const made = Date.now();
        let good = 0;
        while ((await visit(first)).reused) {
          good = Date.now();
          assert.ok(good - made < 10 * life, "it is good for ever");
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        const refused = Date.now();
        // Its key is the current one, then the previous one for a whole life; the rotation itself may be half a second late.
        assert.ok(refused - made >= life - 100, `for ${refused - made} ms only`);
        assert.ok(good - made <= 2 * life + 2_000, `for ${good - made} ms; the relay is ${good - begin} ms old`);
        let { session } = await visit();
        for (let rotation = 0; rotation < 3; rotation += 1) {
          await new Promise((resolve) => setTimeout(resolve, life * 0.8));
          const again = await visit(session);
          assert.equal(again.reused, true, "who comes back in time resumes");
          session = maxVersion === "TLSv1.2" ? (await visit()).session : again.session;
        }
      });
    });
  }
});
