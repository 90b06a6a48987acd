/** The visitor's name: what was typed last time, or a call sign. */

const key = "tickwire.name";
const first = ["Swift", "Quiet", "Amber", "Lucky", "Lunar", "Brave", "Rapid", "Solar", "Misty", "Vivid"];
const second = ["Comet", "Falcon", "Otter", "Ember", "Heron", "Lynx", "Kite", "Fox", "Swan", "Wren"];

export function loadName(): string {
  const chosen = new URLSearchParams(location.search).get("name");
  if (chosen !== null) return chosen;
  try {
    // Per tab before per browser: two tabs side by side should not be namesakes, nor two frames in one.
    return (window === top ? sessionStorage.getItem(key) : null) ?? callSign();
  } catch {
    return callSign();
  }
}

export function saveName(name: string): void {
  try {
    if (window === top) sessionStorage.setItem(key, name);
  } catch {
    // Storage is switched off: then the name lasts as long as the page.
  }
}

function callSign(): string {
  return `${pick(first)} ${pick(second)}`;
}

function pick(words: readonly string[]): string {
  return words[Math.floor(Math.random() * words.length)] ?? "";
}
