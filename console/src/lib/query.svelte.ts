// The one way that pages read: a question, its latest answer, and when it is asked again.

import { Refused, type Problem } from "./api";
import { isLive, listen, type Told } from "./live";

const RETRY_MS = 3000;
const LIVE_MS = 60_000; // beside the stream, which says when to ask
const GATHER_MS = 300; // what is heard together is one question

/**
 * Asks `question` now, whenever `key` changes, whenever the stream says something that `concerns` it, and every
 * `every()` milliseconds while the page is looked at.
 *
 * `key` alone is tracked: what the question reads while it runs starts nothing anew.
 */
export class Query<T> {
  data = $state.raw<T>();
  problem = $state.raw<Problem>();
  #ask: () => Promise<T>;
  #round = 0;

  constructor(key: () => unknown, question: () => Promise<T>, every: (data: T) => number = () => 0, concerns?: (told: Told) => boolean) {
    this.#ask = question;
    $effect(() => {
      key();
      let timer: ReturnType<typeof setTimeout> | undefined;
      let gathered: ReturnType<typeof setTimeout> | undefined;
      const round = ++this.#round;
      const go = async () => {
        clearTimeout(timer);
        gathered = undefined;
        const pause = document.hidden ? RETRY_MS : await this.#once(round, every);
        if (round !== this.#round || pause <= 0) return;
        clearTimeout(timer);
        timer = setTimeout(go, concerns && isLive() && !this.problem && !document.hidden ? Math.max(pause, LIVE_MS) : pause);
      };
      void go();
      const deafen = concerns && listen((told) => {
        if (told.name === "ready" || concerns(told)) gathered ??= setTimeout(go, GATHER_MS);
      });
      return () => {
        this.#round++;
        clearTimeout(timer);
        clearTimeout(gathered);
        deafen?.();
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
