// The CRC-32 of many files, in a thread of its own. Some are read at once: opening a small file takes longer than reading it.

import { crc32 } from "./crc32";
import { slices } from "./slices";

export type Summed = { read: number } | { crcs: Uint32Array } | { unreadable: string };

const AT_ONCE = 8;
const TELL_MS = 100;

let read = 0;
let told = 0;

self.onmessage = (message: MessageEvent<File[]>) => {
  void sum(message.data).then(say);
};

function say(summed: Summed): void {
  self.postMessage(summed);
}

async function sum(files: File[]): Promise<Summed> {
  const crcs = new Uint32Array(files.length);
  let next = 0;
  let unreadable: string | undefined;
  const take = async (): Promise<void> => {
    for (let place = next++; place < files.length && unreadable === undefined; place = next++) {
      const file = files[place] as File;
      try {
        crcs[place] = await sumOf(file);
      } catch {
        unreadable = file.name;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, take));
  return unreadable === undefined ? { crcs } : { unreadable };
}

async function sumOf(file: File): Promise<number> {
  let crc = 0;
  for await (const bytes of slices(file)) {
    crc = crc32(bytes, crc);
    read += bytes.length;
    if (performance.now() - told > TELL_MS) {
      told = performance.now();
      say({ read });
    }
  }
  return crc;
}
