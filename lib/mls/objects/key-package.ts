/** RFC 9420 §10. */
import { opaque, remembered, struct, type Infer } from "../../codec/index.js";
import { extensions } from "./extension.js";
import { LeafNode } from "./leaf-node.js";
import { cipherSuite, protocolVersion } from "./enumerations.js";

const signed = { version: protocolVersion, cipherSuite, initKey: opaque, leafNode: LeafNode, extensions };

export const KeyPackage = remembered(struct("KeyPackage", signed, { signature: opaque }));
export type KeyPackage = Infer<typeof KeyPackage>;

/** What `KeyPackage.signature` signs. */
export const KeyPackageTBS = struct("KeyPackageTBS", signed);
export type KeyPackageTBS = Infer<typeof KeyPackageTBS>;
