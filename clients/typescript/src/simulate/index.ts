/**
 * The package `tickwire/simulate`: a bad link for development, without tools and without root.
 *
 *     const link = new SimulatedLink(presets.train);
 *     const match = await join(url, { WebSocket: link.WebSocket });
 *     link.stall(2_000);             // a tunnel
 *     link.conditions = { latencyMs: 150 };
 *
 * Every socket made by `link.WebSocket` runs over this one link. While the conditions are `{}` it adds
 * nothing, not even a timer. In a hidden page the browser's timers are slow, and so is a bad link.
 */

export { type LinkConditions, type LinkPreset, presets } from "./conditions.ts";
export { SimulatedLink, type SimulatedLinkOptions } from "./link.ts";
export type { SimulatedSocket } from "./socket.ts";
