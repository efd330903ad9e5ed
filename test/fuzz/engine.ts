import { Dice } from "../codec/dice.js";
import type { BlockCoverage } from "./coverage.js";
import { mutate } from "./mutate.js";

/** What is fuzzed. */
export interface Target {
  readonly name: string;
  /** Inputs to start from. */
  seeds(): Uint8Array[];
  /**
   * Handles one input; throws when it was not handled as it must be. The answer names what the input reached (variants, rules,
   * places of refusal): an input that reaches something new is kept, beside those that run new code.
   */
  run(input: Uint8Array): readonly string[] | Promise<readonly string[]>;
  /** A change that knows the structure of inputs, used for half of them. */
  readonly mutate?: (input: Uint8Array, dice: Dice) => Uint8Array;
}

export interface FuzzOptions {
  readonly seed: number;
  readonly seconds?: number;
  readonly executions?: number;
  /** Without it the answers of the target guide alone. */
  readonly coverage?: BlockCoverage;
  /** The longest input made, in octets. */
  readonly maxLength?: number;
}

export interface Report {
  readonly executions: number;
  readonly features: number;
  /** The inputs that reached something first, seeds among them. */
  readonly corpus: readonly Uint8Array[];
  /** The first input that was not handled as it must be. */
  readonly finding?: { readonly input: Uint8Array; readonly error: unknown };
}

const batchSize = 64;

/** Mutates inputs, keeps those that reach something new, and stops at the first that fails. */
export async function fuzz(target: Target, options: FuzzOptions): Promise<Report> {
  return new Fuzzer(target, options).run();
}

/** The few of `inputs`, short ones first, that together reach all that they reach. */
export async function minimize(target: Target, inputs: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const reached = new Set<string>();
  const kept: Uint8Array[] = [];
  for (const input of [...inputs].sort((a, b) => a.length - b.length)) {
    const before = reached.size;
    for (const feature of await target.run(input)) reached.add(feature);
    if (reached.size > before) kept.push(input);
  }
  return kept;
}

class Fuzzer {
  private readonly dice: Dice;
  private readonly corpus: Uint8Array[] = [];
  private readonly features = new Set<string>();
  private readonly deadline: number;
  private executions = 0;
  private finding: Report["finding"];

  constructor(
    private readonly target: Target,
    private readonly options: FuzzOptions,
  ) {
    this.dice = new Dice(options.seed);
    this.deadline = options.seconds === undefined ? Infinity : Date.now() + 1000 * options.seconds;
  }

  async run(): Promise<Report> {
    const seeds = this.target.seeds();
    for (let start = 0; start < seeds.length; start += batchSize)
      await this.batch(seeds.slice(start, start + batchSize));
    while (!this.finding && this.executions < (this.options.executions ?? Infinity) && Date.now() < this.deadline) {
      await this.batch(Array.from({ length: batchSize }, () => this.next()));
    }
    const { executions, corpus, finding } = this;
    return { executions, features: this.features.size, corpus, ...(finding ? { finding } : {}) };
  }

  private next(): Uint8Array {
    const input = this.corpus.length > 0 ? this.dice.pick(...this.corpus) : new Uint8Array(0);
    const other = this.corpus.length > 0 ? this.dice.pick(...this.corpus) : input;
    const structured = this.target.mutate !== undefined && this.dice.nat(1) === 0;
    const start = structured ? this.target.mutate(input, this.dice) : input;
    if (structured && this.dice.nat(2) > 0) return start;
    return mutate(start, other, this.dice, this.options.maxLength ?? 4096);
  }

  /** Code coverage costs half a millisecond to read: it is read once a batch, and input by input when there was something new. */
  private async batch(inputs: readonly Uint8Array[]): Promise<void> {
    const plain: Uint8Array[] = [];
    for (const input of inputs) {
      if (this.finding) return;
      if (await this.reachesNew(input)) this.corpus.push(input);
      else plain.push(input);
    }
    const { coverage } = this.options;
    if (!coverage?.take() || plain.length === 0) return;
    coverage.forget();
    for (const input of plain) {
      await this.reachesNew(input);
      if (coverage.take()) this.corpus.push(input);
    }
  }

  private async reachesNew(input: Uint8Array): Promise<boolean> {
    this.executions++;
    try {
      const before = this.features.size;
      for (const feature of await this.target.run(input)) this.features.add(feature);
      return this.features.size > before;
    } catch (error) {
      this.finding = { input, error };
      return false;
    }
  }
}
