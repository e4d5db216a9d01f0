// Masks come as gray pictures of class numbers; here they get colours that differ for neighbouring numbers.

import { decode } from "../browser/decode";
import type { Mask } from "../browser/segments";

const TURN = 137.5; // degrees: the golden angle

/** Red, green and blue of a class, 0 to 255. */
export function colours(number: number): [number, number, number] {
  const channel = (shift: number): number => {
    const k = (shift + (number * TURN) / 30) % 12;
    return Math.round(255 * (0.55 - 0.4 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** Draws class numbers, those of a PNG in base64 or as they are, at their own size. */
export async function paint(canvas: HTMLCanvasElement, mask: string | Mask): Promise<void> {
  const { height, width, classes } = typeof mask === "string" ? await read(mask) : mask;
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  if (!context) return;
  const pixels = context.createImageData(width, height);
  classes.forEach((number, at) => pixels.data.set([...colours(number), 255], 4 * at));
  context.putImageData(pixels, 0, 0);
}

async function read(mask: string): Promise<Mask> {
  const bytes = Uint8Array.from(atob(mask), (letter) => letter.charCodeAt(0));
  const { height, width, data } = await decode(new Blob([bytes]));
  return { height, width, classes: Uint8Array.from({ length: height * width }, (_, at) => data[4 * at] ?? 0) };
}
