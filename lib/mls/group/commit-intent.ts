import type { CommitOptions } from "./build-commit.js";
import type { MemberEpoch } from "./epoch.js";
import type { AcceptedKeyPackage, AddPlan } from "./plan-add.js";

/** What a commit was to do, in terms that outlive the epoch: leaf indices pass from member to member. */
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

/** What is left to do of an intent in another epoch; undefined where nothing is. */
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
  return { ...options, remove, add };
}
