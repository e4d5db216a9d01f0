// A file read piece by piece, so that it is never in memory as a whole.

const SLICE = 2 ** 20;

/** Each piece is valid until the next one is asked for: they share one buffer, where the browser can do that. */
export async function* slices(file: File): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = readerOf(file);
  if (reader) yield* intoOneBuffer(reader);
  else for (let at = 0; at < file.size; at += SLICE) yield new Uint8Array(await file.slice(at, at + SLICE).arrayBuffer());
}

/** Nothing where the browser's files are no byte streams. */
function readerOf(file: File): ReadableStreamBYOBReader | undefined {
  try {
    return file.stream().getReader({ mode: "byob" });
  } catch {
    return undefined;
  }
}

async function* intoOneBuffer(reader: ReadableStreamBYOBReader): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let buffer = new Uint8Array(SLICE);
  for (;;) {
    const { done, value } = await reader.read(buffer);
    if (done || !value) return;
    yield value;
    buffer = new Uint8Array(value.buffer);
  }
}
