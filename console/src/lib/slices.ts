// A file read piece by piece, so that it is never in memory as a whole.

const SLICE = 2 ** 20;

export async function* slices(file: File): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < file.size; at += SLICE) yield new Uint8Array(await file.slice(at, at + SLICE).arrayBuffer());
}
