// A value that is followed once it has been still for a moment, and once nobody is busy with the one before.

const STILL_MS = 350;

export class Settled<T> {
  value = $state.raw() as T;
  isBusy = $state(false);

  constructor(source: () => T) {
    this.value = source();
    $effect(() => {
      const next = source();
      if (this.isBusy || next === this.value) return;
      const timer = setTimeout(() => (this.value = next), STILL_MS);
      return () => clearTimeout(timer);
    });
  }

  /** Holds the value until the question is answered. */
  async during<A>(question: () => Promise<A>): Promise<A> {
    this.isBusy = true;
    try {
      return await question();
    } finally {
      this.isBusy = false;
    }
  }
}
