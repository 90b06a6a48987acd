/** What every example page needs: its match, its name, the buttons of the bar on top. */

import { showCode } from "./code.ts";

/** The match that the address names, `?match=`, on the host that served the page. */
export function matchUrl(fallback: string): string {
  const match = new URLSearchParams(location.search).get("match") ?? fallback;
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/match/${match}`;
}

/** For the lamp in the bar. Words of one's own instead of the plain ones where there are any. */
export function showStatus(status: "connecting" | "connected" | "reconnecting" | "closed", words?: string): void {
  document.body.dataset["status"] = status;
  const plain = { connecting: "Connecting…", connected: "Connected", reconnecting: "Reconnecting…", closed: "Disconnected" };
  for (const element of document.querySelectorAll(".state")) element.textContent = words ?? plain[status];
}

let toastTimer = 0;

export function toast(words: string): void {
  const element = document.querySelector<HTMLElement>(".toast") ?? document.body.appendChild(document.createElement("div"));
  element.className = "toast shown";
  element.role = "status";
  element.textContent = words;
  clearTimeout(toastTimer);
  toastTimer = window.setTimeout(() => element.classList.remove("shown"), 3_500);
}

/** Copies the page's address: whoever opens it is in the same match. */
export async function copyLink(): Promise<void> {
  try {
    await navigator.clipboard.writeText(location.href);
    toast("Link copied: whoever opens it is here too");
  } catch {
    // Over plain http from another machine, or refused: the address is there to be copied by hand.
    prompt("Copy this link", location.href);
  }
}

// The buttons that a page's bar may have.
document.body.classList.toggle("framed", window !== top);
document.querySelector("[data-action=copy]")?.addEventListener("click", () => void copyLink());
const code = document.querySelector<HTMLElement>("[data-action=code]");
code?.addEventListener("click", () => void showCode(code.dataset["file"] ?? ""));
