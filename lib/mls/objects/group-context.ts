/** RFC 9420 §8.1. */
import { opaque, struct, uint64, type Infer } from "../../codec/index.js";
import { extensions } from "./extension.js";
import { cipherSuite, protocolVersion } from "./enumerations.js";

export const GroupContext = struct("GroupContext", {
  version: protocolVersion,
  cipherSuite,
  groupId: opaque,
  epoch: uint64,
  treeHash: opaque,
  confirmedTranscriptHash: opaque,
  extensions,
});
export type GroupContext = Infer<typeof GroupContext>;
