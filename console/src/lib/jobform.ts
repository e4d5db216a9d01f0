// The spec that a person writes with the form, beside what the service said that would run.

import type { Problem, Schemas } from "./api";
import { kindOf, suits, type Definitions, type Kind, type Schema } from "./fields";
import { at, isObject, isSame, isWithin, ofKind, pointer, put, without, type Json, type Path, type Values } from "./spec";

export interface Known {
  schema: Schema;
  task: string | undefined;
  runs: Values; // of the spec as it was last accepted
  base: Values; // of the dataset and the recipe alone
  chosen: Values; // by the default recipe, or by the one that is named
  reasons: string[]; // of the default recipe
  isByDefault: boolean;
  errors: Problem["errors"];
  warnings: Schemas["SpecWarning"][];
}

export class JobForm {
  /** `body` and `write` are the page's state, so that the form has none of its own. */
  constructor(
    readonly known: () => Known,
    readonly body: () => Values,
    private readonly write: (body: Values) => void,
  ) {}

  get definitions(): Definitions {
    return this.known().schema.$defs ?? {};
  }

  kind(schema: Schema): Kind {
    return kindOf(schema, this.definitions);
  }

  /** Whether the field suits the dataset's task; one that was set is shown all the same, so that it can be taken back. */
  offers(path: Path, schema: Schema): boolean {
    return suits(schema, this.known().task) || this.changed(path) !== undefined;
  }

  changed(path: Path): Json | undefined {
    return at(this.body(), path);
  }

  /** What runs here unless it is changed. */
  applies(path: Path, schema: Schema): Json | undefined {
    const { base, runs } = this.known();
    const from = this.changed(path) === undefined ? runs : base;
    const known = [ofKind(from, this.body(), path), ofKind(base, this.body(), path), schema.default];
    return known.find((value) => value !== undefined); // null is a value
  }

  value(path: Path, schema: Schema): Json | undefined {
    const changed = this.changed(path);
    return changed === undefined ? this.applies(path, schema) : changed;
  }

  /** With the name of the method beside its settings: without, they would be those of patch swap. */
  set(path: Path, value: Json): void {
    const place = this.#tag(path);
    const name = place && this.value(place, {});
    const named = place && name !== undefined && !isSame(place, path) ? put(this.body(), place, name) : this.body();
    this.write(put(named, path, value));
  }

  reset(path: Path): void {
    const left = this.#kept(without(this.body(), path), path.slice(0, -1));
    const place = this.#tag(path);
    const above = path.slice(0, 1);
    const onlyTag = place && isSame(at(left, above), { [place.at(-1) ?? ""]: at(this.known().base, place) ?? null });
    this.write(onlyTag ? without(left, above) : left);
  }

  /** `isOnly`: of the place itself, not of what lies within it. */
  errors(path: Path, isOnly = false): Problem["errors"] {
    return this.known().errors.filter((error) => isAt(error.pointer, path, isOnly));
  }

  warnings(path: Path, isOnly = false): Schemas["SpecWarning"][] {
    return this.known().warnings.filter((warning) => isAt(warning.pointer, path, isOnly));
  }

  origin(path: Path): string {
    if (this.changed(path) !== undefined) return "changed";
    const { base, chosen, isByDefault } = this.known();
    if (ofKind(chosen, this.body(), path) === undefined || ofKind(base, this.body(), path) === undefined) return "";
    return isByDefault ? "chosen for this dataset" : "from the recipe";
  }

  /** The sentences of the default recipe that name what it chose here. */
  why(path: Path): string[] {
    const { chosen, reasons } = this.known();
    const value = this.changed(path) === undefined ? at(chosen, path) : undefined;
    return value === undefined ? [] : reasons.filter((reason) => names(reason, path.at(-1) ?? "", value));
  }

  /** A part that is off by default stays on while its last field is reset. */
  #kept(left: Values, above: Path): Values {
    const wasOn = above.length > 0 && isObject(this.changed(above)) && at(left, above) === undefined;
    return wasOn && at(this.known().base, above) === null ? put(left, above, {}) : left;
  }

  #tag([name = "", ...rest]: Path): Path | undefined {
    const tag = this.known().schema.properties?.[name]?.discriminator?.propertyName;
    return tag && rest.length ? [name, tag] : undefined;
  }
}

function isAt(found: string, path: Path, isOnly: boolean): boolean {
  return isOnly ? found === pointer(path) : isWithin(found, pointer(path));
}

/** Whether a sentence says the value: "ResNet-20" is resnet20, and a number counts with its unit alone. */
function names(sentence: string, field: string, value: Json): boolean {
  const plain = (text: string) => ` ${text.toLowerCase().replace(/[-_]/g, "").replace(/[^a-z0-9]+/g, " ")} `;
  const [first] = Array.isArray(value) ? value : [value];
  const words = typeof first === "number" ? [`${first} ${field}`, ...(field === "image_size" ? [`${first} px`] : [])] : typeof first === "string" ? [first] : [];
  return words.some((word) => plain(sentence).includes(plain(word)));
}
