/**
 * One example twice on one screen, `?of=ball`: two players without two windows. Each half is a page with a
 * connection of its own, and closing it is closing its tab.
 */

const addresses: { [example: string]: string } = { arena: "/", cursors: "/cursors/", chat: "/chat/", ball: "/ball/" };
const halvesMax = 4;

const parameters = new URLSearchParams(location.search);
const address = addresses[parameters.get("of") ?? ""] ?? "/";
const main = document.querySelector("main") as HTMLElement;
const another = document.getElementById("another") as HTMLButtonElement;
let opened = 0;

another.addEventListener("click", open);
open();
open();

function open(): void {
  const half = document.createElement("section");
  const frame = document.createElement("iframe");
  opened += 1;
  frame.title = `Page ${opened}`;
  const match = parameters.get("match");
  frame.src = match === null ? address : `${address}?match=${encodeURIComponent(match)}`;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  close.title = "As closing its tab would";
  close.addEventListener("click", () => {
    half.remove();
    count();
  });
  const head = document.createElement("header");
  head.append(frame.title, close);
  half.append(head, frame);
  main.append(half);
  count();
}

function count(): void {
  main.dataset["halves"] = String(main.children.length);
  another.disabled = main.children.length >= halvesMax;
}
