// A picture's pixels as Pillow decodes them: as they are stored, in no colour space, whatever lies under transparency.

import { orientationOf, turned, withoutOrientation, type Rgba } from "./exif";

const MOST_PIXELS = 40_000_000; // as the api
const OTHERS = "This browser answers for JPEG, PNG and WebP pictures alone. The service takes this one, too.";
const DEEP = "This browser reads 8 bits a channel alone, and this picture has 16. The service takes it.";
const PRINTED = "This browser reads red, green and blue alone, and this picture has the colours of print (CMYK). The service takes it.";
const DAMAGED = "The picture is damaged and cannot be decoded. Save it anew.";
const GRAY = 0;

/** A picture that cannot be used, with the reason. */
export class Unusable extends Error {}

/** Upright, RGBA. Throws Unusable. */
export async function decode(file: Blob): Promise<Rgba> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const type = typeOf(bytes);
  if (type === undefined) throw new Unusable(OTHERS);
  if (type === "image/png" && bytes[24] === 16 && bytes[25] === GRAY) throw new Unusable(DEEP);
  if (type === "image/jpeg" && componentsOf(bytes) === 4) throw new Unusable(PRINTED);
  const found = type === "image/jpeg" ? await drawn(bytes, type) : await stored(bytes, type);
  if (found.height * found.width > MOST_PIXELS) throw new Unusable(`The picture has more than ${MOST_PIXELS.toLocaleString("en")} pixels. Scale it down.`);
  return found;
}

function typeOf(bytes: Uint8Array): string | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, 12));
  if (start.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (start.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  return start.startsWith("RIFF") && start.endsWith("WEBP") ? "image/webp" : undefined;
}

/** Of a JPEG: 1, 3 or 4. 0 where the file does not say. */
function componentsOf(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 2; at + 10 <= file.length; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return view.getUint8(at + 9);
  }
  return 0;
}

async function stored(bytes: Uint8Array<ArrayBuffer>, type: string): Promise<Rgba> {
  return turned((await asStored(bytes, type)) ?? (await drawn(withoutOrientation(bytes), type)), orientationOf(bytes));
}

/** Undefined where the browser cannot say, or holds other than red, green and blue. A canvas would lose what is transparent. */
async function asStored(bytes: Uint8Array<ArrayBuffer>, type: string): Promise<Rgba | undefined> {
  if (!("ImageDecoder" in globalThis)) return undefined;
  const decoder = new ImageDecoder({ data: bytes, type, colorSpaceConversion: "none" });
  try {
    const { image: frame } = await decoder.decode({ frameIndex: 0 });
    const read = await channels(frame);
    frame.close();
    return read;
  } catch {
    throw new Unusable(DAMAGED);
  } finally {
    decoder.close();
  }
}

async function channels(frame: VideoFrame): Promise<Rgba | undefined> {
  if (frame.format === null || !/^(RGB|BGR)[AX]$/.test(frame.format)) return undefined;
  const { visibleRect: rect } = frame;
  if (!rect) return undefined;
  const data = new Uint8Array(4 * rect.width * rect.height);
  await frame.copyTo(data, { layout: [{ offset: 0, stride: 4 * rect.width }] });
  if (frame.format.startsWith("B")) {
    for (let at = 0; at < data.length; at += 4) [data[at], data[at + 2]] = [data[at + 2] ?? 0, data[at] ?? 0];
  }
  return { height: rect.height, width: rect.width, data };
}

/** A JPEG comes turned as its EXIF says. */
async function drawn(bytes: Uint8Array<ArrayBuffer>, type: string): Promise<Rgba> {
  const bitmap = await createImageBitmap(new Blob([bytes], { type }), { colorSpaceConversion: "none", premultiplyAlpha: "none", imageOrientation: "from-image" }).catch(() => {
    throw new Unusable(DAMAGED);
  });
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Unusable("This browser has no memory left for the picture.");
  context.drawImage(bitmap, 0, 0);
  const { height, width, data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  bitmap.close();
  return { height, width, data };
}
