import { fixed, join, schema } from "tickwire";
import { loadName } from "../shared/name.ts";
import { matchUrl, showStatus } from "../shared/page.ts";
import { drawCursor, dropCursor, ripple, showHere } from "./view.ts";

// A place in the window, as two shares of it: four bytes.
const Place = schema({ x: fixed(0, 1), y: fixed(0, 1) });
const match = await join(matchUrl("cursors"), { name: loadName(), schema: Place }).catch(({ message }) => {
  showStatus("closed", message);
  return new Promise<never>(() => {}); // and that is all
});

// Our pointer is our state: the latest place wins, nobody waits for an old one.
addEventListener("pointermove", ({ clientX, clientY }) => {
  match.state({ x: clientX / innerWidth, y: clientY / innerHeight });
});

// On every tick: where the others are now.
match.on("tick", ({ states }) => {
  for (const [player, { value }] of states) {
    if (player !== match.player) drawCursor(match.players.get(player), value);
  }
});
match.on("left", ({ player }) => dropCursor(player));

// A click must reach everyone, once and in order: that is an event.
addEventListener("pointerdown", ({ clientX, clientY }) => {
  const place = { x: clientX / innerWidth, y: clientY / innerHeight };
  match.send(Place.encode(place), { to: "everyone" });
});
match.on("event", ({ from, data }) => {
  if (data instanceof Uint8Array) ripple(from, Place.decode(data));
});

match.on("roster", () => showHere(match.players.size));
match.on("status", ({ status }) => showStatus(status));
addEventListener("pagehide", ({ persisted }) => persisted || match.leave());
showHere(match.players.size);
showStatus(match.status);
