// A file on its way to the service: hashed as it is read, then sent in parts, those first that are missing.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { api, putPart, said, type Schemas } from "./api";

const SLICE = 4 * 2 ** 20;
const MEDIA_TYPE = "application/octet-stream";

export type Step = { doing: "Reading" | "Sending"; fraction: number };

/** The completed upload. The same file again sends only what is missing: the service knows it by its hash. */
export async function upload(file: File, tell: (step: Step) => void): Promise<Schemas["Upload"]> {
  const digest = await hashOf(file, (fraction) => tell({ doing: "Reading", fraction }));
  const announced = await said(api.POST("/v1/uploads", { body: { bytes: file.size, sha256: digest, media_type: MEDIA_TYPE } }));
  if (announced.status === "complete") return announced;
  let done = 0;
  for (const part of announced.parts) {
    if (!part.received) {
      const from = (part.number - 1) * announced.part_size;
      await putPart(part, file.slice(from, from + announced.part_size));
    }
    tell({ doing: "Sending", fraction: ++done / announced.parts.length });
  }
  return said(api.POST("/v1/uploads/{upload_id}/complete", { params: { path: { upload_id: announced.id } } }));
}

async function hashOf(file: File, tell: (fraction: number) => void): Promise<string> {
  const hash = sha256.create();
  for (let at = 0; at < file.size; at += SLICE) {
    hash.update(new Uint8Array(await file.slice(at, at + SLICE).arrayBuffer()));
    tell(Math.min(1, (at + SLICE) / file.size));
  }
  return bytesToHex(hash.digest());
}
