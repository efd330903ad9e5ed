import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { TinyMlsError } from "tinymls";
import { suiteOf } from "#dist/mls/suite/index.js";
import { RatchetTree } from "#dist/mls/tree/ratchet-tree.js";
import { validateTree } from "#dist/mls/tree/tree-validation.js";
import { TreeWorld } from "./world.js";

test("no octet of a valid tree can change, even where the tree hash changes with it", async () => {
  const suite = suiteOf(1);
  const world = await TreeWorld.of(suite, 9, [2, 7]);
  await world.commit(4, { removed: [3], adds: 2 });
  const encoded = world.tree.encode();
  const validate = async (bytes: Buffer) => {
    const tree = RatchetTree.decode(suite, bytes);
    const { groupId, requirements } = world;
    await validateTree(tree, { suite, groupId, requirements, treeHash: tree.treeHash() });
  };
  await validate(encoded);
  const change = fc.tuple(fc.nat(encoded.length - 1), fc.integer({ min: 1, max: 255 }));
  await fc.assert(
    fc.asyncProperty(change, async ([at, flip]) => {
      const changed = Buffer.from(encoded);
      changed[at]! ^= flip;
      const refusal: unknown = await validate(changed).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(TinyMlsError);
      expect(["malformed", "invalid"]).toContain((refusal as TinyMlsError).code);
    }),
    { numRuns: 400 },
  );
  world.dispose();
});
