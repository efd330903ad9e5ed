/** RFC 9420 §7.1. */
import { opaque, struct, uint32, vector, type Infer } from "../../codec/index.js";

export const ParentNode = struct("ParentNode", {
  encryptionKey: opaque,
  parentHash: opaque,
  unmergedLeaves: vector(uint32),
});
export type ParentNode = Infer<typeof ParentNode>;
