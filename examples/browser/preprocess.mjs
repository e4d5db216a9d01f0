// What stands between an image and the network, as preprocess.py of a bundle does it with Pillow, byte for byte.
// Plain JavaScript; runs in browsers and in Node.

/** RGBA, as a canvas gives it, to L or RGB; alpha is dropped. As Pillow's convert("L") and convert("RGB"). */
export function withChannels(rgba, channels) {
  const pixels = new Uint8Array((rgba.length / 4) * channels);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    const r = rgba[from], g = rgba[from + 1], b = rgba[from + 2];
    if (channels === 1) pixels[to++] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
    else (pixels[to++] = r), (pixels[to++] = g), (pixels[to++] = b);
  }
  return pixels;
}

/** For each output position: where its inputs begin, and their weights times 2^22. Pillow's antialiased BILINEAR. */
function bilinear(from, to) {
  const scale = from / to, support = Math.max(scale, 1);
  return Array.from({ length: to }, (_, out) => {
    const center = (out + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    const raw = [];
    for (let at = first; at < end; at++) raw.push(Math.max(0, 1 - Math.abs((at - center + 0.5) * (1 / support))));
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { first, weights: raw.map((weight) => Math.trunc(0.5 + (weight / sum) * (1 << 22))) };
  });
}

function pass(image, target, alongRows) {
  const from = alongRows ? image.width : image.height;
  if (from === target) return image;
  const made = { ...image, [alongRows ? "width" : "height"]: target };
  made.pixels = new Uint8Array(made.width * made.height * made.channels);
  const taps = bilinear(from, target);
  const stride = (alongRows ? 1 : image.width) * image.channels;
  let at = 0;
  for (let y = 0; y < made.height; y++)
    for (let x = 0; x < made.width; x++) {
      const tap = taps[alongRows ? x : y];
      const start = (alongRows ? y * image.width + tap.first : tap.first * image.width + x) * image.channels;
      for (let c = 0; c < made.channels; c++) {
        let sum = 1 << 21, source = start + c;
        for (const weight of tap.weights) {
          sum += image.pixels[source] * weight;
          source += stride;
        }
        made.pixels[at++] = Math.min(255, Math.max(0, sum >> 22));
      }
    }
  return made;
}

/** The rows first, then the columns, as Pillow. `image`: {height, width, channels, pixels}. */
export function resized(image, height, width) {
  return pass(pass(image, width, true), height, false);
}

/** Height and width that an image takes within the network's frame; the rest is padding. */
export function contentSize(h, w, rules) {
  const { height: H, width: W } = rules;
  if (rules.fit !== "letterbox") return [H, W];
  if (w * H >= h * W) return [Math.max(1, Math.floor((2 * h * W + w) / (2 * w))), W];
  return [H, Math.max(1, Math.floor((2 * w * H + h) / (2 * h)))];
}

/** Stretched to the network's size, or by its own aspect ratio at the top left of the padding. */
export function fitted(image, rules) {
  const { height: H, width: W } = rules;
  const [rows, columns] = contentSize(image.height, image.width, rules);
  const content = resized(image, rows, columns);
  if (rows === H && columns === W) return content;
  const { channels } = image;
  const pixels = new Uint8Array(H * W * channels).fill(rules.padding);
  const line = columns * channels;
  for (let y = 0; y < rows; y++) pixels.set(content.pixels.subarray(y * line, (y + 1) * line), y * W * channels);
  return { height: H, width: W, channels, pixels };
}

/** Of an RGBA image the network's input, Float32Array (channels, height, width), by preprocess.json. */
export function toInput(rgba, height, width, rules) {
  const channels = rules.mode === "L" ? 1 : 3;
  const whole = { height, width, channels, pixels: withChannels(rgba, channels) };
  const { pixels } = fitted(whole, rules);
  const size = rules.height * rules.width;
  const input = new Float32Array(size * channels);
  const f = Math.fround;
  for (let at = 0; at < size; at++)
    for (let c = 0; c < channels; c++) {
      const scaled = f(f(pixels[at * channels + c] / 255) - f(rules.mean[c]));
      input[c * size + at] = f(scaled / f(rules.std[c]));
    }
  return input;
}

/** The labels by probability, the best first: [{label, probability}]. */
export function answer(logits, labels, top = 5) {
  const highest = Math.max(...logits);
  const shares = Array.from(logits, (logit) => Math.exp(logit - highest));
  const sum = shares.reduce((total, share) => total + share, 0);
  const ranking = labels.map((label, index) => ({ label, probability: shares[index] / sum }));
  return ranking.sort((one, other) => other.probability - one.probability).slice(0, top);
}
