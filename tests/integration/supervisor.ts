/** A relay under a service manager in small, supervisor.py: sockets and stored descriptors outlive the process. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const binary =
  process.env["TICKWIRE_BIN"] ?? fileURLToPath(new URL("../../build/release/tickwire", import.meta.url));
const patienceMs = 30_000;

export interface Happening {
  event: string;
  [field: string]: unknown;
}

export class Supervisor {
  stderr = "";
  readonly happenings: Happening[] = [];
  readonly #process: ChildProcess;
  #wake: () => void = () => {};
  #read = 0;
  #rest = "";

  private constructor(args: string[]) {
    const script = fileURLToPath(new URL("supervisor.py", import.meta.url));
    this.#process = spawn("python3", [script, binary, "serve", ...args], { stdio: ["pipe", "pipe", "pipe"] });
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.#process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) this.happenings.push(JSON.parse(line) as Happening);
      this.#wake();
    });
  }

  static async start(...args: string[]): Promise<Supervisor> {
    const supervisor = new Supervisor(args);
    await supervisor.happens("listening");
    return supervisor;
  }

  url(scheme: "ws" | "wss" = "ws"): string {
    return `${scheme}://127.0.0.1:${this.port(scheme)}`;
  }
  port(scheme: "ws" | "wss" = "ws"): number {
    return this.happenings[0]![scheme === "ws" ? "plain" : "tls"] as number;
  }

  tell(command: string): void {
    this.#process.stdin?.write(`${command}\n`);
  }

  /** The next of its kind, after those that were waited for. */
  async happens(event: string): Promise<Happening> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      while (this.#read < this.happenings.length) {
        const happening = this.happenings[this.#read]!;
        this.#read += 1;
        if (happening.event === event) return happening;
      }
      if (Date.now() > deadline) throw new Error(`no ${event} in ${JSON.stringify(this.happenings)}; the relay said:\n${this.stderr}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500);
        this.#wake = () => (clearTimeout(timer), resolve());
      });
    }
  }

  /** A process that is ready. */
  async begin(...args: string[]): Promise<void> {
    this.tell(["start", ...args].join(" "));
    await this.happens("ready");
  }

  /** Ends the process, and says how long that took and how it ended. */
  async end(signal = "SIGTERM"): Promise<{ code: number; seconds: number }> {
    this.tell(`signal ${signal}`);
    const { at: begin } = await this.happens("signalled");
    const { code, at } = await this.happens("ended");
    return { code: code as number, seconds: (at as number) - (begin as number) };
  }

  /** Everything that is left is gone after this. */
  async finish(): Promise<void> {
    this.#process.stdin?.end();
    if (this.#process.exitCode === null) await once(this.#process, "close");
  }
}
