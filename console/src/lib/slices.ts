// A file read piece by piece, so that it is never in memory as a whole.

const SLICE = 2 ** 20;
const LARGE = 2 ** 26; // below it, the garbage of all pieces is little
const STALL_MS = 3000;

/** Each piece is valid until the next one is asked for: those of a large file share one buffer. */
export async function* slices(file: File): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let at = 0;
  if (file.size > LARGE) {
    for await (const piece of intoOneBuffer(file)) {
      at += piece.length;
      yield piece;
    }
  }
  for (; at < file.size; at += SLICE) yield new Uint8Array(await file.slice(at, at + SLICE).arrayBuffer());
}

/** As much of the file as comes: in Chromium, one in some hundred of these readers stops in the middle and says nothing. */
async function* intoOneBuffer(file: File): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = readerOf(file);
  let buffer = new Uint8Array(SLICE);
  while (reader) {
    const read = await inTime(reader.read(buffer));
    if (!read?.value || read.done) return;
    yield read.value;
    buffer = new Uint8Array(read.value.buffer);
  }
}

/** Nothing where the browser's files are no byte streams. */
function readerOf(file: File): ReadableStreamBYOBReader | undefined {
  try {
    return file.stream().getReader({ mode: "byob" });
  } catch {
    return undefined;
  }
}

async function inTime<T>(promise: Promise<T>): Promise<T | undefined> {
  let timer = 0;
  const late = new Promise<undefined>((resolve) => (timer = self.setTimeout(resolve, STALL_MS, undefined)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
