/** The operations of a client that are not over, which closing it waits for: what they make is wiped with the rest. */
export class Running {
  readonly #all = new Set<Promise<unknown>>();

  async run<T>(operation: () => Promise<T>): Promise<T> {
    const running = operation();
    this.#all.add(running);
    try {
      return await running;
    } finally {
      this.#all.delete(running);
    }
  }

  /** When all that run now are over, whatever came of them. */
  async over(): Promise<void> {
    await Promise.allSettled(this.#all);
  }
}
