// Pictures of a dataset version as pages show them, wherever they were listed.

import { api, said, type Schemas } from "./api";

export type Version = Schemas["DatasetVersion"];
export type Sample = Schemas["Sample"];
export type Twins = Schemas["Twins"];
export type Split = Sample["split"];
export type Suspects = Schemas["api__schemas__models__SuspectedLabels"];
export type Inspection = Schemas["Inspection"];
export type Shown = Pick<Sample, "index" | "path" | "split" | "image_url" | "thumbnail_url" | "mask_url" | "boxes"> & {
  label: string;
  size: [height: number, width: number] | undefined;
};

const MOST = 200; // of a page
const MOST_NAMED = 40; // in one address

export function shownOf(sample: Sample): Shown {
  const isMarked = sample.boxes !== null || sample.mask_url !== null;
  const objects = sample.classes.filter((name) => name.toLowerCase() !== "background");
  const label = isMarked ? objects.join(", ") : sample.class_name;
  return { ...sample, label: label || (isMarked ? "nothing" : "no label"), size: [sample.height, sample.width] };
}

export function suspectShown({ index, path, split, label, label_probability, suggested, suggested_probability, thumbnail_url }: Suspects["held_out"][number]): Shown {
  const verdict = `labelled ${label} (${share(label_probability)}), network: ${suggested} (${share(suggested_probability)})`;
  return { index, path, split, thumbnail_url, image_url: thumbnail_url.replace(/thumbnail$/, "image"), mask_url: null, boxes: null, label: verdict, size: undefined };
}

function share(probability: number): string {
  return `${(100 * probability).toFixed(0)}\u00a0%`;
}

export function pathOf(version: Version): { dataset_id: string; version_id: string } {
  return { dataset_id: version.dataset_id, version_id: version.id };
}

/** By index: every picture that is listed as a near-duplicate of the kind. */
export async function twinsShown(version: Version, kind: Twins["kind"]): Promise<Map<number, Shown>> {
  const found = new Map<number, Shown>();
  let after = -1;
  for (;;) {
    const query = { twins: kind, limit: MOST, after };
    const page = await said(api.GET("/v1/datasets/{dataset_id}/versions/{version_id}/samples", { params: { path: pathOf(version), query } }));
    for (const sample of page.data) found.set(sample.index, shownOf(sample));
    if (!page.has_more) return found;
    after = Number(page.last_id);
  }
}

/** Small pictures of the files that findings name, by their path: of what was left out, and of the first stored ones. */
export async function thumbnailsOf(version: Version, findings: Schemas["Finding"][], leftOut: Inspection["left_out"]): Promise<Map<string, string>> {
  const found = new Map(leftOut.flatMap(({ path, thumbnail }) => (thumbnail ? [[path, thumbnail]] : [])));
  const named = new Set(findings.map(({ path }) => path).filter((path) => path !== null && !found.has(path)));
  const path = [...named].slice(0, MOST_NAMED) as string[];
  if (path.length === 0) return found;
  const page = await said(api.GET("/v1/datasets/{dataset_id}/versions/{version_id}/samples", { params: { path: pathOf(version), query: { path, limit: MOST } } }));
  for (const sample of page.data) found.set(sample.path, sample.thumbnail_url);
  return found;
}

/** What the newest model of the version contradicts; null where no model was trained. */
export async function suspected(version: Version): Promise<Suspects | null> {
  const jobs = await said(api.GET("/v1/jobs", { params: { query: { dataset: version.id, status: "succeeded", limit: 20 } } }));
  const trained = jobs.data.find((job) => job.model_id !== null);
  if (!trained?.model_id) return null;
  return said(api.GET("/v1/models/{model_id}/suspected-labels", { params: { path: { model_id: trained.model_id } } }));
}
