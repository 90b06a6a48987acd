/**
 * A relay under test: the binary that TICKWIRE_BIN names, on ports of its own choosing. Each test starts
 * the one it needs and stops it; what the relay printed is part of every failure.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export const binary =
  process.env["TICKWIRE_BIN"] ?? fileURLToPath(new URL("../../build/release/tickwire", import.meta.url));

/** Sanitized builds on a busy machine take their time; a relay that hangs takes longer. */
const startTimeoutMs = 20_000;
/** The promise is 5 s. The rest is for a sanitizer's leak check. */
const stopTimeoutMs = 5_000 + 10_000;

/** What a relay is started under. */
export interface Surroundings {
  /** A command that runs it: `prlimit --nofile=256`. */
  before?: string[];
  env?: Record<string, string>;
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs the binary to its end: for what should not start at all. */
export function runToEnd(...args: string[]): Ended {
  return runToEndIn({}, ...args);
}

/** With these variables beside those of the test. */
export function runWith(env: Record<string, string>, ...args: string[]): Ended {
  return runToEndIn({ env }, ...args);
}

export function runToEndIn({ before = [], env = {} }: Surroundings, ...args: string[]): Ended {
  const [command = binary, ...rest] = [...before, binary, ...args];
  const { status, signal, stdout, stderr } = spawnSync(command, rest, {
    env: { ...process.env, ...env },
    encoding: "utf8",
    timeout: startTimeoutMs,
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { code: status, signal, stdout, stderr };
}

export class Relay {
  /** What it said it listens on, in its own order: `ws://127.0.0.1:41234`. */
  readonly urls: string[] = [];
  stdout = "";
  stderr = "";
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(args: string[], { before = [], env = {} }: Surroundings = {}) {
    const [command = binary, ...rest] = [...before, binary, "serve", ...args];
    this.#process = spawn(command, rest, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    this.#process.stdout?.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.#ended = once(this.#process, "close").then(() => undefined);
  }

  /** Ready when it has printed a line for each listener that `args` ask for. */
  static async start(...args: string[]): Promise<Relay> {
    return Relay.startIn({}, ...args);
  }

  static async startIn(surroundings: Surroundings, ...args: string[]): Promise<Relay> {
    const relay = new Relay(args, surroundings);
    const wanted = args.filter((arg) => /^--(proxy-)?(tls-)?listen$|^--admin-listen$/.test(arg)).length;
    const ready = async (): Promise<boolean> => {
      while (relay.#readUrls() < wanted) await once(relay.#process.stdout!, "data");
      return true;
    };
    const started = await Promise.race([
      ready(),
      relay.#ended.then(() => false),
      new Promise<false>((resolve) => setTimeout(resolve, startTimeoutMs, false).unref()),
    ]);
    if (!started) {
      relay.#process.kill("SIGKILL");
      throw new Error(`the relay did not start:\n${relay.stdout}${relay.stderr}`);
    }
    return relay;
  }

  /** The address of its first listener of a scheme. */
  url(scheme: "ws" | "wss" = "ws"): string {
    const found = this.urls.find((url) => url.startsWith(`${scheme}://`));
    if (found === undefined) throw new Error(`no ${scheme} listener in: ${this.stdout}`);
    return found;
  }

  /** Its first listener's address for plain HTTP requests. */
  httpUrl(scheme: "ws" | "wss" = "ws"): string {
    return this.url(scheme).replace("ws", "http");
  }

  /** The address of its first listener for proxies of a scheme. */
  proxyUrl(scheme: "ws" | "wss" = "ws"): string {
    const found = new RegExp(`^listening proxy (${scheme}://\\S+)$`, "m").exec(this.stdout)?.[1];
    if (found === undefined) throw new Error(`no ${scheme} listener for proxies in: ${this.stdout}`);
    return found;
  }

  /** Its admin interface's address, for ask(). */
  adminUrl(): string {
    const found = /^listening admin (\S+)$/m.exec(this.stdout)?.[1];
    if (found === undefined) throw new Error(`no admin listener in: ${this.stdout}`);
    return found;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Waits until its log holds a line. */
  async logged(line: RegExp): Promise<void> {
    const deadline = Date.now() + startTimeoutMs;
    while (!line.test(this.stderr)) {
      if (Date.now() > deadline) throw new Error(`no ${line} in:\n${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** How it ended by itself. */
  async ended(): Promise<Ended> {
    await this.#ended;
    const { exitCode, signalCode } = this.#process;
    return { code: exitCode, signal: signalCode, stdout: this.stdout, stderr: this.stderr };
  }

  /** Asks it to end, and waits. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> {
    this.#process.kill(signal);
    const killer = setTimeout(() => this.#process.kill("SIGKILL"), stopTimeoutMs);
    await this.#ended;
    clearTimeout(killer);
    const { exitCode, signalCode } = this.#process;
    return { code: exitCode, signal: signalCode, stdout: this.stdout, stderr: this.stderr };
  }

  /** As stop(), and an error unless it was still running and ended as it should: what a test does last. */
  async finish(): Promise<void> {
    const wasRunning = this.#process.exitCode === null && this.#process.signalCode === null;
    const { code, signal, stderr } = await this.stop();
    if (wasRunning && code === 0) return;
    const when = wasRunning ? "when it was stopped" : "before it was stopped";
    throw new Error(`the relay ended with ${code ?? signal} ${when}:\n${stderr}`);
  }

  #readUrls(): number {
    const lines = this.stdout.split("\n").slice(0, -1);
    this.urls.splice(0, Infinity, ...lines.flatMap((line) => /^listening (?:admin |proxy )?(\S+)$/.exec(line)?.[1] ?? []));
    return this.urls.length;
  }
}

/** A relay for the length of `body`, which must end well too. */
export async function withRelay(args: string[], body: (relay: Relay) => Promise<void>): Promise<void> {
  const relay = await Relay.start(...args);
  try {
    await body(relay);
  } catch (error) {
    const { stderr } = await relay.stop();
    throw new Error(`${(error as Error).message}; the relay said:\n${stderr}`, { cause: error });
  }
  await relay.finish();
}
