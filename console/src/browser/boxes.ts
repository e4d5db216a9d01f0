// A detector's outputs as its answer, as portable/boxes.py has it. A anchors, K classes.

const CANDIDATES = 300;
const LEAST_SCORE = 0.01;
const MOST_OVERLAP = 0.55;
const MOST_BOXES = 100;
const SURE = Math.fround(0.3);

type Box = [left: number, top: number, right: number, bottom: number];
export type Detection = { label: string; score: number; box: Box };
type Found = { box: Box; score: number; kind: number };
type Size = [height: number, width: number];

/** The boxes that are sure enough, in pixels of the picture; `content` is its part of the network's frame. */
export function detections(boxes: Float32Array, scores: Float32Array, labels: string[], content: Size, image: Size): Detection[] {
  const [down, across] = [Math.fround(image[0] / content[0]), Math.fround(image[1] / content[1])];
  const rounded = (edge: number, scale: number): number => Math.round(100 * Math.fround(edge * scale)) / 100;
  return chosen(boxes, scores, labels.length, content)
    .filter(({ score }) => score >= SURE)
    .map(({ box: [left, top, right, bottom], score, kind }) => ({
      label: labels[kind] ?? String(kind),
      score,
      box: [rounded(left, across), rounded(top, down), rounded(right, across), rounded(bottom, down)],
    }));
}

function chosen(boxes: Float32Array, scores: Float32Array, classes: number, [height, width]: Size): Found[] {
  const likely: Found[] = [];
  for (let at = 0; at < scores.length; at++) {
    const score = scores[at] ?? 0;
    if (score < LEAST_SCORE) continue;
    const [left = 0, top = 0, right = 0, bottom = 0] = boxes.subarray(4 * Math.floor(at / classes));
    if (left > width || top > height) continue; // in the padding
    likely.push({ box: [Math.min(left, width), Math.min(top, height), Math.min(right, width), Math.min(bottom, height)], score, kind: at % classes });
  }
  likely.sort((one, other) => other.score - one.score);
  const kept: Found[] = [];
  for (const one of likely.slice(0, CANDIDATES)) {
    if (kept.every((surer) => surer.kind !== one.kind || overlap(surer.box, one.box) <= MOST_OVERLAP)) kept.push(one);
  }
  return kept.slice(0, MOST_BOXES);
}

/** Intersection over union. */
function overlap(one: Box, other: Box): number {
  const both = Math.max(0, Math.min(one[2], other[2]) - Math.max(one[0], other[0])) * Math.max(0, Math.min(one[3], other[3]) - Math.max(one[1], other[1]));
  const area = (box: Box): number => (box[2] - box[0]) * (box[3] - box[1]);
  return both / Math.max(area(one) + area(other) - both, 1e-12);
}
