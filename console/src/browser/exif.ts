// How a picture must be turned to stand upright, by EXIF. A JPEG is turned by the browser itself; others are not.

export type Rgba = { height: number; width: number; data: Uint8Array | Uint8ClampedArray };

const ORIENTATION = 0x0112;
const ON_THEIR_SIDE = 5; // and above
const letters = new TextDecoder("latin1");

type Chunk = { name: number; content: Uint8Array };

/** 1 to 8; 1 where the file says nothing. Of PNG and WebP. */
export function orientationOf(file: Uint8Array): number {
  const found = chunkOf(file);
  return found === undefined ? 1 : inTiff(found.content);
}

/** The same PNG or WebP without a word of how it is to be turned: some browsers heed it there, others do not. */
export function withoutOrientation(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const found = chunkOf(file);
  if (found === undefined) return file;
  const silent = file.slice();
  silent.set([0x78, 0x78, 0x78, 0x78], found.name); // a chunk that nobody knows is passed over
  return silent;
}

/** Upright, by one of EXIF's eight orientations. */
export function turned(image: Rgba, orientation: number): Rgba {
  if (orientation < 2 || orientation > 8) return image;
  const onItsSide = orientation >= ON_THEIR_SIDE;
  const height = onItsSide ? image.width : image.height;
  const width = onItsSide ? image.height : image.width;
  const from = new Uint32Array(image.data.slice().buffer);
  const to = new Uint32Array(from.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [row, column] = source(orientation, y, x, image);
      to[y * width + x] = from[row * image.width + column] ?? 0;
    }
  }
  return { height, width, data: new Uint8Array(to.buffer) };
}

/** Where the pixel of an upright picture lies in the one that is stored. */
function source(orientation: number, y: number, x: number, { height, width }: Rgba): [row: number, column: number] {
  const [bottom, right] = [height - 1, width - 1];
  switch (orientation) {
    case 2:
      return [y, right - x];
    case 3:
      return [bottom - y, right - x];
    case 4:
      return [bottom - y, x];
    case 5:
      return [x, y];
    case 6:
      return [bottom - x, y];
    case 7:
      return [bottom - x, right - y];
    default:
      return [x, right - y];
  }
}

function chunkOf(file: Uint8Array): Chunk | undefined {
  return file[0] === 0x89 ? pngChunk(file) : webpChunk(file);
}

function pngChunk(file: Uint8Array): Chunk | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 8; at + 12 <= file.length; ) {
    const length = view.getUint32(at);
    if (letters.decode(file.subarray(at + 4, at + 8)) === "eXIf") return { name: at + 4, content: file.subarray(at + 8, at + 8 + length) };
    at += 12 + length;
  }
  return undefined;
}

function webpChunk(file: Uint8Array): Chunk | undefined {
  if (letters.decode(file.subarray(8, 12)) !== "WEBP") return undefined;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 12; at + 8 <= file.length; ) {
    const length = view.getUint32(at + 4, true);
    if (letters.decode(file.subarray(at, at + 4)) === "EXIF") return { name: at, content: file.subarray(at + 8, at + 8 + length) };
    at += 8 + length + (length % 2);
  }
  return undefined;
}

function inTiff(chunk: Uint8Array): number {
  const named = letters.decode(chunk.subarray(0, 6)) === "Exif\0\0";
  const tiff = named ? chunk.subarray(6) : chunk;
  const isLittle = tiff[0] === 0x49;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  if (tiff.length < 10) return 1;
  const start = view.getUint32(4, isLittle);
  if (start + 2 > tiff.length) return 1;
  const entries = view.getUint16(start, isLittle);
  for (let entry = 0; entry < entries; entry++) {
    const at = start + 2 + 12 * entry;
    if (at + 12 > tiff.length) return 1;
    if (view.getUint16(at, isLittle) === ORIENTATION) return view.getUint16(at + 8, isLittle);
  }
  return 1;
}
