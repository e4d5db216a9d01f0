// A segmentation network's logits as its answer, as portable/segmentation.py has it. K classes.

const TOP = 5;

export type Mask = { height: number; width: number; classes: Uint8Array };
export type Share = { label: string; share: number; probability: number };
type Size = [height: number, width: number];

/** The classes that cover most of the picture, and which pixel is whose; `content` is its part of the network's `frame`. */
export function segments(logits: Float32Array, labels: string[], frame: Size, [height, width]: Size): { classes: Share[]; mask: Mask } {
  const mask = new Uint8Array(height * width);
  const pixels = new Float64Array(labels.length);
  const sure = new Float64Array(labels.length);
  const plane = frame[0] * frame[1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [kind, probability] = likeliest(logits, y * frame[1] + x, plane, labels.length);
      mask[y * width + x] = kind;
      pixels[kind] = (pixels[kind] ?? 0) + 1;
      sure[kind] = (sure[kind] ?? 0) + probability;
    }
  }
  const all = labels.map((label, kind) => ({ label, share: (pixels[kind] ?? 0) / mask.length, probability: (sure[kind] ?? 0) / (pixels[kind] || 1) }));
  const classes = all.filter(({ share }) => share > 0).sort((one, other) => other.share - one.share).slice(0, TOP);
  return { classes, mask: { height, width, classes: mask } };
}

function likeliest(logits: Float32Array, at: number, plane: number, count: number): [kind: number, probability: number] {
  let [kind, highest] = [0, -Infinity];
  for (let each = 0; each < count; each++) {
    const logit = logits[each * plane + at] ?? -Infinity;
    if (logit > highest) [kind, highest] = [each, logit];
  }
  let sum = 0;
  for (let each = 0; each < count; each++) sum += Math.exp((logits[each * plane + at] ?? -Infinity) - highest);
  return [kind, 1 / sum];
}
