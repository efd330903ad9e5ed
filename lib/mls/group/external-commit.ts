/** RFC 9420 §12.4.3.2: joining by an external commit. */
import { encode } from "../../codec/index.js";
import { Owned } from "../../native/owned.js";
import type { PrivateKey } from "../../native/keys.js";
import { FramingContext, protectPublic, signContent, wireFormatAndContent } from "../framing/index.js";
import {
  ContentType,
  GroupContext,
  ProposalOrRefType,
  ProposalType,
  SenderType,
  WireFormat,
  type GroupInfo,
  type PreSharedKeyID,
  type Proposal,
} from "../objects/index.js";
import { refuse } from "../rules.js";
import { EpochSecrets, type RetentionPolicy } from "../schedule/index.js";
import type { Suite } from "../suite/index.js";
import { createUpdatePath, leafRequirements, TreePrivateKeys, type RatchetTree } from "../tree/index.js";
import type { AppliedProposals } from "./apply-proposals.js";
import { confirmed } from "./create-commit.js";
import { memberEpoch, type MemberEpoch, type PublicEpoch } from "./epoch.js";
import { externalPubOf } from "./group-extensions.js";
import type { LeafIdentity } from "./key-package.js";
import { checkCommitter, type GroupPolicy } from "./policy.js";
import type { SentProposal } from "./proposals.js";
import { pskSecretOf, type PskLookup } from "./psk-store.js";
import { confirmedContext, nextContext, placeJoiner } from "./stage-commit.js";
import { secretTreeOf } from "./stage-member.js";
import { stageProposals } from "./stage-proposals.js";
import { validateGroupInfo } from "./validate-group-info.js";

type Bytes = Uint8Array;

export interface ExternalJoinRequest {
  readonly suite: Suite;
  readonly groupInfo: GroupInfo;
  readonly ratchetTree: Bytes | undefined;
  /** Lent. */
  readonly identity: LeafIdentity;
  /** The leaf of this client's former self, to be removed; how it is found in the validated tree. */
  readonly formerLeaf: (tree: RatchetTree) => number | undefined;
  readonly psks: readonly PreSharedKeyID[];
  readonly pskLookup: PskLookup;
  readonly policy: GroupPolicy;
  readonly retention: RetentionPolicy;
}

export interface ExternalJoin {
  /** The epoch that the commit begins. */
  readonly epoch: MemberEpoch;
  /** An MLSMessage. */
  readonly commit: Buffer;
}

/** @throws TinyMlsError `missing` for the ratchet tree or a PSK; `malformed`; `invalid` with the rule */
export async function createExternalCommit(request: ExternalJoinRequest): Promise<ExternalJoin> {
  const { suite, groupInfo, policy, identity, retention } = request;
  const current = await validateGroupInfo(suite, groupInfo, request.ratchetTree, policy);
  const externalPub = externalPubOf(groupInfo.extensions);
  if (externalPub === undefined) refuse("12.4.3.2/external-pub");
  using temporary = new Owned();
  const { kemOutput, initSecret } = suite.externalInitSender(externalPub);
  temporary.add(initSecret);
  const proposals = proposalsOf(request, current, kemOutput);
  const applied = await stageProposals(
    { suite, context: current.context.value, tree: current.tree, policy },
    proposals,
    "external",
  );
  const placed = placeJoiner(applied.tree);
  const path = await createPath(current, policy, applied, placed, identity);
  temporary.add(path.secrets);

  const framing = FramingContext.of(suite, current.context);
  const { groupId, epoch } = current.context.value;
  const list = proposals.map(({ proposal }) => ({ type: ProposalOrRefType.proposal, proposal }));
  const signed = signContent(
    framing,
    WireFormat.mlsPublicMessage,
    {
      groupId,
      epoch,
      sender: { senderType: SenderType.newMemberCommit },
      authenticatedData: new Uint8Array(0),
      contentType: ContentType.commit,
      commit: { proposals: list, path: path.updatePath },
    },
    identity.signatureKey,
  );
  const context = confirmedContext(current, nextContext(current, path.tree.treeHash(), applied), {
    wireFormatAndContent: wireFormatAndContent(signed),
    signature: signed.signature,
  });
  const pskSecret = temporary.add(pskSecretOf(suite, applied.psks, request.pskLookup));
  const { commitSecret } = path.secrets;
  using kept = new Owned();
  const secrets = kept.add(
    EpochSecrets.fromCommit(suite, { initSecret, commitSecret, pskSecret, groupContext: context.bytes }),
  );
  const next = confirmed({ suite, context, tree: path.tree, reinit: undefined }, secrets);
  const keys = kept.add(new TreePrivateKeys(placed.leaf, path.secrets.takeKeys()));
  const signatureKey: PrivateKey = kept.add(identity.signatureKey.clone());
  const secretTree = secretTreeOf(secrets, path.tree.leafWidth, placed.leaf, { retention, now: policy.now });
  const commit = protectPublic(signed, undefined, next.confirmationTag).bytes;
  kept.release();
  const own = { ownLeafIndex: placed.leaf, keys, signatureKey, secrets, secretTree };
  return { epoch: memberEpoch(next, own), commit };
}

function proposalsOf(
  { formerLeaf, psks }: ExternalJoinRequest,
  { tree }: PublicEpoch,
  kemOutput: Bytes,
): SentProposal[] {
  const removed = formerLeaf(tree);
  const list: Proposal[] = [{ proposalType: ProposalType.externalInit, kemOutput }];
  if (removed !== undefined) list.push({ proposalType: ProposalType.remove, removed });
  for (const psk of psks) list.push({ proposalType: ProposalType.psk, psk });
  return list.map((proposal) => ({ proposal, sender: { senderType: SenderType.newMemberCommit } }));
}

async function createPath(
  current: PublicEpoch,
  policy: GroupPolicy,
  applied: AppliedProposals,
  placed: ReturnType<typeof placeJoiner>,
  identity: LeafIdentity,
): ReturnType<typeof createUpdatePath> {
  const { credential, capabilities, extensions, signatureKey } = identity;
  const leaf = { credential, capabilities, extensions, signatureKey: signatureKey.publicKey };
  await checkCommitter(policy, leaf, applied.removed[0]?.before);
  return createUpdatePath({
    suite: current.suite,
    tree: placed.tree,
    sender: placed.leaf,
    leaf,
    signatureKey,
    groupId: current.context.value.groupId,
    requirements: leafRequirements(current.context.value),
    added: new Set(),
    groupContext: (treeHash) => encode(GroupContext, nextContext(current, treeHash, applied)),
  });
}
