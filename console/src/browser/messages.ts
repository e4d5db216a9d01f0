// What a page and its worker say to each other.

import type { Guess } from "../../../examples/browser/preprocess.mjs";
import type { Detection } from "./boxes";
import type { Mask, Share } from "./segments";

export type Task = "classification" | "segmentation" | "detection";
export type Asked = { id: number; file: Blob; model: { exportId: string; task: Task } };
type About = { image_size: [number, number]; latency_ms: { decode: number; model: number; total: number } };

/** An answer, with the names that the api's has. */
export type Said = About &
  (
    | { task: "classification"; top: Guess[] }
    | { task: "segmentation"; labels: string[]; classes: Share[]; mask: Mask }
    | { task: "detection"; detections: Detection[] }
  );
export type Told = { id: number; said: Said } | { id: number; trouble: string };
