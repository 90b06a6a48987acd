/** The admin interface of a relay under test, over TCP or a unix socket: Node's http, which lets a test say any header. */

import { request } from "node:http";

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export interface Asking {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** What a well-behaved caller sends to change something. */
export const own = { "X-Tickwire-Admin": "test" };

/** `base`: `http://127.0.0.1:1234` or `unix:/path`. */
export function ask(base: string, path: string, { method = "GET", headers = {}, body = "" }: Asking = {}): Promise<Answer> {
  const target = base.startsWith("unix:") ? { socketPath: base.slice(5) } : { host: "127.0.0.1", port: new URL(base).port };
  return new Promise((resolve, reject) => {
    const asked = request({ ...target, path, method, headers: body === "" ? headers : { ...headers, "Content-Length": Buffer.byteLength(body) } });
    asked.on("error", reject);
    asked.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    asked.end(body);
  });
}

export async function askJson(base: string, path: string, asking: Asking = {}): Promise<Record<string, unknown>> {
  const { status, body } = await ask(base, path, asking);
  if (status >= 300) throw new Error(`${asking.method ?? "GET"} ${path}: ${status} ${body}`);
  return JSON.parse(body) as Record<string, unknown>;
}

/** The value of a series of `/metrics`, summed over the shards. */
export function metric(text: string, name: string, labels = ""): number {
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  const found = lines.filter((line) => line.includes(labels));
  if (found.length === 0) throw new Error(`no series ${name} ${labels}`);
  return found.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
