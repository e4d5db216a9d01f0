// The sha256 of a file, in a thread of its own: it is ready about when the file is sent, and the page stays alive.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { slices } from "./slices";

export type Hashed = { sha256: string } | { unreadable: true };

self.onmessage = (message: MessageEvent<File>) => {
  hashOf(message.data).then(
    (digest) => say({ sha256: digest }),
    () => say({ unreadable: true }),
  );
};

function say(hashed: Hashed): void {
  self.postMessage(hashed);
}

async function hashOf(file: File): Promise<string> {
  const hash = sha256.create();
  for await (const bytes of slices(file)) hash.update(bytes);
  return bytesToHex(hash.digest());
}
