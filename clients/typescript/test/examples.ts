/** The code in the README and the guide. */

import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const client = fileURLToPath(new URL("..", import.meta.url));

export interface Example {
  /** `guide/time.md 2`, or the name of the file in its first line. */
  name: string;
  page: string;
  code: string;
}

/** Every block of TypeScript, in order. A block that begins with `// src/net.ts` is that file. */
export function examples(): Example[] {
  const pages = ["README.md", ...readdirSync(`${client}guide`).map((name) => `guide/${name}`)];
  return pages.flatMap((page) =>
    [...readFileSync(client + page, "utf8").matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = ""], index) => ({
      name: /^\/\/ (?:\w+\/)?([\w.-]+)\.ts/.exec(code)?.[1] ?? `${page.replaceAll(/\W+/g, "-")}-${index + 1}`,
      page,
      code,
    })),
  );
}
