import { expect } from "@jest/globals";
import { depthFor, left, level, nodeWidth, parent, right, root, sibling } from "#dist/mls/tree/math.js";
import { testEntries } from "../vectors.js";

interface Entry {
  n_leaves: number;
  n_nodes: number;
  root: number;
  left: (number | null)[];
  right: (number | null)[];
  parent: (number | null)[];
  sibling: (number | null)[];
}

testEntries<Entry>("mls/tree-math.json", (entry) => {
  const depth = depthFor(entry.n_leaves);
  const nodes = Array.from({ length: entry.n_nodes }, (_, node) => node);
  expect(nodeWidth(depth)).toBe(entry.n_nodes);
  expect(root(depth)).toBe(entry.root);
  expect(nodes.map((node) => (level(node) === 0 ? null : left(node)))).toEqual(entry.left);
  expect(nodes.map((node) => (level(node) === 0 ? null : right(node)))).toEqual(entry.right);
  expect(nodes.map((node) => (node === root(depth) ? null : parent(node)))).toEqual(entry.parent);
  expect(nodes.map((node) => (node === root(depth) ? null : sibling(node)))).toEqual(entry.sibling);
});
