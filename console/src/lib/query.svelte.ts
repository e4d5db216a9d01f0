// The one way that pages read: a question, its latest answer, and when it is asked again.

import { Refused, type Problem } from "./api";

const RETRY_MS = 3000;

/**
 * Asks `question` now, whenever `key` changes, and every `every()` milliseconds while the page is looked at.
 *
 * `key` alone is tracked: what the question reads while it runs starts nothing anew.
 */
export class Query<T> {
  data = $state.raw<T>();
  problem = $state.raw<Problem>();
  #ask: () => Promise<T>;
  #round = 0;

  constructor(key: () => unknown, question: () => Promise<T>, every: (data: T) => number = () => 0) {
    this.#ask = question;
    $effect(() => {
      key();
      let timer: ReturnType<typeof setTimeout> | undefined;
      const round = ++this.#round;
      const go = async () => {
        const pause = document.hidden ? RETRY_MS : await this.#once(round, every);
        if (round === this.#round && pause > 0) timer = setTimeout(go, pause);
      };
      void go();
      return () => {
        this.#round++;
        clearTimeout(timer);
      };
    });
  }

  /** Ask at once, beside the clock. */
  again = async (): Promise<void> => {
    await this.#once(this.#round, () => 0);
  };

  async #once(round: number, every: (data: T) => number): Promise<number> {
    try {
      const found = await this.#ask();
      if (round !== this.#round) return 0;
      this.data = found;
      this.problem = undefined;
      return every(found);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (round === this.#round) this.problem = error.problem;
      return error.problem.retryable ? RETRY_MS : 0;
    }
  }
}
