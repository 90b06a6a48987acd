/** How a pointer, a ripple and the number of people look. Knows nothing of the network. */

import { colourOf } from "../shared/colours.ts";

/** In shares of the window. */
interface Place {
  x: number;
  y: number;
}

/** CSS pixels that a name beside its pointer may need. */
const labelRoom = 150;

const cursors = new Map<number, HTMLElement>();

export function drawCursor(who: { player: number; name: string } | undefined, { x, y }: Place): void {
  if (who === undefined) return;
  const cursor = cursors.get(who.player) ?? makeCursor(who.player);
  const label = cursor.querySelector("span");
  if (label !== null && label.textContent !== who.name) label.textContent = who.name;
  // Near the right edge the name stands on the other side.
  cursor.classList.toggle("left", x * innerWidth > innerWidth - labelRoom);
  cursor.style.transform = `translate(${x * innerWidth}px, ${y * innerHeight}px)`;
}

export function dropCursor(player: number): void {
  cursors.get(player)?.remove();
  cursors.delete(player);
}

/** Null is what is no place: any client may send any bytes into a match. */
export function ripple(player: number, place: Place | null): void {
  if (place === null) return;
  const ring = document.createElement("i");
  ring.className = "ripple";
  ring.style.color = colourOf(player);
  ring.style.left = `${place.x * 100}%`;
  ring.style.top = `${place.y * 100}%`;
  ring.addEventListener("animationend", () => ring.remove());
  document.body.append(ring);
  // Where motion is not wanted there is no animation, and no end of one.
  setTimeout(() => ring.remove(), 1_500);
}

export function showHere(players: number): void {
  document.body.classList.toggle("alone", players < 2);
  const count = document.getElementById("count");
  if (count !== null) count.textContent = players < 2 ? "Only you" : `${players} people`;
}

function makeCursor(player: number): HTMLElement {
  const cursor = document.createElement("div");
  cursor.className = "cursor";
  cursor.dataset["player"] = String(player);
  cursor.style.setProperty("--who", colourOf(player));
  cursor.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M3 2.5 20.5 11l-7.6 2.3L9.6 20.8z"/></svg><span></span>';
  document.body.append(cursor);
  cursors.set(player, cursor);
  return cursor;
}
