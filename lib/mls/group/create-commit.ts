/** RFC 9420 §12.4.1: creating a commit, with its Welcome. */
import { encode } from "../../codec/index.js";
import type { PrivateKey } from "../../native/keys.js";
import { Owned } from "../../native/owned.js";
import type { Secret } from "../../native/secret.js";
import {
  confirmationTag,
  FramingContext,
  protectPrivate,
  protectPublic,
  signContent,
  wireFormatAndContent,
  type PaddingPolicy,
  type Protected,
  type SignedContent,
} from "../framing/index.js";
import {
  ContentType,
  GroupContext,
  ProposalOrRefType,
  SenderType,
  WireFormat,
  type Commit,
  type Extension,
  type ProposalOrRef,
  type UpdatePath,
} from "../objects/index.js";
import { EpochSecrets, interimTranscriptHash, joinerSecret, type RetentionPolicy } from "../schedule/index.js";
import {
  createUpdatePath,
  leafRequirements,
  type LeafContent,
  type NodeKeys,
  type PathKeys,
  type RatchetTree,
} from "../tree/index.js";
import type { AppliedProposals } from "./apply-proposals.js";
import type { MemberEpoch, PublicEpoch } from "./epoch.js";
import { createGroupInfo } from "./group-info.js";
import { pathRequired, type SentProposal } from "./proposals.js";
import { checkCommitter, type GroupPolicy } from "./policy.js";
import { pskSecretOf, type PskLookup } from "./psk-store.js";
import { confirmedContext, nextContext } from "./stage-commit.js";
import { stageEpoch, type StagedEpoch } from "./stage-member.js";
import { stageProposals } from "./stage-proposals.js";
import { createWelcome } from "./welcome.js";
import type { ResumptionPSKUsage } from "../objects/index.js";

type Bytes = Uint8Array;

/** How a member sends handshake messages. */
export interface HandshakeFraming {
  readonly wireFormat: typeof WireFormat.mlsPublicMessage | typeof WireFormat.mlsPrivateMessage;
  readonly padding: PaddingPolicy;
}

export interface CommitRequest {
  /** In the order of the commit. */
  readonly proposals: readonly SentProposal[];
  /** With a path although none is needed. */
  readonly forcePath: boolean;
  /** What the committer's new leaf says, where there is a path. */
  readonly leaf: LeafContent;
  /** The private key of `leaf.signatureKey` when that is a new one, lent. */
  readonly newSignatureKey: PrivateKey | undefined;
  readonly authenticatedData: Bytes;
  readonly framing: HandshakeFraming;
  /** Whether the Welcome holds the ratchet tree. */
  readonly ratchetTreeInWelcome: boolean;
  readonly groupInfoExtensions: readonly Extension[];
  /** When the commit begins a group of §11.2 or §11.3. */
  readonly pskUsage?: ResumptionPSKUsage | undefined;
}

/** The client's side of creating and processing commits. */
export interface CommitEnvironment {
  readonly policy: GroupPolicy;
  readonly psks: PskLookup;
  readonly retention: RetentionPolicy;
}

export interface CreatedCommit {
  readonly staged: StagedEpoch;
  readonly applied: AppliedProposals;
  /** An MLSMessage. */
  readonly commit: Buffer;
  /** An MLSMessage; undefined where no one is added. */
  readonly welcome: Buffer | undefined;
}

/**
 * The epoch that the proposals make, and the messages that tell of it. The current epoch does not change, but for the
 * generation of its handshake ratchet that a PrivateMessage takes.
 * @throws TinyMlsError `invalid` with the rule; `missing` for a PSK
 */
export async function createCommit(
  current: MemberEpoch,
  { policy, psks, retention }: CommitEnvironment,
  request: CommitRequest,
): Promise<CreatedCommit> {
  const { suite, tree, context, ownLeafIndex } = current;
  const setting = { suite, context: context.value, tree, policy, pskUsage: request.pskUsage };
  const applied = await stageProposals(setting, request.proposals, ownLeafIndex);
  const withPath = request.forcePath || pathRequired(request.proposals, policy.customProposals);
  const path = withPath ? await createPath(current, policy, applied, request) : undefined;
  using owned = new Owned();
  const pathKeys = owned.add(path?.secrets);

  const signed = signCommit(current, request, path?.updatePath);
  const newTree = path?.tree ?? applied.tree;
  const provisional = nextContext(current, newTree.treeHash(), applied);
  const next = confirmedContext(current, provisional, {
    wireFormatAndContent: wireFormatAndContent(signed),
    signature: signed.signature,
  });
  const pskSecret = owned.add(pskSecretOf(suite, applied.psks, psks));
  const joiner = owned.add(
    joinerSecret(suite, {
      initSecret: current.secrets.initSecret,
      commitSecret: pathKeys?.commitSecret,
      groupContext: next.bytes,
    }),
  );
  const secrets = EpochSecrets.fromJoiner(suite, joiner, pskSecret, next.bytes);
  const epoch = confirmed({ suite, context: next, tree: newTree, reinit: applied.reinit }, secrets);
  const signatureKey = withPath ? request.newSignatureKey?.clone() : undefined;
  const fresh: NodeKeys = pathKeys?.takeKeys() ?? new Map();
  const staged = stageEpoch(current, epoch, { fresh, secrets, signatureKey }, { retention, now: policy.now });
  try {
    const commit = protect(current, signed, request.framing, epoch.confirmationTag).bytes;
    const welcome = await welcomeOf(staged, applied, request, { joiner, pskSecret, path: pathKeys });
    return { staged, applied, commit, welcome };
  } catch (error) {
    staged.discard();
    throw error;
  }
}

/** RFC 9420 §8.2, §6.1. */
export function confirmed(
  { suite, context, tree, reinit }: Omit<PublicEpoch, "interimTranscriptHash" | "confirmationTag">,
  secrets: EpochSecrets,
): PublicEpoch {
  const { confirmedTranscriptHash } = context.value;
  const tag = confirmationTag(suite, secrets.confirmationKey, confirmedTranscriptHash);
  const interim = interimTranscriptHash(suite, confirmedTranscriptHash, tag);
  return { suite, context, tree, interimTranscriptHash: interim, confirmationTag: tag, reinit };
}

interface CreatedPath {
  readonly tree: RatchetTree;
  readonly updatePath: UpdatePath;
  readonly secrets: PathKeys;
}

async function createPath(
  current: MemberEpoch,
  policy: GroupPolicy,
  applied: AppliedProposals,
  request: CommitRequest,
): Promise<CreatedPath> {
  const { suite, context, ownLeafIndex } = current;
  await checkCommitter(policy, request.leaf, current.tree.leaf(ownLeafIndex)!.value);
  return createUpdatePath({
    suite,
    tree: applied.tree,
    sender: ownLeafIndex,
    leaf: request.leaf,
    signatureKey: request.newSignatureKey ?? current.signatureKey,
    groupId: context.value.groupId,
    requirements: leafRequirements({ cipherSuite: suite.id, extensions: applied.extensions }),
    added: new Set(applied.added.map(({ leafIndex }) => leafIndex)),
    groupContext: (treeHash) => encode(GroupContext, nextContext(current, treeHash, applied)),
  });
}

function signCommit(current: MemberEpoch, request: CommitRequest, path: UpdatePath | undefined): SignedContent {
  const commit: Commit = { proposals: request.proposals.map(proposalOrRef), path: path ?? null };
  const { groupId, epoch } = current.context.value;
  const content = {
    groupId,
    epoch,
    sender: { senderType: SenderType.member, leafIndex: current.ownLeafIndex },
    authenticatedData: request.authenticatedData,
    contentType: ContentType.commit,
    commit,
  };
  const framing = FramingContext.of(current.suite, current.context);
  return signContent(framing, request.framing.wireFormat, content, current.signatureKey);
}

export function proposalOrRef({ proposal, ref }: SentProposal): ProposalOrRef {
  if (ref === undefined) return { type: ProposalOrRefType.proposal, proposal };
  return { type: ProposalOrRefType.reference, reference: ref };
}

interface WelcomeKeys {
  readonly joiner: Secret;
  readonly pskSecret: Secret | undefined;
  readonly path: PathKeys | undefined;
}

/** Frames a handshake message of a member. */
export function protect(
  { secrets, secretTree }: MemberEpoch,
  signed: SignedContent,
  { wireFormat, padding }: HandshakeFraming,
  tag?: Bytes,
): Protected {
  if (wireFormat === WireFormat.mlsPublicMessage) return protectPublic(signed, secrets.membershipKey, tag);
  return protectPrivate(signed, { senderDataSecret: secrets.senderDataSecret, secretTree }, padding, tag);
}

async function welcomeOf(
  { next }: StagedEpoch,
  { added, psks }: AppliedProposals,
  request: CommitRequest,
  { joiner, pskSecret, path }: WelcomeKeys,
): Promise<Buffer | undefined> {
  if (added.length === 0) return undefined;
  const groupInfo = createGroupInfo(next, {
    ratchetTree: request.ratchetTreeInWelcome,
    externalPub: false,
    extensions: request.groupInfoExtensions,
  });
  return createWelcome({
    suite: next.suite,
    groupInfo,
    added,
    committer: next.ownLeafIndex,
    joinerSecret: joiner,
    pskSecret,
    psks,
    path,
  });
}
