import type { RatchetType } from "./hash-ratchet.js";

/** Generations whose skipped keys are stored together. */
export const skippedBlock = 32;

/** The keys of so many generations of one ratchet that were passed over. */
export interface SkippedBlock {
  readonly leafIndex: number;
  readonly type: RatchetType;
  /** Of the generations from 32 times this on. */
  readonly block: number;
}

/** What of a secret tree changed since it was last stored. */
export class TouchedKeys {
  /** Leaves whose ratchets moved. Where they came into being, nodes around them changed too. */
  readonly leaves = new Set<number>();
  readonly #blocks = new Map<string, SkippedBlock>();

  get isEmpty(): boolean {
    return this.leaves.size === 0 && this.#blocks.size === 0;
  }

  get blocks(): SkippedBlock[] {
    return [...this.#blocks.values()];
  }

  ratchet(leafIndex: number): void {
    this.leaves.add(leafIndex);
  }

  skipped({ leafIndex, type }: { readonly leafIndex: number; readonly type: RatchetType }, generation: number): void {
    const block = Math.floor(generation / skippedBlock);
    this.#blocks.set(`${leafIndex}/${type}/${block}`, { leafIndex, type, block });
  }

  clear(): void {
    if (this.isEmpty) return; // to clear an empty Set makes memory anew
    this.leaves.clear();
    this.#blocks.clear();
  }
}
