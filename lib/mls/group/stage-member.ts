/** RFC 9420 §12.4.2: the part of processing a commit that takes the private keys of a member. */
import { TinyMlsError } from "../../errors.js";
import type { PrivateKey } from "../../native/keys.js";
import { Owned } from "../../native/owned.js";
import type { Secret } from "../../native/secret.js";
import { verifyConfirmationTag } from "../framing/index.js";
import { refuse } from "../rules.js";
import { EpochSecrets, SecretTree, type SecretTreeOptions } from "../schedule/index.js";
import { decryptUpdatePath, leafNode, type NodeKeys, type PathKeys, type StagedPrivateKeys } from "../tree/index.js";
import { memberEpoch, type MemberEpoch, type PublicEpoch } from "./epoch.js";
import { pskSecretOf, type PskLookup } from "./psk-store.js";
import type { StagedCommit } from "./stage-commit.js";

/** An epoch that is ready, beside the current one. Exactly one of `merge` and `discard` is to be called. */
export class StagedEpoch {
  readonly next: MemberEpoch;
  readonly #current: MemberEpoch;
  readonly #keys: StagedPrivateKeys;

  constructor(current: MemberEpoch, next: MemberEpoch, keys: StagedPrivateKeys) {
    this.#current = current;
    this.next = next;
    this.#keys = keys;
  }

  /**
   * Goes over to the next epoch. The private keys that it replaces are erased; the secrets and the secret tree of the current
   * epoch stay the caller's, for messages that are late.
   */
  merge(): MemberEpoch {
    this.#keys.merge();
    if (this.next.signatureKey !== this.#current.signatureKey) this.#current.signatureKey.dispose();
    this.#current.secrets.erase("initSecret");
    return this.next;
  }

  /** Erases the next epoch; the current one stays as it is. */
  discard(): void {
    this.#keys.discard();
    if (this.next.signatureKey !== this.#current.signatureKey) this.next.signatureKey.dispose();
    this.next.secrets.dispose();
    this.next.secretTree.dispose();
  }
}

/** What a member has ready for the next epoch; all of it passes to the stage, also when it fails. */
export interface MemberInputs {
  /** Fresh private keys by node. */
  readonly fresh: NodeKeys;
  readonly secrets: EpochSecrets;
  /** A new signature key of this member. */
  readonly signatureKey: PrivateKey | undefined;
}

/** The next epoch of a member from its public side. */
export function stageEpoch(
  current: MemberEpoch,
  staged: PublicEpoch,
  { fresh, secrets, signatureKey }: MemberInputs,
  keeping: KeepingPolicy,
): StagedEpoch {
  const { tree } = staged;
  const { ownLeafIndex } = current;
  const keys = current.keys.stage(tree, fresh);
  try {
    const next = memberEpoch(staged, {
      ownLeafIndex,
      keys: keys.next,
      signatureKey: signatureKey ?? current.signatureKey,
      secrets,
      secretTree: secretTreeOf(secrets, tree.leafWidth, ownLeafIndex, keeping),
    });
    return new StagedEpoch(current, next, keys);
  } catch (error) {
    secrets.dispose();
    keys.discard();
    signatureKey?.dispose();
    throw error;
  }
}

/** How long keys of late messages are kept, and by which clock. */
export type KeepingPolicy = Required<Pick<SecretTreeOptions, "retention" | "now">>;

/** The secret tree of an epoch, which consumes its encryption_secret. */
export function secretTreeOf(
  secrets: EpochSecrets,
  leafCount: number,
  ownLeafIndex: number,
  { retention, now }: KeepingPolicy,
): SecretTree {
  return new SecretTree(secrets.suite, secrets.take("encryptionSecret"), { leafCount, ownLeafIndex, retention, now });
}

export interface CommitReceiver extends KeepingPolicy {
  readonly current: MemberEpoch;
  readonly psks: PskLookup;
  /** The keys of this member's own Update that the commit covers, lent. */
  readonly ownUpdate?: { readonly leafKey: PrivateKey; readonly signatureKey: PrivateKey | undefined } | undefined;
}

/**
 * The next epoch of a member that stays in the group.
 * @throws TinyMlsError `undecryptable`; `missing` for a PSK; `invalid` with the rule
 */
export async function stageReceivedCommit(receiver: CommitReceiver, staged: StagedCommit): Promise<StagedEpoch> {
  const { current, ownUpdate } = receiver;
  const { suite } = staged;
  using owned = new Owned();
  const pskSecret = owned.add(pskSecretOf(suite, staged.applied.psks, receiver.psks));
  const initSecret = owned.add(externalInit(current, staged)) ?? current.secrets.initSecret;
  const ownLeaf = leafNode(current.ownLeafIndex);
  const path = owned.add(await decryptPath(current, staged, new Map(ownUpdate && [[ownLeaf, ownUpdate.leafKey]])));
  const groupContext = staged.context.bytes;
  const commitSecret = path?.commitSecret;
  const secrets = EpochSecrets.fromCommit(suite, { initSecret, commitSecret, pskSecret, groupContext });
  const fresh = new Map(path?.takeKeys());
  if (ownUpdate !== undefined) fresh.set(ownLeaf, ownUpdate.leafKey.clone());
  const signatureKey = ownUpdate?.signatureKey?.clone();
  return checkConfirmation(stageEpoch(current, staged, { fresh, secrets, signatureKey }, receiver), staged);
}

function externalInit(current: MemberEpoch, { suite, applied }: StagedCommit): Secret | undefined {
  const { kemOutput } = applied;
  if (kemOutput === undefined) return undefined;
  try {
    return current.secrets.withExternalKeyPair((keyPair) => suite.externalInitReceiver(keyPair, kemOutput));
  } catch (error) {
    if (!(error instanceof TinyMlsError) || error.code !== "undecryptable") throw error;
    return refuse("8.3/kem-output", undefined, "undecryptable");
  }
}

/** `lent` holds the key of an own Update: the path is encrypted to the leaf that the Update made. */
async function decryptPath(
  current: MemberEpoch,
  { path, provisionalContext }: StagedCommit,
  lent: NodeKeys,
): Promise<PathKeys | undefined> {
  if (path === undefined) return undefined;
  return decryptUpdatePath(path, current.keys.stage(path.tree, lent).next, provisionalContext);
}

/** RFC 9420 §6.1. */
function checkConfirmation(epoch: StagedEpoch, { suite, context, confirmationTag }: StagedCommit): StagedEpoch {
  const { confirmedTranscriptHash } = context.value;
  try {
    verifyConfirmationTag(suite, epoch.next.secrets.confirmationKey, confirmedTranscriptHash, confirmationTag);
    return epoch;
  } catch (error) {
    epoch.discard();
    throw error;
  }
}
