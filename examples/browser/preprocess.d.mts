// Types of preprocess.mjs, for TypeScript.

export type Rules = {
  mode: "L" | "RGB";
  height: number;
  width: number;
  mean: number[];
  std: number[];
  input: string;
  output: string;
  fit?: "stretch" | "letterbox";
  padding?: number;
  depth_range?: [number, number] | null;
  tiles?: { shrink: number; overlap: number };
};
export type Guess = { label: string; probability: number };

export function contentSize(height: number, width: number, rules: Rules): [rows: number, columns: number];
export function toInput(rgba: Uint8Array | Uint8ClampedArray, height: number, width: number, rules: Rules): Float32Array<ArrayBuffer>;
export function answer(logits: ArrayLike<number>, labels: string[], top?: number): Guess[];
