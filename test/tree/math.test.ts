import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  ancestor,
  commonAncestor,
  copath,
  depthFor,
  directPath,
  endLeaf,
  firstLeaf,
  inSubtree,
  leafNode,
  left,
  level,
  maxDepth,
  nodeWidth,
  parent,
  right,
  root,
  sibling,
} from "#dist/mls/tree/math.js";

const depths = fc.integer({ min: 1, max: maxDepth });
const depthAndLeaf = depths.chain((depth) => fc.tuple(fc.constant(depth), fc.nat(2 ** depth - 1)));

describe("relations hold up to the greatest depth", () => {
  test("children and parents undo each other", () => {
    fc.assert(
      fc.property(depthAndLeaf, ([depth, leaf]) => {
        for (const node of directPath(leafNode(leaf), depth)) {
          expect(level(left(node))).toBe(level(node) - 1);
          expect(parent(left(node))).toBe(node);
          expect(parent(right(node))).toBe(node);
          expect(sibling(left(node))).toBe(right(node));
          expect(sibling(right(node))).toBe(left(node));
          expect(firstLeaf(node)).toBe(firstLeaf(left(node)));
          expect(endLeaf(left(node))).toBe(firstLeaf(right(node)));
          expect(endLeaf(node)).toBe(endLeaf(right(node)));
        }
      }),
    );
  });

  test("the direct path leads to the root, the copath beside it", () => {
    fc.assert(
      fc.property(depthAndLeaf, ([depth, leaf]) => {
        const path = directPath(leafNode(leaf), depth);
        expect(path).toHaveLength(depth);
        expect(path.at(-1)).toBe(root(depth));
        const below = [leafNode(leaf), ...path.slice(0, -1)];
        expect(copath(leafNode(leaf), depth)).toEqual(below.map(sibling));
        below.forEach((node, i) => expect(parent(node)).toBe(path[i]));
        for (const node of path) expect(inSubtree(leafNode(leaf), node)).toBe(true);
        for (const node of copath(leafNode(leaf), depth)) expect(inSubtree(leafNode(leaf), node)).toBe(false);
      }),
    );
  });

  test("the common ancestor is the lowest node over both", () => {
    fc.assert(
      fc.property(depthAndLeaf, fc.nat(), ([depth, a], other) => {
        const b = other % 2 ** depth;
        const common = commonAncestor(leafNode(a), leafNode(b));
        const paths = [a, b].map((leaf) => [leafNode(leaf), ...directPath(leafNode(leaf), depth)]);
        expect(common).toBe(paths[0]!.find((node) => paths[1]!.includes(node)));
        expect(commonAncestor(common, leafNode(a))).toBe(common);
      }),
    );
  });

  test("ancestors by level", () => {
    fc.assert(
      fc.property(depthAndLeaf, ([depth, leaf]) => {
        const path = [leafNode(leaf), ...directPath(leafNode(leaf), depth)];
        path.forEach((node, at) => expect(ancestor(leafNode(leaf), at)).toBe(node));
      }),
    );
  });
});

test("the depth for a number of leaves is the least that holds them", () => {
  expect([1, 2, 3, 4, 5, 8, 9, 2 ** 29].map(depthFor)).toEqual([0, 1, 2, 2, 3, 3, 4, 29]);
  expect([0, 1, 2, 29].map(nodeWidth)).toEqual([1, 3, 7, 2 ** 30 - 1]);
});
