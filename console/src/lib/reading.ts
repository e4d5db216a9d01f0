// What a person says of how to read an archive, as the API takes it: only what was said.

import type { Schemas } from "./api";

export type Task = NonNullable<Schemas["NewDataset"]["task"]>;
type Kind = "line" | "depth" | "lines" | "pairs" | "labelmap" | "choice" | "percent" | "number";
export type Field = { pointer: string; label: string; kind: Kind; help: string; tasks?: Task[]; choices?: [string, string][] };
export type Answers = Record<string, string>;
type Said = Pick<Schemas["NewDataset"], "reading" | "splits">;

export const FIELDS: Field[] = [
  { pointer: "/reading/classes_at", label: "Folders that are the classes", kind: "depth", tasks: ["classification"], help: "Their depth: 1 is the top level, 1-2 joins the names of two levels. Or a pattern: data/*/train/*." },
  { pointer: "/reading/labels_from", label: "Where the labels are", kind: "line", tasks: ["classification"], help: "folders; file_names, the word before the number; the path of a table in the archive; or one of its columns: labels.csv:breed." },
  { pointer: "/reading/masks", label: "Folder of the masks", kind: "line", tasks: ["segmentation"], help: "Its path in the archive. Found by its name if empty." },
  { pointer: "/reading/labelmap", label: "What the values of the masks are", kind: "labelmap", tasks: ["segmentation"], help: "One class on each line with its value, road=1, or its colour, road=128,64,128. Needed where the archive does not say." },
  { pointer: "/reading/ignore", label: "Files and folders to leave out", kind: "lines", help: "One pattern on each line: examples/*, *.csv. A * also matches /." },
  { pointer: "/reading/map", label: "Rename or merge classes", kind: "pairs", help: "One on each line: kitten=cat. For masks also values: 255=1." },
  { pointer: "/reading/drop", label: "Classes to leave out", kind: "lines", help: "One name on each line, as it is after renaming." },
  { pointer: "/reading/instances_as", label: "Masks number objects of this class", kind: "line", tasks: ["segmentation"], help: "For masks that number objects, not classes: each object becomes this class, 0 is the background." },
  {
    pointer: "/reading/unlabelled", label: "Images without a label", kind: "choice", help: "Background is for masks and boxes: an image that shows nothing.",
    choices: [["skip", "Leave them out"], ["background", "Keep them as background"], ["refuse", "Refuse the dataset"]],
  },
  { pointer: "/splits/val", label: "Validation images, in %", kind: "percent", help: "10 if empty. Used where the archive has no splits of its own, as the next two." },
  { pointer: "/splits/test", label: "Test images, in %", kind: "percent", help: "20 if empty." },
  { pointer: "/splits/train_per_class", label: "Training images of each class, at most", kind: "number", help: "The others are left out. All are kept if empty." },
];

export function fieldsFor(task: Task): Field[] {
  return FIELDS.filter((field) => field.tasks?.includes(task) ?? true);
}

export function asked(task: Task, answers: Answers): Said {
  const found: Record<string, Record<string, unknown>> = {};
  for (const { pointer, kind } of fieldsFor(task)) {
    const [, part = "", name = ""] = pointer.split("/");
    const text = (answers[pointer] ?? "").trim();
    if (text) found[part] = { ...found[part], [name]: valueOf(kind, text) };
  }
  return found as Said;
}

function valueOf(kind: Kind, text: string): unknown {
  if (kind === "lines") return linesOf(text);
  if (kind === "pairs") return Object.fromEntries(linesOf(text).map(pairOf));
  if (kind === "labelmap") return linesOf(text).map(pairOf).map(([name, said]) => ({ name, ...levelOf(said) }));
  if (kind === "percent") return Number(text) / 100;
  return /^\d+$/.test(text) && (kind === "depth" || kind === "number") ? Number(text) : text;
}

/** The value of a class in masks, or its red, green and blue. */
function levelOf(said: string): Record<string, unknown> {
  return said.includes(",") ? { colour: said.split(",").map(Number) } : { value: said === "" ? null : Number(said) };
}

/** Each option of the command line in a text, as `--ignore`, with the label of its field here. */
export function named(text: string): [string, string][] {
  const fields = FIELDS.map(({ pointer, label }): [string, string] => [`--${pointer.replace(/^\/\w+\//, "").replaceAll("_", "-")}`, label]);
  return fields.filter(([option]) => new RegExp(`${option}(?![\\w-])`).test(text));
}

function linesOf(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

/** Split at the last sign of equality: names of classes may hold one. */
function pairOf(line: string): [string, string] {
  const at = line.lastIndexOf("=");
  return at < 0 ? [line, ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
}
