// The one way that pages change something beside what a query reads.

import { Refused, type Problem } from "./api";

/** Acts, then asks `shown` again. What the service refused is `problem`, until the next act. */
export class Action {
  problem = $state.raw<Problem>();
  #shown: { again: () => Promise<void> };

  constructor(shown: { again: () => Promise<void> }) {
    this.#shown = shown;
  }

  async run(act: () => Promise<unknown>): Promise<void> {
    this.problem = undefined;
    try {
      await act();
      await this.#shown.again();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.problem = error.problem;
    }
  }
}
