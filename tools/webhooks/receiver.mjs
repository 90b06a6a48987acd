/**
 * A receiver of the relay's webhooks, for a backend to begin with: who sent it is checked, what was seen before
 * is passed over. `node receiver.mjs PORT SECRET-FILE` prints each event once.
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const toleranceSeconds = 300;

/** Whether the relay with this secret has sent that, and lately: an old delivery cannot be played again. */
export function isGenuine(secret, headers, body, nowSeconds = Date.now() / 1000) {
  const timestamp = String(headers["x-tickwire-timestamp"]);
  const wanted = Buffer.from(`v1=${createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex")}`);
  const given = Buffer.from(String(headers["x-tickwire-signature"]));
  return given.length === wanted.length && timingSafeEqual(given, wanted) && Math.abs(nowSeconds - Number(timestamp)) < toleranceSeconds;
}

/** Calls `onEvent` once for each event, however often it comes. */
export function receiver(secret, onEvent) {
  const seen = new Set();
  return createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text) => (body += text));
    request.on("end", () => {
      if (!isGenuine(secret, request.headers, body)) return response.writeHead(401).end();
      for (const event of JSON.parse(body).events) {
        if (seen.has(event.id)) continue;
        seen.add(event.id);
        onEvent(event);
        if (seen.size > 100_000) seen.delete(seen.values().next().value);
      }
      response.writeHead(204).end(); // only now: what is answered is not sent again
    });
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [, , port, secretFile] = process.argv;
  const server = receiver(readFileSync(secretFile, "utf8").trim(), (event) => console.log(JSON.stringify(event)));
  server.listen(Number(port), "127.0.0.1", () => console.log(`listening ${server.address().port}`));
}
