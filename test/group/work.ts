// How much work a call is, told by what it computes and allocates and not by the time it takes.
import type { Group } from "tinymls";
import { Suite } from "#dist/mls/suite/suite.js";

export interface Work {
  /** Calls of hashes, derivations, signatures and encryptions. */
  readonly primitives: number;
  /** Octets of new buffers. */
  readonly octets: number;
  /** Places of the ratchet tree that are not those of the version before. */
  readonly places: number;
}

type Method = (this: Suite, ...inputs: unknown[]) => unknown;
type Allocate = (size: number, ...rest: unknown[]) => Buffer;

export async function workOf(group: Group, call: () => Promise<unknown>): Promise<Work> {
  const count = { primitives: 0, octets: 0 };
  const restore = [...countPrimitives(count), ...countAllocations(count)];
  const before = new Set(blocksOf(group));
  try {
    await call();
  } finally {
    for (const each of restore) each();
  }
  const fresh = group.isClosed ? [] : blocksOf(group).filter((block) => !before.has(block));
  return { ...count, places: fresh.reduce<number>((sum, { nodes }) => sum + nodes.length, 0) };
}

function countPrimitives(count: { primitives: number }): (() => void)[] {
  const suite = Suite.prototype as unknown as Record<string, Method>;
  const names = Object.getOwnPropertyNames(Suite.prototype).filter((name) => name !== "constructor");
  return names.flatMap((name) => {
    const original = Object.getOwnPropertyDescriptor(Suite.prototype, name)!.value as Method | undefined;
    if (typeof original !== "function") return [];
    suite[name] = function (...inputs) {
      // Many at once are as many.
      const [list] = inputs;
      count.primitives += Array.isArray(list) ? list.length : 1;
      return original.apply(this, inputs);
    };
    return [() => (suite[name] = original)];
  });
}

function countAllocations(count: { octets: number }): (() => void)[] {
  const buffer = Buffer as unknown as Record<string, Allocate>;
  return ["alloc", "allocUnsafe", "allocUnsafeSlow"].map((name) => {
    const original = buffer[name]!;
    buffer[name] = (size, ...rest) => {
      count.octets += size;
      return original.call(Buffer, size, ...rest);
    };
    return () => (buffer[name] = original);
  });
}

interface TreeBlock {
  readonly nodes: readonly unknown[];
  readonly children: readonly (TreeBlock | null)[];
}

function blocksOf(group: Group): TreeBlock[] {
  const blocks: TreeBlock[] = [];
  const visit = (block: TreeBlock): void => {
    blocks.push(block);
    for (const child of block.children) if (child !== null) visit(child);
  };
  visit(group.publicEpoch.tree.blocks);
  return blocks;
}
