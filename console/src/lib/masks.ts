// Masks come as gray pictures of class numbers; here they get colours that differ for neighbouring numbers.

const TURN = 137.5; // degrees: the golden angle

/** Red, green and blue of a class, 0 to 255. */
export function colours(number: number): [number, number, number] {
  const channel = (shift: number): number => {
    const k = (shift + (number * TURN) / 30) % 12;
    return Math.round(255 * (0.55 - 0.4 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** Draws a PNG of class numbers, in base64, at its own size. */
export async function paint(canvas: HTMLCanvasElement, mask: string): Promise<void> {
  const bytes = Uint8Array.from(atob(mask), (letter) => letter.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }), { colorSpaceConversion: "none" });
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d");
  if (!context) return;
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height);
  for (let at = 0; at < pixels.data.length; at += 4) pixels.data.set(colours(pixels.data[at] ?? 0), at);
  context.putImageData(pixels, 0, 0);
}
