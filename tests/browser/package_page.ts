/** A page of the tests' own with the package on it, for what no demo page does. */

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type * as Vite from "vite";

const require = createRequire(new URL("../../clients/typescript/package.json", import.meta.url));

/** An empty page on a port of its own, with everything of the package as `window.tickwire`. */
export async function servePackage(): Promise<{ url: string; stop(): Promise<void> }> {
  const script = await bundle();
  const server = createServer((request, response) => {
    const isScript = request.url === "/tickwire.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html; charset=utf-8");
    response.end(isScript ? script : '<!doctype html><title>tickwire</title><script type="module" src="/tickwire.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

async function bundle(): Promise<string> {
  const { build } = (await import(require.resolve("vite"))) as typeof Vite;
  const entry = fileURLToPath(new URL("../../clients/typescript/src/index.ts", import.meta.url));
  const result = await build({
    configFile: false,
    logLevel: "error",
    build: { write: false, target: "es2022", lib: { entry, formats: ["iife"], name: "tickwire", fileName: "tickwire" } },
  });
  const [output] = (Array.isArray(result) ? result : [result]) as { output: { code?: string }[] }[];
  return `${output?.output[0]?.code}\nwindow.tickwire = tickwire;`;
}
