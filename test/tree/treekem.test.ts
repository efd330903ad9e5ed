import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { suiteOf } from "#dist/mls/suite/index.js";
import { directPath, leafNode } from "#dist/mls/tree/math.js";
import { RatchetTree } from "#dist/mls/tree/ratchet-tree.js";
import { validateTree } from "#dist/mls/tree/tree-validation.js";
import { heldHandles } from "../held-handles.js";
import { TreeWorld } from "./world.js";

const steps = fc.array(
  fc.record({
    by: fc.nat(100),
    adds: fc.nat(3),
    removed: fc.option(fc.nat(100), { freq: 2 }),
    updated: fc.option(fc.nat(100), { freq: 2 }),
  }),
  { minLength: 1, maxLength: 12 },
);

/** One leaf key and one signature key for each, and for each the keys of the nodes that it is not unmerged at. */
function expectedHandles({ tree, members }: TreeWorld): number {
  let count = 0;
  for (const index of members.keys()) {
    const merged = directPath(leafNode(index), tree.depth).filter((node) => {
      const parent = tree.parent(node);
      return parent !== null && !parent.unmergedLeaves.includes(index);
    });
    count += 2 + merged.length;
  }
  return count;
}

async function run(
  world: TreeWorld,
  list: { by: number; adds: number; removed: number | null; updated: number | null }[],
) {
  for (const { by, adds, removed, updated } of list) {
    const indices = [...world.members.keys()];
    const sender = indices[by % indices.length]!;
    const others = indices.filter((index) => index !== sender);
    const pick = (n: number | null) => (n === null || others.length === 0 ? [] : [others[n % others.length]!]);
    const [out] = pick(removed);
    const change = { adds, removed: pick(removed), updated: pick(updated).filter((index) => index !== out) };
    expect(await world.commit(sender, change)).toBe(true);
  }
}

test("all members agree on every commit secret, know just the keys of their path, and leak none", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const before = heldHandles();
      const world = await TreeWorld.of(suiteOf(1), 5);
      await run(world, list);
      const { suite, groupId, tree, requirements } = world;
      for (const [index, { keys }] of world.members) {
        for (const [node, key] of keys.entries()) {
          expect([leafNode(index), ...directPath(leafNode(index), tree.depth)]).toContain(node);
          expect(key.publicKey.equals(tree.node(node)!.encryptionKey)).toBe(true);
        }
      }
      expect(heldHandles() - before).toBe(expectedHandles(world));
      const copy = RatchetTree.decode(suite, tree.encode());
      await validateTree(copy, { suite, groupId, requirements, treeHash: tree.treeHash() });
      world.dispose();
      expect(heldHandles()).toBe(before);
    }),
    { numRuns: 20 },
  );
});

describe("a member alone", () => {
  test("commits with a path of its leaf alone and a fresh commit secret", async () => {
    const world = new TreeWorld(suiteOf(1));
    const proposed = world.propose({});
    const made = await world.create(0, proposed);
    expect(made.updatePath.nodes).toEqual([]);
    const again = await world.create(0, proposed);
    expect(made.secrets.commitSecret.equals(again.secrets.commitSecret)).toBe(false);
    expect(made.secrets.commitSecret.byteLength).toBe(world.suite.Nh);
    made.secrets.dispose();
    again.secrets.dispose();
    world.dispose();
  });
});

describe("a stage of private keys", () => {
  test("merges or is discarded whole", async () => {
    const before = heldHandles();
    const world = await TreeWorld.of(suiteOf(1), 4, [1, 2, 3]);
    const settled = heldHandles();
    const made = await world.create(2, world.propose({}));
    const member = world.members.get(2)!;
    const stage = member.keys.stage(made.tree, made.secrets.takeKeys());
    made.secrets.dispose();
    expect(heldHandles()).toBe(settled + 3);
    stage.discard();
    expect(heldHandles()).toBe(settled);
    expect(await world.commit(1)).toBe(true);

    const next = await world.create(2, world.propose({}));
    const old = member.keys.entries().map(([, key]) => key);
    const merged = member.keys.stage(next.tree, next.secrets.takeKeys()).merge();
    next.secrets.dispose();
    expect(heldHandles()).toBe(settled);
    for (const key of old) expect(() => key.clone()).toThrow(expect.objectContaining({ code: "usage" }));
    member.keys = merged;
    world.dispose();
    expect(heldHandles()).toBe(before);
  });
});
