// A job spec as nested values: read and changed by path, never in place.

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Values = { [name: string]: Json };
export type Path = readonly string[];

export function isObject(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

export function at(values: Json | undefined, path: Path): Json | undefined {
  return path.reduce<Json | undefined>((here, name) => (isObject(here) ? here[name] : undefined), values);
}

export function put(values: Values, path: Path, value: Json): Values {
  const [name, ...rest] = path;
  if (name === undefined) return values;
  const below = values[name];
  return { ...values, [name]: rest.length ? put(isObject(below) ? below : {}, rest, value) : value };
}

/** Without what is at the path, and without the objects that this leaves empty. */
export function without(values: Values, path: Path): Values {
  const [name, ...rest] = path;
  if (name === undefined || values[name] === undefined) return values;
  const below = values[name];
  const { [name]: _, ...others } = values;
  if (!rest.length || !isObject(below)) return others;
  const left = without(below, rest);
  return Object.keys(left).length ? { ...values, [name]: left } : others;
}

/**
 * What `source` has at the path, if it is of the kind that `asked` names: a method's settings are of no use to another
 * method, by the rule of the service's recipes.
 */
export function ofKind(source: Values, asked: Values, path: Path): Json | undefined {
  for (let depth = 1; depth < path.length; depth++) {
    const place = path.slice(0, depth);
    const name = at(asked, [...place, "name"]);
    if (path.length === depth + 1 && path[depth] === "name") continue;
    if (name !== undefined && name !== at(source, [...place, "name"])) return undefined;
  }
  return at(source, path);
}

/** The values with their paths; objects are gone into, lists are not. */
export function leaves(values: Values, above: Path = []): { path: Path; value: Json }[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const path = [...above, name];
    return isObject(value) && Object.keys(value).length ? leaves(value, path) : [{ path, value }];
  });
}

/** RFC 6901. */
export function pointer(path: Path): string {
  return path.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

export function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(`${outer}/`);
}

/** Without nulls, at every depth: of an object whose fields have null for a default. */
export function withoutNulls(values: Values): Values {
  const kept = Object.entries(values).filter(([, value]) => value !== null);
  const inner = kept.map(([name, value]) => [name, isObject(value) ? withoutNulls(value) : value] as const);
  return Object.fromEntries(inner.filter(([, value]) => !isObject(value) || Object.keys(value).length > 0));
}
