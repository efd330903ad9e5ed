/** RFC 9420 §12.4.3.3. */
import { encoded, named, optional, select, struct, vector, type Infer } from "../../codec/index.js";
import { LeafNode, TreeLeafNode } from "./leaf-node.js";
import { ParentNode } from "./parent-node.js";
import { nodeType } from "./tree-hash.js";

export const Node = struct(
  "Node",
  select("nodeType", nodeType, { leaf: { leafNode: LeafNode }, parent: { parentNode: ParentNode } }),
);
export type Node = Infer<typeof Node>;

/** The nodes of the array-based tree of Appendix C; null where blank. */
export const RatchetTree = named("RatchetTree", vector(optional(Node)));
export type RatchetTree = Infer<typeof RatchetTree>;

/** A node whose leaf or parent keeps its encoding, for hashing and signature checks. */
export const EncodedNode = struct(
  "Node",
  select("nodeType", nodeType, {
    leaf: { leafNode: encoded(TreeLeafNode) },
    parent: { parentNode: encoded(ParentNode) },
  }),
);
export type EncodedNode = Infer<typeof EncodedNode>;

/** The same octets as `RatchetTree`. */
export const EncodedRatchetTree = named("RatchetTree", vector(optional(EncodedNode)));
export type EncodedRatchetTree = Infer<typeof EncodedRatchetTree>;
