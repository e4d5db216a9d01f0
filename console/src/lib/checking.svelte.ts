// What the service says of a spec while it is written: one question at a time, and the latest answer counts.

import { api, said, type Schemas } from "./api";
import { Query } from "./query.svelte";
import { Settled } from "./settled.svelte";
import type { Values } from "./spec";

export interface Checked {
  spec: Values;
  found: Schemas["CheckedSpec"];
  base: Values; // what runs if nothing but the dataset and the recipe is given
}

export class Checking {
  #settled: Settled<string>;
  #base: { key: string; resolved: Values } | undefined;
  checked: Query<Checked | undefined>;
  estimate: Query<Schemas["contract__specs__estimate__Estimate"] | undefined>;

  /** `spec` is undefined where there is nothing to ask. */
  constructor(spec: () => Values | undefined) {
    const settled = new Settled(() => JSON.stringify(spec() ?? null));
    this.#settled = settled;
    this.checked = new Query(() => settled.value, () => settled.during(() => this.#check(JSON.parse(settled.value) as Values | null)));
    this.estimate = new Query(() => this.checked.data, async () => {
      const known = this.checked.data;
      return known && (await said(api.POST("/v1/jobs/estimate", { body: known.spec as unknown as Schemas["JobSpec"] })));
    });
  }

  /** Whether what is shown is of an earlier spec. */
  isBehind(spec: Values | undefined): boolean {
    return this.#settled.isBusy || this.#settled.value !== JSON.stringify(spec ?? null);
  }

  async #check(spec: Values | null): Promise<Checked | undefined> {
    if (!spec) return undefined;
    const bare = Object.fromEntries(Object.entries(spec).filter(([name]) => name === "dataset" || name === "recipe"));
    const key = JSON.stringify(bare);
    if (this.#base?.key !== key) this.#base = { key, resolved: (await validate(bare)).resolved as Values };
    return { spec, found: await validate(spec), base: this.#base.resolved };
  }
}

async function validate(spec: Values): Promise<Schemas["CheckedSpec"]> {
  return await said(api.POST("/v1/jobs/validate", { body: spec as unknown as Schemas["JobSpec"] }));
}
