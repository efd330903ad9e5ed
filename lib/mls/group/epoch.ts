/** RFC 9420 §8.1, §11: the state of one epoch. */
import type { Encoded } from "../../codec/index.js";
import type { PrivateKey } from "../../native/keys.js";
import type { GroupContext, ReInit } from "../objects/index.js";
import type { EpochSecrets, SecretTree } from "../schedule/index.js";
import type { Suite } from "../suite/index.js";
import type { RatchetTree, TreePrivateKeys } from "../tree/index.js";

type Bytes = Uint8Array;

/** What everyone may know of an epoch. Never changes. */
export interface PublicEpoch {
  readonly suite: Suite;
  readonly context: Encoded<GroupContext>;
  readonly tree: RatchetTree;
  readonly interimTranscriptHash: Bytes;
  /** Of the commit that began the epoch, or of the new group (§11). */
  readonly confirmationTag: Bytes;
  /** Set when the commit that began the epoch contains a ReInit: nothing but the new group may follow (§11.2). */
  readonly reinit: ReInit | undefined;
}

/** What a member knows of an epoch. Owns its handles; the ratchets of `secretTree` move as messages come and go. */
export interface MemberEpoch extends PublicEpoch {
  readonly ownLeafIndex: number;
  readonly keys: TreePrivateKeys;
  readonly signatureKey: PrivateKey;
  readonly secrets: EpochSecrets;
  readonly secretTree: SecretTree;
}

/** One shape for all epochs, however they begin: what reads them most often is then compiled for that. */
export function memberEpoch(
  { suite, context, tree, interimTranscriptHash, confirmationTag, reinit }: PublicEpoch,
  { ownLeafIndex, keys, signatureKey, secrets, secretTree }: Omit<MemberEpoch, keyof PublicEpoch>,
): MemberEpoch {
  return {
    suite,
    context,
    tree,
    interimTranscriptHash,
    confirmationTag,
    reinit,
    ownLeafIndex,
    keys,
    signatureKey,
    secrets,
    secretTree,
  };
}

/** Wipes all that an epoch owns. */
export function disposeEpoch({ keys, signatureKey, secrets, secretTree }: MemberEpoch): void {
  keys.dispose();
  signatureKey.dispose();
  secrets.dispose();
  secretTree.dispose();
}

/** The epoch's number. */
export function epochOf({ context }: PublicEpoch): bigint {
  return context.value.epoch;
}
