// What control a part of a JSON Schema is drawn as, and how its values are written.

import { isObject, type Json } from "./spec";

export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string;
  const?: Json;
  enum?: Json[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  discriminator?: { propertyName: string; mapping: Record<string, string> };
  properties?: Record<string, Schema>;
  items?: Schema;
  prefixItems?: Schema[];
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  pattern?: string;
  description?: string;
  default?: Json;
  "x-tasks"?: Record<string, Json[]> | string[];
}

export type Definitions = Record<string, Schema>;

export type Kind =
  | { kind: "choice"; options: Json[]; isOpen: boolean } // open: other text is taken, too
  | { kind: "number"; of: Schema }
  | { kind: "written"; words: Json[]; numbers: "none" | "one" | "list" | "both" }
  | { kind: "several"; options: Json[] }
  | { kind: "group"; of: Schema; isOptional: boolean }
  | { kind: "variants"; tag: string; variants: Record<string, Schema> }
  | { kind: "json" };

/** What a `$ref` stands for; what is written beside it goes before. */
export function resolve(schema: Schema, definitions: Definitions): Schema {
  if (schema.$ref === undefined) return schema;
  const { $ref, ...beside } = schema;
  return { ...resolve(definitions[$ref.slice($ref.lastIndexOf("/") + 1)] ?? {}, definitions), ...beside };
}

export function kindOf(part: Schema, definitions: Definitions): Kind {
  const schema = resolve(part, definitions);
  if (schema.discriminator) return variants(schema, schema.discriminator, definitions);
  const arms = (schema.anyOf ?? [schema]).map((arm) => resolve(arm, definitions));
  const words = arms.flatMap((arm) => closed(arm) ?? []);
  const open = arms.filter((arm) => closed(arm) === undefined);
  const [only] = open;
  if (only === undefined) return { kind: "choice", options: words, isOpen: false };
  if (open.every(isNumeric)) return numeric(open, words);
  if (open.length > 1) return { kind: "json" };
  if (only.properties) return { kind: "group", of: only, isOptional: words.includes(null) };
  if (only.type === "array" && only.items?.enum) return { kind: "several", options: only.items.enum };
  if (only.type === "string") return textual(only, words);
  return { kind: "json" };
}

/** Every value that a schema takes, if these can be listed. */
function closed(schema: Schema): Json[] | undefined {
  if (schema.const !== undefined) return [schema.const];
  if (schema.enum) return schema.enum;
  if (schema.type === "boolean") return [true, false];
  return schema.type === "null" ? [null] : undefined;
}

function isNumeric(schema: Schema): boolean {
  const inner = schema.prefixItems ?? (schema.items ? [schema.items] : []);
  return isNumber(schema) || (schema.type === "array" && inner.length > 0 && inner.every(isNumber));
}

function isNumber(schema: Schema): boolean {
  return schema.type === "integer" || schema.type === "number";
}

function numeric(open: Schema[], words: Json[]): Kind {
  const [only] = open;
  if (only && open.length === 1 && words.length === 0 && isNumber(only)) return { kind: "number", of: only };
  const numbers = open.length > 1 ? "both" : open.some(isNumber) ? "one" : "list";
  return { kind: "written", words, numbers };
}

function textual(schema: Schema, words: Json[]): Kind {
  if (words.length > 2) return { kind: "choice", options: words, isOpen: true };
  return { kind: "written", words: [...literals(schema.pattern ?? ""), ...words], numbers: "none" };
}

/** The plain words among the alternatives of a pattern as `^(auto|imagenet|(a|b)_.+)$`. */
function literals(pattern: string): string[] {
  const inner = /^\^\((.*)\)\$$/.exec(pattern)?.[1] ?? "";
  return inner.split("|").filter((word) => /^[a-z]+$/.test(word));
}

function variants(schema: Schema, { propertyName, mapping }: NonNullable<Schema["discriminator"]>, definitions: Definitions): Kind {
  const found = Object.entries(mapping).map(([name, $ref]) => [name, resolve({ $ref }, definitions)] as const);
  const order = (schema.oneOf ?? []).map((arm) => arm.$ref);
  const place = (name: string) => order.indexOf(mapping[name]);
  return { kind: "variants", tag: propertyName, variants: Object.fromEntries(found.sort(([a], [b]) => place(a) - place(b))) };
}

/** Whether a choice suits the task, by `x-tasks`: lists by task, or the list of tasks. */
export function suits(schema: Schema, task: string | undefined, choice?: Json): boolean {
  const tasks = schema["x-tasks"];
  if (tasks === undefined || task === undefined) return true;
  if (Array.isArray(tasks)) return tasks.includes(task);
  const isListed = (names: Json[] | undefined) => choice !== undefined && (names?.includes(choice) ?? false);
  return isListed(tasks[task]) || !Object.values(tasks).some(isListed);
}

/** As people write a value: none for null, yes and no, lists with commas. */
export function written(value: Json | undefined): string {
  if (value === undefined) return "";
  if (value === null) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map(written).join(", ");
  return isObject(value) ? JSON.stringify(value) : String(value);
}

/** The value of what was written; what fits nothing stays text, of which the service says what is wrong. */
export function read(text: string, kind: Extract<Kind, { kind: "written" }>): Json {
  const plain = text.trim();
  const word = kind.words.find((one) => written(one) === plain);
  if (word !== undefined) return word;
  const numbers = plain.split(/[\s,x×]+/).map(Number);
  if (kind.numbers === "none" || numbers.some(Number.isNaN)) return plain;
  const [first] = numbers;
  return numbers.length === 1 && kind.numbers !== "list" && first !== undefined ? first : numbers;
}

/** A field's name as people read it, with the unit that the name ends in or its description begins with. */
export function label(name: string, description = ""): string {
  const [, stem = name, unit = /^Pixels\b/.test(description) ? "px" : ""] = /^(.+)_(seconds|ms|bytes|points|epochs)$/.exec(name) ?? [];
  const text = stem.replaceAll("_", " ").replace(/^(ce|kd|mmd|ema)\b/, (word) => word.toUpperCase());
  return `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}${unit && ` (${unit})`}`;
}
