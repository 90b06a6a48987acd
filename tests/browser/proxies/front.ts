/** nginx and HAProxy as Debian packages them, started with the files in tools/proxies: only addresses and paths are other ones. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What to write in the place of what; each must stand in the file. */
export type Replacements = [from: string, to: string][];

const startMs = 15_000;

export function isInstalled(program: string): boolean {
  return spawnSync(program, ["-v"], { stdio: "ignore" }).error === undefined;
}

/** A port that nobody has now; the proxy's own file names it, so it cannot be 0. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "::", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), "tickwire-proxies-"));
}

export interface Certificate {
  certificate: string;
  key: string;
  /** Both in one file, as HAProxy wants them. */
  both: string;
}

export function makeCertificate(folder: string): Certificate {
  const certificate = join(folder, "chain.pem");
  const key = join(folder, "key.pem");
  const both = join(folder, "both.pem");
  execFileSync("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:::1", "-keyout", key, "-out", certificate,
  ], { stdio: "ignore" });
  writeFileSync(both, readFileSync(certificate, "utf8") + readFileSync(key, "utf8"));
  return { certificate, key, both };
}

/** The example with the test's own addresses. */
function example(file: string, replacements: Replacements): string {
  let text = readFileSync(fileURLToPath(new URL(`../../../tools/proxies/${file}`, import.meta.url)), "utf8");
  for (const [from, to] of replacements) {
    if (!text.includes(from)) throw new Error(`${file} has no '${from}'`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** A proxy in the foreground; start() again after stop() is what a restart of it is to its clients. */
export class Front {
  readonly #command: string[];
  readonly #port: number;
  #process: ChildProcess | null = null;
  #output = "";

  private constructor(command: string[], port: number) {
    this.#command = command;
    this.#port = port;
  }

  static nginx(folder: string, port: number, replacements: Replacements): Front {
    writeFileSync(join(folder, "tickwire.conf"), example("nginx.conf", replacements));
    const main = join(folder, "nginx.conf");
    writeFileSync(
      main,
      `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr warn;\n` +
        "events { worker_connections 256; }\n" +
        `http { access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};\n` +
        ` uwsgi_temp_path ${folder}; scgi_temp_path ${folder}; include ${folder}/tickwire.conf; }\n`,
    );
    return new Front(["nginx", "-e", "stderr", "-c", main], port);
  }

  static haproxy(folder: string, port: number, replacements: Replacements): Front {
    const main = join(folder, "haproxy.cfg");
    writeFileSync(main, example("haproxy.cfg", replacements));
    return new Front(["haproxy", "-db", "-f", main], port);
  }

  async start(): Promise<void> {
    const [program = "", ...args] = this.#command;
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data: Buffer) => (this.#output += data.toString()));
    for (const deadline = Date.now() + startMs; !(await answers(this.#port)); ) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${program} did not start:\n${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** At once: its connections are cut. */
  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM"); // of both: the fast end
    const killer = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await ended;
    clearTimeout(killer);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "::1");
    socket.on("error", () => resolve(false));
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
