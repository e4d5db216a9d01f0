// A colour for each class: one that differs from its neighbours', or the one that the service paints masks in.

const TURN = 137.5; // degrees: the golden angle

/** Red, green and blue of a class, 0 to 255. */
export function colours(number: number): [number, number, number] {
  const channel = (shift: number): number => {
    const k = (shift + (number * TURN) / 30) % 12;
    return Math.round(255 * (0.55 - 0.4 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** `_SHADES` of core/datasets/samples.py. */
function shade(number: number): [number, number, number] {
  return [(67 * number) % 256, (131 * number) % 256, (29 * number) % 256];
}

export function colourOf(number: number, task: string): string {
  return `rgb(${(task === "segmentation" ? shade : colours)(number).join()})`;
}
