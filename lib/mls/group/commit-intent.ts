import { ownCopy } from "../../codec/index.js";
import type { CommitOptions, LeafChanges } from "./build-commit.js";
import type { MemberEpoch } from "./epoch.js";
import { ownCredential, ownExtensions } from "./own-copies.js";
import type { AcceptedKeyPackage, AddPlan } from "./plan-add.js";

/**
 * What a commit was to do, in terms that outlive the epoch: leaf indices pass from member to member. It owns the new signature key among the
 * options.
 */
export interface CommitIntent {
  readonly options: CommitOptions;
  readonly added: readonly AcceptedKeyPackage[];
  /** The signature keys of the members to be removed. */
  readonly removed: readonly Buffer[];
}

export function intentOf({ tree }: MemberEpoch, options: CommitOptions, plan: AddPlan): CommitIntent {
  const removed = (options.remove ?? []).flatMap((leafIndex) => {
    const leaf = tree.leaf(leafIndex);
    return leaf === null ? [] : [Buffer.from(leaf.signatureKey)];
  });
  return { options, added: plan.accepted, removed };
}

/** What is left to do of an intent in another epoch, with a signature key of its own; undefined where nothing is. */
export function remainingOptions(
  { options, added, removed }: CommitIntent,
  { tree }: MemberEpoch,
): CommitOptions | undefined {
  const isMember = (key: Uint8Array): boolean => tree.memberWithSignatureKey(key) !== undefined;
  const remove = removed.map((key) => tree.memberWithSignatureKey(key)).filter((index) => index !== undefined);
  const add = added.filter(({ keyPackage }) => !isMember(keyPackage.leafNode.signatureKey)).map(({ bytes }) => bytes);
  const { update, psks, extensions, custom, reinit } = options;
  const hasMore = [psks, extensions, custom, reinit].some((wish) => wish !== undefined);
  // A commit that was only to refresh keys or to cover proposals still has that to do.
  const onlyMembers = !hasMore && (update === undefined || update === false) && added.length + removed.length > 0;
  if (onlyMembers && remove.length + add.length === 0) return undefined;
  return { ...options, remove, add, update: ownUpdate(update) };
}

/** What an application passed, copied, the signature key cloned: a rebase asks for the same again. */
export function ownOptions(options: CommitOptions): CommitOptions {
  const { update, psks, extensions, custom, reinit, proposals, authenticatedData, groupInfoExtensions } = options;
  return {
    ...options,
    psks: psks?.map((psk) =>
      "external" in psk ? { external: Buffer.from(psk.external as string) } : { epoch: psk.epoch },
    ),
    extensions: extensions && ownExtensions(extensions),
    custom: custom?.map(({ type, data }) => ({ type, data: ownCopy(data) })),
    reinit: reinit && {
      ...reinit,
      groupId: reinit.groupId && ownCopy(reinit.groupId),
      extensions: reinit.extensions && ownExtensions(reinit.extensions),
    },
    proposals: Array.isArray(proposals) ? (proposals as readonly Uint8Array[]).map(ownCopy) : proposals,
    authenticatedData: authenticatedData && ownCopy(authenticatedData),
    groupInfoExtensions: groupInfoExtensions && ownExtensions(groupInfoExtensions),
    update: ownUpdate(update), // last: a key that is cloned is owned by someone
  };
}

export function disposeKeys({ update }: CommitOptions): void {
  if (typeof update === "object") update.signatureKey?.dispose();
}

function ownUpdate(update: CommitOptions["update"]): CommitOptions["update"] {
  if (typeof update !== "object") return update;
  const { credential, signatureKey, extensions }: LeafChanges = update;
  return {
    credential: credential && ownCredential(credential),
    extensions: extensions && ownExtensions(extensions),
    signatureKey: signatureKey?.clone(),
  };
}
