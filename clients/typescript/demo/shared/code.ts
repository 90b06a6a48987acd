/** Shows the source of a page beside it, as it runs, a little coloured. */

const token = /(?<note>\/\*[\s\S]*?\*\/|\/\/.*)|(?<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|(?<word>\b(?:import|from|export|const|let|function|return|if|else|for|of|in|new|await|async|try|catch|null|true|false|interface|type|as)\b)|(?<number>\b\d[\d_.]*\b)/g;

export async function showCode(file: string): Promise<void> {
  const drawer = document.querySelector<HTMLDialogElement>(".code-drawer") ?? (await makeDrawer(file));
  drawer.showModal();
}

async function makeDrawer(file: string): Promise<HTMLDialogElement> {
  const source = await (await fetch(file)).text();
  const drawer = document.createElement("dialog");
  drawer.className = "code-drawer";
  const head = drawer.appendChild(document.createElement("header"));
  const lines = source.split("\n").filter((line) => line.trim() !== "" && !/^\s*(\/\/|\/?\*)/.test(line)).length;
  head.append(make("strong", file.replace(/^.*\/|\.txt$/g, "")), make("span", `${lines} lines, as they run here`));
  const close = head.appendChild(make("button", "Close"));
  close.addEventListener("click", () => drawer.close());
  drawer.addEventListener("click", ({ target }) => target === drawer && drawer.close());
  drawer.appendChild(document.createElement("pre")).append(...coloured(source));
  return document.body.appendChild(drawer);
}

function coloured(source: string): (Node | string)[] {
  const pieces: (Node | string)[] = [];
  let end = 0;
  for (const match of source.matchAll(token)) {
    pieces.push(source.slice(end, match.index));
    const kind = Object.entries(match.groups ?? {}).find(([, found]) => found !== undefined)?.[0] ?? "";
    const piece = make("span", match[0]);
    piece.className = kind;
    pieces.push(piece);
    end = match.index + match[0].length;
  }
  return [...pieces, source.slice(end)];
}

function make(tag: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}
