/** RFC 9420 §7.8 and §7.9: what the hashes of the tree are taken over. Nodes come with their encodings, which are hashed as they are. */
import {
  encoded,
  enumeration,
  opaque,
  optional,
  select,
  struct,
  uint32,
  uint8,
  type Infer,
} from "../../codec/index.js";
import { LeafNode } from "./leaf-node.js";
import { ParentNode } from "./parent-node.js";

export const NodeType = { leaf: 1, parent: 2 } as const;
export type NodeType = (typeof NodeType)[keyof typeof NodeType];
export const nodeType = enumeration("NodeType", uint8, NodeType);

export const LeafNodeHashInput = struct("LeafNodeHashInput", {
  leafIndex: uint32,
  leafNode: optional(encoded(LeafNode)),
});
export type LeafNodeHashInput = Infer<typeof LeafNodeHashInput>;

export const ParentNodeHashInput = struct("ParentNodeHashInput", {
  parentNode: optional(encoded(ParentNode)),
  leftHash: opaque,
  rightHash: opaque,
});
export type ParentNodeHashInput = Infer<typeof ParentNodeHashInput>;

export const TreeHashInput = struct(
  "TreeHashInput",
  select("nodeType", nodeType, { leaf: { leafNode: LeafNodeHashInput }, parent: { parentNode: ParentNodeHashInput } }),
);
export type TreeHashInput = Infer<typeof TreeHashInput>;

/** RFC 9420 §7.9. */
export const ParentHashInput = struct("ParentHashInput", {
  encryptionKey: opaque,
  parentHash: opaque,
  originalSiblingTreeHash: opaque,
});
export type ParentHashInput = Infer<typeof ParentHashInput>;
