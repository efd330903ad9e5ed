/** RFC 9420 §12.4.3.3: ratchet trees in words. */
import { NodeType, type LeafNode, type RatchetTree } from "../../mls/objects/index.js";
import { credentialText } from "./credential.js";
import type { Outline } from "./outline.js";

export function describeRatchetTree(out: Outline, nodes: RatchetTree): void {
  const leaves: [number, LeafNode][] = [];
  let [parents, unmerged] = [0, 0];
  nodes.forEach((node, index) => {
    if (node?.nodeType === NodeType.leaf) leaves.push([index / 2, node.leafNode]);
    if (node?.nodeType === NodeType.parent) {
      parents++;
      unmerged += node.parentNode.unmergedLeaves.length;
    }
  });
  const width = Math.ceil(nodes.length / 2);
  out.add("members", `${leaves.length}, on ${width} ${width === 1 ? "leaf" : "leaves"}`);
  out.add("parents", `${parents} of ${Math.max(0, width - 1)} not blank, ${unmerged} entries of unmerged leaves`);
  out.list(leaves, (inner, [index, leaf]) => inner.add(`leaf ${index}`, credentialText(leaf.credential)));
}
