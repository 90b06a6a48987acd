/** The panels around the arena: connection, pilots, name, invitation. Plain DOM, written 5 times a second at most. */

import type { Match, Status } from "../../src/index.ts";
import type { NetGraph } from "../../src/netgraph/index.ts";
import { type LinkPreset, type SimulatedLink, presets } from "../../src/simulate/index.ts";
import { colour, hueOf } from "./colours.ts";

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
  #rosterKey = "";

  constructor({ matchName, link, onName }: { matchName: string; link: SimulatedLink; onName: (name: string) => void }) {
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
    const choice = element("link") as HTMLSelectElement;
    // Browsers remember choices over a reload; the link is new.
    choice.value = "perfect" satisfies LinkPreset;
    choice.addEventListener("change", () => (link.conditions = presets[choice.value as LinkPreset]));
    element("cut").addEventListener("click", () => link.cut());
  }

  /** The box and the key N both show and hide it. */
  setGraph(graph: NetGraph): void {
    const box = element("graph") as HTMLInputElement;
    box.checked = graph.visible;
    box.addEventListener("change", () => (graph.visible = box.checked));
    new MutationObserver(() => (box.checked = graph.visible)).observe(graph.canvas, { attributeFilter: ["hidden"] });
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

  showAge({ stats }: Pick<Match, "stats">): void {
    const { ownStateAgeMs: age } = stats;
    element("brief").textContent = age === null ? "" : `${age.toFixed(0)} ms`;
  }

  showRoster(rows: readonly RosterRow[]): void {
    const key = JSON.stringify(rows);
    if (key === this.#rosterKey) return;
    this.#rosterKey = key;
    element("pilot-count").textContent = String(rows.length);
    element("pilots").replaceChildren(...rows.map(rosterItem));
    // Whoever came and went, one's own place is in sight.
    element("pilots").querySelector(".own")?.scrollIntoView({ block: "nearest" });
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
