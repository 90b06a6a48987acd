/**
 * Measures what the package costs a page: bundled and minified by Vite's own bundler, then gzipped.
 *
 *     npm run size              prints the table
 *     npm run size -- --write   puts it into README.md
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";

const client = fileURLToPath(new URL("..", import.meta.url));
const readme = `${client}README.md`;
const [begin, end] = ["<!-- size table: npm run size -- --write -->\n", "<!-- end of size table -->"];

/** What a page imports, and from which entry. */
const imports: [what: string, entry: string, names: string][] = [
  ["the core: `join`, and all that a match does", "index", "{ join }"],
  ["with a `schema`", "index", "{ join, schema, f32, u8, angle16 }"],
  ["with a `schema` and `Motion`", "index", "{ join, schema, f32, u8, angle16, Motion }"],
  ["everything in `tickwire`", "index", "*"],
  ["`tickwire/netgraph`, by itself", "netgraph/index", "*"],
  ["`tickwire/simulate`, by itself", "simulate/index", "*"],
];

export interface Size {
  what: string;
  minified: number;
  gzip: number;
}

export async function measure(): Promise<Size[]> {
  const sizes: Size[] = [];
  for (const [what, entry, names] of imports) {
    const file = `${client}src/${entry}.ts`;
    if (!existsSync(file)) continue;
    const code = `export ${names} from ${JSON.stringify(file)};`;
    const id = "\0page.ts";
    const bundle = await rolldown({
      input: "page",
      plugins: [{ name: "page", resolveId: (name) => (name === "page" ? id : null), load: (name) => (name === id ? code : null) }],
    });
    // As in a page that Vite builds: without the marks that tell bundlers what is pure.
    const { output } = await bundle.generate({ format: "esm", minify: true, comments: false });
    const text = output[0].code;
    sizes.push({ what, minified: Buffer.byteLength(text), gzip: gzipSync(text, { level: 9 }).length });
  }
  return sizes;
}

export function table(sizes: readonly Size[]): string {
  const kilobytes = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KB`;
  const rows = sizes.map(({ what, minified, gzip }) => `| ${what} | ${kilobytes(minified)} | ${kilobytes(gzip)} |`);
  return ["| a page that imports | minified | gzip |", "|---|---|---|", ...rows, ""].join("\n");
}

/** The README: what stands before the table, the table, and what comes after. */
function readmeParts(): [before: string, table: string, after: string] {
  const text = readFileSync(readme, "utf8");
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  return [text.slice(0, from), text.slice(from, to), text.slice(to)];
}

/** The table as the README has it. */
export function tableInReadme(): string {
  return readmeParts()[1];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const measured = table(await measure());
  console.log(measured);
  if (process.argv.includes("--write")) writeFileSync(readme, readmeParts().toSpliced(1, 1, measured).join(""));
}
