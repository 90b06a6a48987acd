/** The real relay on free ports, with a certificate made for the test. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Relay {
  wsPort: number;
  wssPort: number;
  stop(): Promise<void>;
}

const readyMs = 10_000;

export async function startRelay(): Promise<Relay> {
  const binary = process.env["TICKWIRE_BIN"];
  if (binary === undefined) throw new Error("TICKWIRE_BIN must name the relay's binary");
  const folder = mkdtempSync(join(tmpdir(), "tickwire-browser-"));
  const certificate = join(folder, "certificate.pem");
  const key = join(folder, "key.pem");
  execFileSync("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate,
  ], { stdio: "ignore" });
  const child = spawn(binary, [
    "serve", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0",
    "--certificate", certificate, "--key", key, "--demo", "--resume-window", "20",
  ], { stdio: ["ignore", "pipe", "pipe"] });
  try {
    const { ws, wss } = await listening(child);
    return {
      wsPort: ws,
      wssPort: wss,
      stop: async () => {
        await end(child);
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Waits for both `listening` lines; the relay's own words are in the error where they do not come. */
function listening(child: ChildProcess): Promise<{ ws: number; wss: number }> {
  return new Promise((resolve, reject) => {
    let output = "";
    let log = "";
    const timer = setTimeout(() => reject(new Error(`the relay was not ready in ${readyMs} ms: ${log}`)), readyMs);
    child.stderr?.on("data", (data: Buffer) => (log = (log + data.toString()).slice(-4_000)));
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`the relay ended with ${code}: ${log}`)));
    child.stdout?.on("data", (data: Buffer) => {
      output += data.toString();
      const ws = /^listening ws:\/\/127\.0\.0\.1:(\d+)$/m.exec(output)?.[1];
      const wss = /^listening wss:\/\/127\.0\.0\.1:(\d+)$/m.exec(output)?.[1];
      if (ws === undefined || wss === undefined) return;
      clearTimeout(timer);
      resolve({ ws: Number(ws), wss: Number(wss) });
    });
  });
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      resolve();
      return;
    }
    const timer = setTimeout(() => child.kill("SIGKILL"), 6_000);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill("SIGTERM");
  });
}
