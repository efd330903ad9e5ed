/** Random choices that follow from a seed alone (mulberry32), cheap enough for a thousand of them in each value. */
export class Dice {
  constructor(private state: number) {}

  /** From 0 to `max`. */
  nat(max: number): number {
    return Math.floor(this.fraction() * (max + 1));
  }

  pick<T>(...items: readonly T[]): T {
    return items[this.nat(items.length - 1)]!;
  }

  uint64(): bigint {
    const [high, low] = [this.nat(0xffffffff), this.nat(0xffffffff)];
    return this.pick(0n, 1n, 2n ** 64n - 1n, (BigInt(high) << 32n) | BigInt(low));
  }

  private fraction(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
