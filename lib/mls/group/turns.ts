/** Lets the operations of one group run one after the other, in the order in which they were asked for. */
export class Turns {
  #last: Promise<unknown> | undefined;

  take<T>(operation: () => T | Promise<T>): Promise<T> {
    const turn = this.#last === undefined ? start(operation) : this.#last.then(operation);
    // Whether it failed is told to whoever asked for it.
    const over = (): void => {
      if (this.#last === settled) this.#last = undefined;
    };
    const settled: Promise<void> = turn.then(over, over);
    this.#last = settled;
    return turn;
  }
}

/** At once; what it throws is a rejection all the same. */
async function start<T>(operation: () => T | Promise<T>): Promise<T> {
  return operation();
}
