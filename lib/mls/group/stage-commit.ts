/** RFC 9420 §12.4.2: the part of processing a commit that takes no private key, for members and for a server alike. */
import { encode, encodeOnce, type Encoded } from "../../codec/index.js";
import { GroupContext, type Commit, type LeafNode, type UpdatePath } from "../objects/index.js";
import { refuse } from "../rules.js";
import { confirmedTranscriptHash, interimTranscriptHash } from "../schedule/index.js";
import {
  checkFreshEncryptionKey,
  leafRequirements,
  mergeUpdatePath,
  TreeDraft,
  type RatchetTree,
  type ReceivedPath,
} from "../tree/index.js";
import type { AppliedProposals } from "./apply-proposals.js";
import type { PublicEpoch } from "./epoch.js";
import { checkCommitter, lifetimePolicy, type GroupPolicy } from "./policy.js";
import { pathRequired, type SentProposal } from "./proposals.js";
import { stageProposals, type Committer } from "./stage-proposals.js";

type Bytes = Uint8Array;

/** A commit whose signature was verified, with its proposals in hand. */
export interface ResolvedCommit {
  readonly commit: Commit;
  readonly committer: Committer;
  readonly proposals: readonly SentProposal[];
  /** The encoded `wireFormat` and `content` of its AuthenticatedContent, in parts. */
  readonly wireFormatAndContent: readonly Bytes[];
  readonly signature: Bytes;
  readonly confirmationTag: Bytes;
}

/** The public side of the epoch that a commit begins. */
export interface StagedCommit extends PublicEpoch {
  readonly applied: AppliedProposals;
  /** The committer's leaf index in the new tree. */
  readonly committerLeaf: number;
  /** As TreeKEM takes it, with the tree before the path. */
  readonly path: ReceivedPath | undefined;
  /** The encoded provisional group context (§12.4.1), for decrypting the path. */
  readonly provisionalContext: Bytes;
}

/**
 * Everything that can be checked of a commit without being a member.
 * @throws TinyMlsError `invalid` with the rule; `malformed`
 */
export async function stageCommit(
  epoch: PublicEpoch,
  policy: GroupPolicy,
  resolved: ResolvedCommit,
): Promise<StagedCommit> {
  const { suite, tree } = epoch;
  const { commit, committer, proposals } = resolved;
  const setting = { suite, context: epoch.context.value, tree, policy };
  const applied = await stageProposals(setting, proposals, committer);
  if (commit.path === null && pathRequired(proposals, policy.customProposals)) refuse("12.4/path-required");

  const placed = committer === "external" ? placeJoiner(applied.tree) : { tree: applied.tree, leaf: committer };
  const path = commit.path === null ? undefined : receivedPath(epoch, applied, placed, commit.path);
  const newTree = path === undefined ? applied.tree : await mergePath(epoch, policy, applied, committer, path);
  const provisional = nextContext(epoch, newTree.treeHash(), applied);
  const context = confirmedContext(epoch, provisional, resolved);
  return {
    suite,
    context,
    tree: newTree,
    interimTranscriptHash: interimTranscriptHash(
      suite,
      context.value.confirmedTranscriptHash,
      resolved.confirmationTag,
    ),
    confirmationTag: resolved.confirmationTag,
    reinit: applied.reinit,
    applied,
    committerLeaf: placed.leaf,
    path,
    provisionalContext: encode(GroupContext, provisional),
  };
}

/** RFC 9420 §12.4.3.2: the joiner takes the leftmost blank leaf. */
export function placeJoiner(tree: RatchetTree): { readonly tree: RatchetTree; readonly leaf: number } {
  const draft = new TreeDraft(tree);
  const leaf = draft.allocateLeaf();
  return { tree: draft.freeze(), leaf };
}

function receivedPath(
  { suite }: PublicEpoch,
  applied: AppliedProposals,
  placed: { readonly tree: RatchetTree; readonly leaf: number },
  updatePath: UpdatePath,
): ReceivedPath {
  const added = new Set(applied.added.map(({ leafIndex }) => leafIndex));
  return { suite, tree: placed.tree, sender: placed.leaf, updatePath, added };
}

/** Checks the path, its leaf's credential among the rest, and merges it. */
async function mergePath(
  epoch: PublicEpoch,
  policy: GroupPolicy,
  applied: AppliedProposals,
  committer: Committer,
  path: ReceivedPath,
): Promise<RatchetTree> {
  const { groupId } = epoch.context.value;
  const requirements = leafRequirements(
    { cipherSuite: epoch.suite.id, extensions: applied.extensions },
    lifetimePolicy(policy),
  );
  const { leafNode } = path.updatePath;
  const merged = mergeUpdatePath(path, groupId, requirements);
  // RFC 9420 §12.2: a joiner that removes its former self is held to what an Update of that leaf would be.
  const previous = committer === "external" ? applied.removed[0]?.before : epoch.tree.leaf(committer)?.value;
  if (previous !== undefined) checkFreshEncryptionKey("12.4.2/leaf-encryption-key", previous, leafNode);
  await checkCommitter(policy, leafNode, previous);
  if (committer === "external") await authorizeJoiner(policy, leafNode);
  return merged;
}

async function authorizeJoiner({ authentication }: GroupPolicy, leaf: LeafNode): Promise<void> {
  const allowed = (await authentication.mayJoinExternally?.(leaf.credential, leaf.signatureKey)) ?? true;
  if (!allowed) refuse("12.4.3.2/authorized");
}

const lastEpoch = 2n ** 64n - 1n;

/** The group context of the next epoch, still with the confirmed transcript hash of this one. */
export function nextContext(
  { context }: PublicEpoch,
  treeHash: Bytes,
  { extensions }: Pick<AppliedProposals, "extensions">,
): GroupContext {
  const { version, cipherSuite, groupId, epoch, confirmedTranscriptHash } = context.value;
  if (epoch === lastEpoch) refuse("8.1/last-epoch", undefined, "exhausted");
  return { version, cipherSuite, groupId, epoch: epoch + 1n, treeHash, confirmedTranscriptHash, extensions };
}

/** RFC 9420 §8.2. */
export function confirmedContext(
  { suite, interimTranscriptHash: before }: PublicEpoch,
  provisional: GroupContext,
  signed: Pick<ResolvedCommit, "wireFormatAndContent" | "signature">,
): Encoded<GroupContext> {
  const { version, cipherSuite, groupId, epoch, treeHash, extensions } = provisional;
  const hash = confirmedTranscriptHash(suite, before, signed.wireFormatAndContent, signed.signature);
  const context = { version, cipherSuite, groupId, epoch, treeHash, confirmedTranscriptHash: hash, extensions };
  return encodeOnce(GroupContext, context);
}
