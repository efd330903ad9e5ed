/** RFC 9420 §12.1. */
import { opaque, select, struct, uint32, type Infer } from "../../codec/index.js";
import { extensions } from "./extension.js";
import { KeyPackage } from "./key-package.js";
import { LeafNode } from "./leaf-node.js";
import { PreSharedKeyID } from "./pre-shared-key.js";
import { cipherSuite, proposalType, protocolVersion } from "./enumerations.js";

/** RFC 9420 §12.1.1. */
export const Add = struct("Add", { keyPackage: KeyPackage });
export type Add = Infer<typeof Add>;

/** RFC 9420 §12.1.2. */
export const Update = struct("Update", { leafNode: LeafNode });
export type Update = Infer<typeof Update>;

/** RFC 9420 §12.1.3: the index of a leaf. */
export const Remove = struct("Remove", { removed: uint32 });
export type Remove = Infer<typeof Remove>;

/** RFC 9420 §12.1.4. */
export const PreSharedKey = struct("PreSharedKey", { psk: PreSharedKeyID });
export type PreSharedKey = Infer<typeof PreSharedKey>;

/** RFC 9420 §12.1.5. */
export const ReInit = struct("ReInit", { groupId: opaque, version: protocolVersion, cipherSuite, extensions });
export type ReInit = Infer<typeof ReInit>;

/** RFC 9420 §12.1.6. */
export const ExternalInit = struct("ExternalInit", { kemOutput: opaque });
export type ExternalInit = Infer<typeof ExternalInit>;

/** RFC 9420 §12.1.7. */
export const GroupContextExtensions = struct("GroupContextExtensions", { extensions });
export type GroupContextExtensions = Infer<typeof GroupContextExtensions>;

/** Proposals of other types (§13.2) are kept as one `opaque<V>`, the form that applications use for their own. */
export const Proposal = struct(
  "Proposal",
  select(
    "proposalType",
    proposalType,
    {
      add: Add,
      update: Update,
      remove: Remove,
      psk: PreSharedKey,
      reinit: ReInit,
      externalInit: ExternalInit,
      groupContextExtensions: GroupContextExtensions,
    },
    { data: opaque },
  ),
);
export type Proposal = Infer<typeof Proposal>;
