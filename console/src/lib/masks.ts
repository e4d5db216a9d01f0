// Masks come as gray pictures of class numbers; here they get colours.

import { decode } from "../browser/decode";
import type { Mask } from "../browser/segments";
import { colours } from "./colours";

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
