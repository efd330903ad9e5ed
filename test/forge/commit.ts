import { encodeOnce, type Encoded } from "#dist/codec/index.js";
import type { PrivateKey, Secret } from "tinymls/crypto";
import {
  encode,
  type Commit,
  type GroupContext as Context,
  type PreSharedKeyID,
  type Proposal,
} from "tinymls/messages";
import { confirmationTag, wireFormatAndContent } from "#dist/mls/framing/index.js";
import type { MemberEpoch } from "#dist/mls/group/epoch.js";
import type { PskLookup } from "#dist/mls/group/psk-store.js";
import {
  ContentType,
  GroupContext,
  ProposalOrRefType,
  ProposalType,
  PSKLabel,
  WireFormat,
  type KeyPackage,
  type Sender,
} from "#dist/mls/objects/index.js";
import { EpochSecrets, joinerSecret, confirmedTranscriptHash } from "#dist/mls/schedule/index.js";
import { zeroSecret } from "#dist/mls/schedule/key-schedule.js";
import type { Suite } from "#dist/mls/suite/index.js";
import type { RatchetTree } from "#dist/mls/tree/index.js";
import { TreeLeaf } from "#dist/mls/tree/node.js";
import { TreeDraft } from "#dist/mls/tree/tree-draft.js";
import { Secret as NativeSecret } from "#dist/native/secret.js";
import { forgePath, type ForgedPath, type PathDeparture } from "./path.js";
import type { Pile } from "./pile.js";
import { frameAnything, member, newMemberCommit, signAnything, type FramingDeparture } from "./sign.js";

/** A proposal of the list, by value unless `ref` is there. `by` is the member whose leaf an Update replaces. */
export interface Listed {
  readonly proposal: Proposal;
  readonly by?: number;
  readonly ref?: Uint8Array;
}

export interface CommitDeparture extends PathDeparture, FramingDeparture {
  /** With a path: always, unless told otherwise. */
  readonly withPath?: boolean;
  /** The commit before it is signed. */
  readonly commit?: (commit: Commit) => Commit;
  /** The next group context, from which everything else of the epoch follows. */
  readonly context?: (context: Context) => Context;
  /** Another init secret, as an external commit has it. */
  readonly kem?: { readonly initSecret: Secret };
}

export interface Forging {
  readonly pile: Pile;
  readonly epoch: MemberEpoch;
  readonly psks: PskLookup;
}

/** Who commits: a member with a leaf, or a client that joins by the commit. */
export interface Committer {
  readonly leafIndex: number | "external";
  readonly leaf: object;
  readonly signer: PrivateKey;
}

/** A commit as it was sent, and the epoch that follows from it. */
export interface ForgedCommit {
  readonly bytes: Buffer;
  readonly tree: RatchetTree;
  readonly context: Encoded<Context>;
  readonly secrets: EpochSecrets;
  readonly confirmationTag: Buffer;
  readonly joiner: Secret;
  readonly pskSecret: Secret | undefined;
  readonly psks: readonly PreSharedKeyID[];
  readonly path: ForgedPath | undefined;
  readonly committerLeaf: number;
  readonly added: readonly { readonly leafIndex: number; readonly keyPackage: KeyPackage }[];
}

/** A commit with any list of proposals, with everything that follows from it computed from what it says. */
export function forgeCommit(
  { pile, epoch, psks }: Forging,
  committer: Committer,
  list: readonly Listed[],
  departure: CommitDeparture,
): ForgedCommit {
  const { suite, context } = epoch;
  const applied = apply(epoch, list);
  const isExternal = committer.leafIndex === "external";
  const draft = new TreeDraft(applied.tree);
  const leafIndex = committer.leafIndex === "external" ? draft.allocateLeaf() : committer.leafIndex;
  const tree = isExternal ? draft.freeze() : applied.tree;
  const next = (treeHash: Buffer): Context => {
    const right = { ...context.value, epoch: context.value.epoch + 1n, treeHash, extensions: applied.extensions };
    return departure.context?.(right) ?? right;
  };
  const { groupId } = context.value;
  const { leaf, signer } = committer;
  const added = new Set(applied.added.map((one) => one.leafIndex));
  const pathBase = { suite, tree, sender: leafIndex, added, groupId, leaf, signer };
  const contextFor = (treeHash: Buffer): Buffer => encode(GroupContext, next(treeHash));
  const path =
    departure.withPath === false ? undefined : forgePath(pile, { ...pathBase, context: contextFor }, departure);
  const right: Commit = { proposals: list.map(proposalOrRef), path: path?.updatePath ?? null };
  const commit = departure.commit?.(right) ?? right;
  const sender: Sender = isExternal ? newMemberCommit : member(leafIndex);
  const wireFormat = WireFormat.mlsPublicMessage;
  const signed = signAnything(
    epoch,
    { contentType: ContentType.commit, commit },
    { sender, signer, wireFormat, ...departure },
  );
  const newTree = path?.tree ?? tree;
  const before = epoch.interimTranscriptHash;
  const confirmed = confirmedTranscriptHash(suite, before, wireFormatAndContent(signed), signed.signature);
  const newContext = encodeOnce(GroupContext, { ...next(newTree.treeHash()), confirmedTranscriptHash: confirmed });
  const pskSecret = pile.add(injected(suite, applied.psks, psks, pile));
  const initSecret = departure.kem?.initSecret ?? epoch.secrets.initSecret;
  const inputs = { initSecret, commitSecret: path?.commitSecret, groupContext: newContext.bytes };
  const joiner = pile.add(joinerSecret(suite, inputs));
  const secrets = pile.add(EpochSecrets.fromJoiner(suite, joiner, pskSecret, newContext.bytes));
  const rightTag = confirmationTag(suite, secrets.confirmationKey, confirmed);
  const tag = Buffer.from(departure.confirmationTag?.(rightTag) ?? rightTag);
  return {
    ...{ tree: newTree, context: newContext, secrets, joiner, pskSecret, path, confirmationTag: tag },
    bytes: frameAnything(epoch, signed, tag, departure),
    psks: applied.psks,
    committerLeaf: leafIndex,
    added: applied.added,
  };
}

function proposalOrRef({ proposal, ref }: Listed): Commit["proposals"][number] {
  if (ref !== undefined) return { type: ProposalOrRefType.reference, reference: ref };
  return { type: ProposalOrRefType.proposal, proposal };
}

interface Applied {
  readonly tree: RatchetTree;
  readonly extensions: Context["extensions"];
  readonly psks: readonly PreSharedKeyID[];
  readonly added: readonly { readonly leafIndex: number; readonly keyPackage: KeyPackage }[];
}

/** RFC 9420 §12.3, as far as it goes for a list that is not valid. */
function apply({ tree, context }: MemberEpoch, list: readonly Listed[]): Applied {
  const draft = new TreeDraft(tree);
  const removed: number[] = [];
  let { extensions } = context.value;
  const added: { leafIndex: number; keyPackage: KeyPackage }[] = [];
  const psks: PreSharedKeyID[] = [];
  for (const { proposal, by } of list) {
    if (proposal.proposalType === ProposalType.update && by !== undefined && draft.leaf(by) !== null) {
      draft.update(by, TreeLeaf.of(proposal.leafNode));
    }
    if (proposal.proposalType === ProposalType.remove) removed.push(proposal.removed);
    if (proposal.proposalType === ProposalType.psk) psks.push(proposal.psk);
    if (proposal.proposalType === ProposalType.groupContextExtensions) ({ extensions } = proposal);
  }
  for (const leaf of removed.sort((a, b) => b - a)) if (draft.leaf(leaf) !== null) draft.remove(leaf);
  for (const { proposal } of list) {
    if (proposal.proposalType !== ProposalType.add) continue;
    const { keyPackage } = proposal;
    added.push({ leafIndex: draft.add(TreeLeaf.of(keyPackage.leafNode)), keyPackage });
  }
  return { tree: draft.freeze(), extensions, psks, added };
}

/** RFC 9420 §8.4 without its checks; a PSK that the forger does not have is made up. */
function injected(suite: Suite, ids: readonly PreSharedKeyID[], lookup: PskLookup, pile: Pile): Secret | undefined {
  let secret: Secret | undefined;
  ids.forEach((id, index) => {
    const known = id.pskType === 1 ? lookup.external(id.pskId) : lookup.resumption(id.pskGroupId, id.pskEpoch);
    const extracted = pile.add(suite.extract(zeroSecret(suite), known ?? Buffer.alloc(suite.Nh, 5)));
    const label = encode(PSKLabel, { id, index, count: ids.length });
    const input = pile.add(suite.expandWithLabel(extracted, "derived psk", label, suite.Nh));
    secret = pile.add(suite.extract(input, secret ?? zeroSecret(suite)));
  });
  return secret instanceof NativeSecret ? secret.clone() : undefined;
}
