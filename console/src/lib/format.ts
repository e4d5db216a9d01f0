// Numbers as people read them: always with their unit, in the reader's own time.

import type { Schemas } from "./api";

export const METRIC_NAMES: Record<string, string> = { top1_accuracy: "top-1 accuracy", mean_iou: "mIoU", ap: "AP" };

export function percent(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : `${(100 * value).toFixed(1)} %`;
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let power = 0;
  while (value >= 1000 && power < units.length - 1) {
    value /= 1000;
    power++;
  }
  return `${power ? value.toPrecision(3) : value} ${units[power]}`;
}

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : value.toLocaleString("en");
}

export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export function milliseconds(value: number): string {
  return `${value < 1000 ? value.toPrecision(3) : Math.round(value)} ms`;
}

const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export function time(at: string | null | undefined): string {
  return at ? WHEN.format(new Date(at)) : "–";
}

/** To the second, for what follows closely. */
export function clock(at: string): string {
  return CLOCK.format(new Date(at));
}

const SPLITS = ["train", "val", "test"];

/** Splits in the order in which they are used. */
export function inOrder(splits: string[]): string[] {
  return [...splits].sort((a, b) => SPLITS.indexOf(a) - SPLITS.indexOf(b));
}

export function headline(model: { headline: Schemas["Headline"] | null; evaluation_split?: string | null }): string {
  if (model.headline === null) return "–";
  const { metric, value } = model.headline;
  return `${percent(value)} ${METRIC_NAMES[metric] ?? metric}`;
}

/** The figure that stands for a metric's key in a legend: "val.top1_accuracy" is "top-1 accuracy (validation)". */
export function metricName(key: string): string {
  const parts = key.split(".");
  const name = parts.at(-1) ?? key;
  const where = parts.includes("val") ? " (validation)" : "";
  const arm = parts[0] === "control" ? "baseline: " : "";
  return `${arm}${METRIC_NAMES[name] ?? name.replaceAll("_", " ")}${where}`;
}
