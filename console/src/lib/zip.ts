// A zip as a Blob: headers of a few bytes between files that stay where they are. Nothing is compressed or copied.

export type Entry = { path: string; file: Blob; crc: number };
type Field = [bytes: 2 | 4 | 8, value: number];
type Bytes = Uint8Array<ArrayBuffer>;

const FULL = 0xffffffff; // in a field of 32 bits: see the 64 bits of the extra field
const MANY = 0xffff;
const ZIP64 = 1;
const VERSION = 45; // the first with 64 bits
const UTF8 = 0x0800;
const FIRST_OF_1980 = 0x21; // whenever the files were touched, the same contents are the same bytes

/** The entries in their order. */
export function zip(entries: Entry[]): Blob {
  const parts: BlobPart[] = [];
  const directory: Bytes[] = [];
  let at = 0;
  for (const entry of entries) {
    const name = new TextEncoder().encode(entry.path);
    const header = localHeader(entry, name);
    directory.push(directoryHeader(entry, name, at));
    parts.push(header, entry.file);
    at += header.length + entry.file.size;
  }
  const bytes = directory.reduce((sum, header) => sum + header.length, 0);
  return new Blob([...parts, ...directory, end(entries.length, bytes, at)]);
}

function localHeader({ file, crc }: Entry, name: Bytes): Bytes {
  const extra = file.size >= FULL ? extended([file.size, file.size]) : joined();
  const fields = record([4, 0x04034b50], ...described(file.size, crc, name, extra));
  return joined(fields, name, extra);
}

function directoryHeader({ file, crc }: Entry, name: Bytes, at: number): Bytes {
  const extra = extended([...(file.size >= FULL ? [file.size, file.size] : []), ...(at >= FULL ? [at] : [])]);
  const start: Field[] = [[4, 0x02014b50], [2, VERSION]];
  const rest: Field[] = [[2, 0], [2, 0], [2, 0], [4, 0], [4, Math.min(at, FULL)]];
  return joined(record(...start, ...described(file.size, crc, name, extra), ...rest), name, extra);
}

/** What both headers of a file have. */
function described(size: number, crc: number, name: Bytes, extra: Bytes): Field[] {
  const shown = Math.min(size, FULL);
  return [[2, VERSION], [2, UTF8], [2, 0], [2, 0], [2, FIRST_OF_1980], [4, crc], [4, shown], [4, shown], [2, name.length], [2, extra.length]];
}

function extended(values: number[]): Bytes {
  return values.length ? record([2, ZIP64], [2, 8 * values.length], ...values.map((value): Field => [8, value])) : joined();
}

function end(count: number, bytes: number, at: number): Bytes {
  const last = record([4, 0x06054b50], [2, 0], [2, 0], [2, Math.min(count, MANY)], [2, Math.min(count, MANY)], [4, Math.min(bytes, FULL)], [4, Math.min(at, FULL)], [2, 0]);
  if (count < MANY && bytes < FULL && at < FULL) return last;
  const whole = record([4, 0x06064b50], [8, 44], [2, VERSION], [2, VERSION], [4, 0], [4, 0], [8, count], [8, count], [8, bytes], [8, at]);
  return joined(whole, record([4, 0x07064b50], [4, 0], [8, at + bytes], [4, 1]), last);
}

function record(...fields: Field[]): Bytes {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else if (bytes === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += bytes;
  }
  return new Uint8Array(view.buffer);
}

function joined(...parts: Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
