/** A colour for each player, the same in all examples: the golden angle puts neighbours in number far apart in hue. */

export function hueOf(player: number): number {
  return (192 + player * 137.508) % 360;
}

export function colourOf(player: number): string {
  // The same lightness for every hue, and white can be read on it. Beginning where the muddy ones come late.
  return `oklch(0.58 0.17 ${((hueOf(player) + 38) % 360).toFixed(0)})`;
}
