/** How a chat looks. Knows nothing of the network. */

import { colourOf } from "../shared/colours.ts";

export { loadName } from "../shared/name.ts";
export { matchUrl, showStatus } from "../shared/page.ts";

export const form = document.querySelector("form") as HTMLFormElement;
export const input = form.querySelector("input") as HTMLInputElement;
const list = document.querySelector("ol") as HTMLOListElement;
const empty = document.getElementById("empty");

const shownMax = 500;
/** Messages of one person that follow each other so soon stand together. */
const togetherMs = 60_000;

let last: { id: unknown; name: string; at: number } | null = null;

/** `data` is what came: a message of this page, or whatever else somebody sent into the match. */
export function addMessage(data: unknown, ownId: number): void {
  const { id, name, text } = read(data);
  const own = id === ownId;
  const now = Date.now();
  const follows = last !== null && last.id === id && last.name === name && now - last.at < togetherMs;
  last = { id, name, at: now };
  const item = document.createElement("li");
  item.classList.toggle("own", own);
  item.classList.toggle("follows", follows);
  item.style.setProperty("--who", colourOf(numberOf(name)));
  if (!follows) {
    const head = item.appendChild(document.createElement("div"));
    head.className = "head";
    head.append(make("b", own ? "You" : name), make("time", new Date(now).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })));
  }
  item.append(make("p", text));
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  list.append(item);
  if (list.children.length > shownMax) list.firstElementChild?.remove();
  if (atEnd || own) list.scrollTop = list.scrollHeight;
  if (empty !== null) empty.hidden = true;
}

function read(data: unknown): { id: unknown; name: string; text: string } {
  if (typeof data !== "string") return { id: null, name: "Somebody", text: "(something that is not text)" };
  try {
    const value = JSON.parse(data) as { id?: unknown; name?: unknown; text?: unknown };
    if (typeof value.name === "string" && typeof value.text === "string") return { id: value.id, name: value.name.slice(0, 40), text: value.text };
  } catch {
    // Five lines of somebody's own, perhaps: show what they say.
  }
  return { id: null, name: "Somebody", text: data };
}

/** The same colour for a name on every page. */
function numberOf(name: string): number {
  let sum = 7;
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9_973;
  return sum;
}

function make(tag: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}
