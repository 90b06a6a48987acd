/**
 * Chromium as a person has it: with a window, on a display (Xvfb) with a window manager (openbox, which
 * a minimised window needs), and spoken to by nothing but the DevTools protocol.
 *
 * Not Playwright: it emulates focus in each page, and such a page says that it is visible, come what may.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WsClient, type WsSocket } from "../tools.ts";

const startMs = 30_000;

interface Answer {
  id?: number;
  result?: unknown;
  error?: { message: string };
}

export class HeadedChromium {
  readonly #processes: ChildProcess[];
  readonly #folder: string;
  readonly #socket: WsSocket;
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  #nextId = 1;

  static async start(flags: readonly string[]): Promise<HeadedChromium> {
    const folder = mkdtempSync(join(tmpdir(), "tickwire-headed-"));
    const processes: ChildProcess[] = [];
    try {
      const server = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1280x800x24", "-nolisten", "tcp"], { stdio: ["ignore", "ignore", "ignore", "pipe"] });
      processes.push(server);
      const display = `:${(await said(server, server.stdio[3] as NodeJS.ReadableStream, /^(\d+)\n/))[1]}`;
      const env = { ...process.env, DISPLAY: display, HOME: folder };
      processes.push(spawn("openbox", ["--sm-disable"], { env, stdio: "ignore" }));
      const chromium = spawn("/usr/bin/chromium", [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-default-browser-check", "--ignore-certificate-errors",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        `--user-data-dir=${join(folder, "profile")}`, "--remote-debugging-port=0", ...flags, "about:blank",
      ], { env, stdio: ["ignore", "ignore", "pipe"] });
      processes.push(chromium);
      const [, address] = await said(chromium, chromium.stderr!, /^DevTools listening on (\S+)/m);
      const socket = new WsClient(address!);
      await once(socket, "open");
      return new HeadedChromium(processes, folder, socket);
    } catch (error) {
      await end(processes, folder);
      throw error;
    }
  }

  private constructor(processes: ChildProcess[], folder: string, socket: WsSocket) {
    this.#processes = processes;
    this.#folder = folder;
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      const { id, result, error } = JSON.parse(data.toString()) as Answer;
      const waiting = id === undefined ? undefined : this.#waiting.get(id);
      if (waiting === undefined) return;
      this.#waiting.delete(id!);
      if (error === undefined) waiting.resolve(result);
      else waiting.reject(new Error(error.message));
    });
  }

  /** The window's one page, at `url`. */
  async open(url: string): Promise<HeadedPage> {
    const { targetInfos } = (await this.send("Target.getTargets")) as { targetInfos: { targetId: string; type: string }[] };
    const targetId = targetInfos.find(({ type }) => type === "page")?.targetId;
    const { sessionId } = (await this.send("Target.attachToTarget", { targetId, flatten: true })) as { sessionId: string };
    const { windowId } = (await this.send("Browser.getWindowForTarget", { targetId })) as { windowId: number };
    const page = new HeadedPage(this, sessionId, windowId);
    await this.send("Page.navigate", { url }, sessionId);
    const deadline = Date.now() + startMs;
    while ((await page.evaluate("location.href + document.readyState")) !== `${url}complete`) {
      if (Date.now() > deadline) throw new Error(`the page did not load: ${url}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return page;
  }

  send(method: string, params: object = {}, sessionId?: string): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
  }

  async stop(): Promise<void> {
    this.#socket.terminate();
    await end(this.#processes, this.#folder);
  }
}

export class HeadedPage {
  readonly #browser: HeadedChromium;
  readonly #sessionId: string;
  readonly #windowId: number;

  constructor(browser: HeadedChromium, sessionId: string, windowId: number) {
    this.#browser = browser;
    this.#sessionId = sessionId;
    this.#windowId = windowId;
  }

  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = (await this.#browser.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true }, this.#sessionId)) as {
      result: { value?: unknown };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    };
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async minimise(): Promise<void> {
    await this.#browser.send("Browser.setWindowBounds", { windowId: this.#windowId, bounds: { windowState: "minimized" } });
  }

  async show(): Promise<void> {
    await this.#browser.send("Browser.setWindowBounds", { windowId: this.#windowId, bounds: { windowState: "normal" } });
  }
}

/** Waits for what a process has to say before it can be used. */
function said(child: ChildProcess, stream: NodeJS.ReadableStream, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let text = "";
    const timer = setTimeout(() => reject(new Error(`${child.spawnfile} was not ready in ${startMs} ms: ${text}`)), startMs);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${child.spawnfile} ended with ${code}: ${text}`)));
    stream.on("data", (data: Buffer) => {
      text += data.toString();
      const found = pattern.exec(text);
      if (found === null) return;
      clearTimeout(timer);
      resolve(found);
    });
  });
}

/** In the opposite order of their start: the display last. */
async function end(processes: readonly ChildProcess[], folder: string): Promise<void> {
  for (const child of [...processes].reverse()) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
    const over = once(child, "exit");
    child.kill("SIGTERM");
    const killer = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await over;
    clearTimeout(killer);
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
