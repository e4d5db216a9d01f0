// From upload to download by types of openapi-typescript and openapi-fetch: node whole_way.js URL KEY ARCHIVE BUNDLE
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Dataset = components["schemas"]["Dataset"];
type Job = components["schemas"]["Job"];

const [url, key, archivePath, target] = process.argv.slice(2) as [string, string, string, string];
const archive = readFileSync(archivePath);
const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });
const sha256 = (content: Uint8Array) => createHash("sha256").update(content).digest("hex");

/** The data of an answer; problems end the program. */
function data<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

async function until<T>(read: () => Promise<T>, done: (found: T) => boolean): Promise<T> {
  const deadline = Date.now() + 300_000;
  for (;;) {
    const found = await read();
    if (done(found)) return found;
    if (Date.now() > deadline) throw new Error(`not in time: ${JSON.stringify(found)}`);
    await new Promise((resume) => setTimeout(resume, 500));
  }
}

// Whatever has a default may be left out.
const webhook = data(await client.POST("/v1/webhooks", { body: { url: "https://example.com/hook" } }));
const ofWebhook = { path: { webhook_id: webhook.id } };
data(await client.PATCH("/v1/webhooks/{webhook_id}", { params: ofWebhook, body: { events: ["job.succeeded"] } }));
data(await client.POST("/v1/webhooks/{webhook_id}/rotate_secret", { params: ofWebhook, body: {} }));
data(await client.POST("/v1/api_keys", { body: { name: "line 3" } }));

const upload = data(
  await client.POST("/v1/uploads", {
    body: { bytes: archive.length, sha256: sha256(archive), media_type: "application/zip" },
  }),
);
for (const part of upload.parts) {
  const start = (part.number - 1) * upload.part_size;
  const sent = await client.PUT("/v1/uploads/{upload_id}/parts/{number}", {
    params: { path: { upload_id: upload.id, number: part.number } },
    body: "",
    bodySerializer: () => archive.subarray(start, start + upload.part_size),
    headers: { "Content-Type": "application/octet-stream" },
  });
  if (!sent.response.ok) throw new Error(JSON.stringify(sent.error));
}
data(await client.POST("/v1/uploads/{upload_id}/complete", { params: { path: { upload_id: upload.id } } }));
const created = data(
  await client.POST("/v1/datasets", { body: { upload_id: upload.id, name: "noise", task: "classification" } }),
);
const dataset = await until<Dataset>(
  async () => data(await client.GET("/v1/datasets/{dataset_id}", { params: { path: { dataset_id: created.id } } })),
  (found) => found.status === "ready",
);
const body: components["schemas"]["JobSpec"] = {
  dataset: dataset.id,
  seed: 1,
  training: { epochs: 1, pairs_per_batch: 8 },
};
data(await client.POST("/v1/jobs/validate", { body }));
const submitted = data(await client.POST("/v1/jobs", { body }));
const job = await until<Job>(
  async () => data(await client.GET("/v1/jobs/{job_id}", { params: { path: { job_id: submitted.id } } })),
  (found) => found.finished_at !== null,
);
if (job.status !== "succeeded" || job.model_id === null) throw new Error(JSON.stringify(job.error));
const exports = data(await client.GET("/v1/models/{model_id}/exports", { params: { path: { model_id: job.model_id } } }));
const [made] = exports.data;
if (made === undefined) throw new Error("there is no export");
const bundle = await client.GET("/v1/exports/{export_id}/download", {
  params: { path: { export_id: made.id } },
  parseAs: "arrayBuffer",
});
const content = new Uint8Array(data(bundle) as unknown as ArrayBuffer);
if (sha256(content) !== made.sha256) throw new Error("the bundle is not the one that was made");
writeFileSync(target, content);
