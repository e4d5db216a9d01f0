// Which page of a list is looked at: lists have cursors, so the way back is remembered.

export class Window {
  #cursors = $state.raw<string[]>([]);

  get after(): string | null {
    return this.#cursors.at(-1) ?? null;
  }

  get isFirst(): boolean {
    return this.#cursors.length === 0;
  }

  back = (): void => {
    this.#cursors = this.#cursors.slice(0, -1);
  };

  on = (lastId: string | null | undefined): void => {
    if (lastId) this.#cursors = [...this.#cursors, lastId];
  };

  restart = (): void => {
    this.#cursors = [];
  };
}
