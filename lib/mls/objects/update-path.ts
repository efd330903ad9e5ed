/** RFC 9420 §7.6. */
import { opaque, spans, struct, vector, type Infer } from "../../codec/index.js";
import { LeafNode } from "./leaf-node.js";

export const HPKECiphertext = struct("HPKECiphertext", { kemOutput: opaque, ciphertext: opaque });
export type HPKECiphertext = Infer<typeof HPKECiphertext>;

/** In a large group there are thousands of ciphertexts, one of which is for the reader. */
export const UpdatePathNode = struct("UpdatePathNode", {
  encryptionKey: opaque,
  encryptedPathSecret: spans(HPKECiphertext),
});
export type UpdatePathNode = Infer<typeof UpdatePathNode>;

export const UpdatePath = struct("UpdatePath", { leafNode: LeafNode, nodes: vector(UpdatePathNode) });
export type UpdatePath = Infer<typeof UpdatePath>;
