// The same training as lines for a shell: curl, and the command line of patchswap.

import { isObject, isSame, leaves, withoutNulls, type Json, type Path, type Values } from "./spec";

const OPTIONS: Record<string, (value: Json) => string[]> = {
  recipe: (value) => (value === null ? ["--set", "recipe=null"] : ["--recipe", String(value)]),
  budget_seconds: (value) => ["--budget", `${value}s`],
  name: (value) => ["--name", String(value)],
  seed: (value) => [`--seed=${value}`],
  priority: (value) => [`--priority=${value}`],
  control: (value) => [value ? "--control" : "--no-control"],
};
const LIMITS: Record<string, string> = { max_drop_points: "max_drop", max_bytes: "max_bytes", max_latency_ms: "max_latency_ms" };

/** One word for a POSIX shell. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export function curl(spec: Values, origin: string): string {
  const headers = ['-H "Authorization: Bearer $PATCHSWAP_API_KEY"', '-H "Content-Type: application/json"'];
  return joined([`curl ${headers.join(" ")}`, `-d ${quote(JSON.stringify(spec))}`, `${origin}/v1/jobs`]);
}

/** `dataset` is the name of the dataset that the spec has by its id. */
export function commandLine(spec: Values, dataset: string): string {
  const { dataset: id, ...changed } = spec;
  const isName = dataset && !/^dsv?_/.test(dataset) && !dataset.includes("@") && !dataset.startsWith("-");
  const options = Object.entries(changed).flatMap(([name, value]) => option(name, value));
  return joined([`patchswap train --dataset ${quote(isName ? dataset : String(id))}`, ...options.map((words) => words.map(quote).join(" "))]);
}

function joined(lines: string[]): string {
  return lines.join(" \\\n  ");
}

function option(name: string, value: Json): string[][] {
  const own = OPTIONS[name];
  const isPlain = value === null ? name === "recipe" : typeof value !== "object";
  if (own && isPlain) return [own(value)];
  if (name === "exports" && Array.isArray(value) && value.length) {
    const files = value.map(file);
    if (files.every((text) => text !== undefined)) return files.map((text) => ["--export", text]);
  }
  const isFlat = isObject(value) && leaves(value).every(({ path }) => path.every((part) => /^[^.=\s]+$/.test(part)));
  return isFlat ? leaves({ [name]: value }).map(({ path, value }) => assignment(path, value)) : [assignment([name], value)];
}

function assignment(path: Path, value: Json): string[] {
  return ["--set", `${path.join(".")}=${typeof value === "string" ? bare(value) : JSON.stringify(value)}`];
}

/** Text as it is, unless it would be read as JSON, in Python's reading of it. */
function bare(text: string): string {
  try {
    if (/^-?(NaN|Infinity)$/.test(text)) return JSON.stringify(text);
    JSON.parse(text);
    return JSON.stringify(text);
  } catch {
    return text;
  }
}

/** `int8,onnx,max_drop=1`; undefined where a file has more than that can say. */
function file(value: Json): string | undefined {
  if (!isObject(value)) return undefined;
  const { precision, format, constraints, ...more } = withoutNulls(value);
  const limits = isObject(constraints) ? Object.entries(constraints) : [];
  const words = [precision, format].filter((word) => word !== undefined).map(String);
  const isSaid = isSame(more, {}) && words.length > 0 && limits.every(([name]) => name in LIMITS);
  return isSaid ? [...words, ...limits.map(([name, limit]) => `${LIMITS[name]}=${limit}`)].join(",") : undefined;
}
