/** RFC 9420 §7.6. */
import { opaque, struct, vector, type Infer } from "../../codec/index.js";
import { LeafNode } from "./leaf-node.js";

export const HPKECiphertext = struct("HPKECiphertext", { kemOutput: opaque, ciphertext: opaque });
export type HPKECiphertext = Infer<typeof HPKECiphertext>;

export const UpdatePathNode = struct("UpdatePathNode", {
  encryptionKey: opaque,
  encryptedPathSecret: vector(HPKECiphertext),
});
export type UpdatePathNode = Infer<typeof UpdatePathNode>;

export const UpdatePath = struct("UpdatePath", { leafNode: LeafNode, nodes: vector(UpdatePathNode) });
export type UpdatePath = Infer<typeof UpdatePath>;
