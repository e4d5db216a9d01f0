// A file on its way to the service: sent in parts, those first that are missing, and hashed meanwhile. A page that is
// closed leaves the upload's id behind, by which the next one goes on.

import { api, isPassing, putPart, Refused, said, told, type Schemas } from "./api";
import type { Hashed } from "./hash.worker";

type Upload = Schemas["Upload"];
export type Step = { doing: "Reading" | "Sending" | "Checking"; fraction: number };

const MEDIA_TYPE = "application/octet-stream";
const LONGEST_WAIT_MS = 30_000;
const ATTEMPTS = 10; // of a request: three minutes without the service

/** The completed upload. Of a file that was begun before, by whichever page, only what is missing is sent. */
export async function upload(file: File, tell: (step: Step) => void): Promise<Upload> {
  const hashing = hashOf(file);
  try {
    const begun = await goOn(file) ?? await begin(file);
    await send(file, begun, tell);
    tell({ doing: "Checking", fraction: 1 });
    return await complete(file, begun.id, await hashing.sha256);
  } finally {
    hashing.end();
  }
}

async function begin(file: File): Promise<Upload> {
  const begun = await said(api.POST("/v1/uploads", { body: { bytes: file.size, media_type: MEDIA_TYPE } }));
  localStorage.setItem(nameOf(file), begun.id);
  return begun;
}

/** The upload that another page began with this file; nothing where there is none that takes parts. */
async function goOn(file: File): Promise<Upload | undefined> {
  const id = localStorage.getItem(nameOf(file));
  if (id === null) return undefined;
  try {
    const found = await said(api.GET("/v1/uploads/{upload_id}", { params: { path: { upload_id: id } } }));
    return found.status === "open" && Date.parse(found.expires_at) > Date.now() ? found : undefined;
  } catch (error) {
    if (error instanceof Refused && error.problem.status === 404) return undefined;
    throw error;
  }
}

async function send(file: File, begun: Upload, tell: (step: Step) => void): Promise<void> {
  let done = 0;
  for (const part of begun.parts) {
    tell({ doing: "Sending", fraction: done++ / begun.parts.length });
    const from = (part.number - 1) * begun.part_size;
    if (!part.received) {
      const bytes = file.slice(from, from + begun.part_size);
      await patiently(file, bytes, () => putPart(begun.id, part.number, bytes));
    }
  }
}

/** Again and again while the service is away or busy. */
async function patiently<T>(file: File, needed: Blob, act: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      await requireReadable(file, needed);
      if (attempt === ATTEMPTS || !isPassing(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(LONGEST_WAIT_MS, 500 * 2 ** attempt)));
    }
  }
}

/** Where the bytes are not the file's, the next attempt begins with nothing. */
async function complete(file: File, id: string, sha256: string): Promise<Upload> {
  const path = { upload_id: id };
  try {
    const ask = () => said(api.POST("/v1/uploads/{upload_id}/complete", { params: { path }, body: { sha256 } }));
    const done = await patiently(file, file.slice(0, 1), ask);
    localStorage.removeItem(nameOf(file));
    return done;
  } catch (error) {
    if (error instanceof Refused && error.problem.code === "checksum_mismatch") {
      localStorage.removeItem(nameOf(file));
      await api.DELETE("/v1/uploads/{upload_id}", { params: { path } });
    }
    throw error;
  }
}

function nameOf(file: File): string {
  return `patchswap-upload:${file.name}:${file.size}:${file.lastModified}`;
}

function hashOf(file: File): { sha256: Promise<string>; end: () => void } {
  const worker = new Worker(new URL("./hash.worker.ts", import.meta.url), { type: "module" });
  const sha256 = new Promise<string>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Hashed>) => ("sha256" in data ? resolve(data.sha256) : reject(unreadable(file)));
    worker.onerror = (event) => reject(new Refused(told(`The file could not be hashed: ${event.message}. Reload the page.`)));
  });
  sha256.catch(() => undefined); // it is awaited once all is sent
  worker.postMessage(file);
  return { sha256, end: () => worker.terminate() };
}

async function requireReadable(file: File, needed: Blob): Promise<void> {
  await needed.arrayBuffer().catch(() => {
    throw unreadable(file);
  });
}

function unreadable(file: File): Refused {
  return new Refused(told(`The browser can no longer read all of ${file.name}: it changed or was moved. Choose it again.`));
}
