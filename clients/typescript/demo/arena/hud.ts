/** The panels around the arena: connection, pilots, name, invitation. Plain DOM, written 5 times a second. */

import type { Match, Status } from "../../src/index.ts";
import { colour, hueOf } from "./colours.ts";
import { Sparkline } from "./sparkline.ts";

export interface RosterRow {
  player: number;
  name: string;
  score: number;
  own: boolean;
  host: boolean;
  away: boolean;
}

const statusText: { [status in Status]: string } = {
  connecting: "Connecting…",
  connected: "Connected",
  reconnecting: "Reconnecting…",
  closed: "Disconnected",
};

export class Hud {
  readonly #age = new Sparkline(element("age-curve") as HTMLCanvasElement, 60);
  #rosterKey = "";

  constructor({ matchName, onName }: { matchName: string; onName: (name: string) => void }) {
    element("match-name").textContent = matchName;
    const name = element("name") as HTMLInputElement;
    name.addEventListener("input", () => onName(name.value.trim()));
    name.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "Escape") name.blur();
    });
    for (const link of document.querySelectorAll<HTMLAnchorElement>("a.second-tab")) link.href = location.href;
    for (const button of document.querySelectorAll<HTMLButtonElement>("button.invite")) {
      button.addEventListener("click", () => void copyInvitation(button));
    }
    const panel = element("connection");
    element("connection-toggle").addEventListener("click", () => {
      const open = panel.classList.toggle("open");
      element("connection-toggle").setAttribute("aria-expanded", String(open));
    });
  }

  setName(name: string): void {
    (element("name") as HTMLInputElement).value = name;
  }

  setStatus(status: Status, detail: string | null): void {
    document.body.dataset["status"] = status;
    element("status").textContent = statusText[status];
    element("notice-text").textContent = status === "closed" ? (detail ?? "The match has ended for you.") : "The connection is back in a moment.";
    element("notice-title").textContent = statusText[status];
  }

  showNumbers(match: Match): void {
    const { stats } = match;
    const age = stats.ownStateAgeMs;
    write("tick-rate", stats.ticksPerSecond.toFixed(0), "/s");
    write("bytes-in", ...bytes(stats.bytesInPerSecond));
    write("bytes-out", ...bytes(stats.bytesOutPerSecond));
    write("age", milliseconds(age), "ms");
    write("round-trip", milliseconds(stats.roundTripMs), "ms");
    write("players", String(match.players.size), "");
    write("divisor", String(stats.divisor), "");
    element("brief").textContent = age === null ? "" : `${milliseconds(age)} ms`;
    this.#age.push(age);
  }

  showRoster(rows: readonly RosterRow[]): void {
    const key = JSON.stringify(rows);
    if (key === this.#rosterKey) return;
    this.#rosterKey = key;
    element("pilot-count").textContent = String(rows.length);
    element("pilots").replaceChildren(...rows.map(rosterItem));
    document.body.classList.toggle("alone", rows.length < 2);
  }
}

function rosterItem({ player, name, score, own, host, away }: RosterRow): HTMLElement {
  const item = make("li", own ? "own" : "");
  item.classList.toggle("away", away);
  const dot = make("i", "dot");
  dot.style.background = colour(hueOf(player));
  dot.style.color = colour(hueOf(player));
  item.append(dot, make("span", "pilot", name));
  if (host) item.append(make("span", "tag host", "host"));
  if (away) item.append(make("span", "tag", "away"));
  item.append(make("span", "score", String(score)));
  return item;
}

async function copyInvitation(button: HTMLButtonElement): Promise<void> {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(location.href);
    button.textContent = "Link copied";
  } catch {
    // Over plain http, or refused: the address is there to be copied by hand.
    prompt("Copy this link", location.href);
  }
  setTimeout(() => (button.textContent = label), 1_600);
}

function milliseconds(value: number | null): string {
  if (value === null) return "–";
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function bytes(value: number): [string, string] {
  return value < 1_000 ? [value.toFixed(0), "B/s"] : [(value / 1_000).toFixed(1), "kB/s"];
}

function write(id: string, value: string, unit: string): void {
  const unitElement = make("small", "", unit);
  element(id).replaceChildren(value, unitElement);
}

function make(tag: string, className: string, text = ""): HTMLElement {
  const made = document.createElement(tag);
  if (className !== "") made.className = className;
  if (text !== "") made.textContent = text;
  return made;
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html has no #${id}`);
  return found;
}
