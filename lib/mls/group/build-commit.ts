/** From what the application wants a commit to do to the list of its proposals. */
import { TinyMlsError } from "../../errors.js";
import type { PrivateKey } from "../../native/keys.js";
import { ProposalType, SenderType, type Credential, type Extension, type Proposal } from "../objects/index.js";
import type { LeafContent } from "../tree/index.js";
import { applyProposals } from "./apply-proposals.js";
import { asked, type PskReference, type ReInitOptions } from "./asked-proposals.js";
import { chooseProposals, type ChosenProposals, type SkippedProposal } from "./choose-proposals.js";
import type { MemberEpoch } from "./epoch.js";
import { fittingProposals } from "./fitting-proposals.js";
import { GrowingGroup, type AddSetting } from "./growing-group.js";
import type { MemberState } from "./member-state.js";
import { ownCredential, ownExtensions } from "./own-copies.js";
import { planAdd, type AddPlan } from "./plan-add.js";
import type { CachedProposal } from "./proposal-cache.js";
import { affectedLeaf, ofType, type SentProposal } from "./proposals.js";
import { isAboutTheInput } from "./received.js";
import { reasonAgainstReInit } from "./reinit-support.js";

type Bytes = Uint8Array;

/** Changes of the own leaf. Its encryption key is fresh in any case. */
export interface LeafChanges {
  readonly credential?: Credential | undefined;
  /** Lent: the group keeps a copy. */
  readonly signatureKey?: PrivateKey | undefined;
  readonly extensions?: readonly Extension[] | undefined;
}

export interface CustomProposal {
  readonly type: number;
  readonly data: Bytes;
}

export interface CommitOptions {
  /** Key packages, or a plan of them. Those that cannot be added are left out and reported. */
  readonly add?: readonly Bytes[] | AddPlan | undefined;
  /** Leaf indices. */
  readonly remove?: readonly number[] | undefined;
  /** Refresh the own keys although nothing else asks for it; or change the own leaf. */
  readonly update?: boolean | LeafChanges | undefined;
  readonly psks?: readonly PskReference[] | undefined;
  /** The group context extensions, all of them: they replace those that are there. */
  readonly extensions?: readonly Extension[] | undefined;
  readonly custom?: readonly CustomProposal[] | undefined;
  /** RFC 9420 §11.2. A ReInit is committed alone. */
  readonly reinit?: ReInitOptions | undefined;
  /** Proposals that wait, received or own: all that are valid (default), none, or those with these refs. Own ones go in by value. */
  readonly proposals?: boolean | readonly Bytes[] | undefined;
  /** Whether the Welcome holds the ratchet tree. Default: it does. */
  readonly ratchetTree?: boolean | undefined;
  readonly authenticatedData?: Bytes | undefined;
  readonly groupInfoExtensions?: readonly Extension[] | undefined;
}

export interface BuiltCommit {
  readonly proposals: readonly SentProposal[];
  readonly forcePath: boolean;
  readonly leaf: LeafContent;
  readonly newSignatureKey: PrivateKey | undefined;
  readonly plan: AddPlan;
  readonly skipped: readonly SkippedProposal[];
}

/** @param more proposals by value that begin a group of §11.2 or §11.3 */
export async function buildCommit(
  state: MemberState,
  options: CommitOptions,
  more: readonly Proposal[] = [],
): Promise<BuiltCommit> {
  const { epoch } = state;
  const removed = new Set(options.remove ?? []);
  const offered = await offeredProposals(state, options, removed);
  const byValue = [...proposalsByValue(epoch, options), ...more].map((proposal) => own(epoch, proposal));
  const { fitting, skipped } = fittingProposals(epoch, offered.chosen, byValue);
  const setting = addSetting(state, [...fitting, ...byValue]);
  const growing = new GrowingGroup(setting);
  const admitted = await admit(growing, fitting);
  const plan = await planOf(setting, options.add ?? [], growing);
  const adds = plan.accepted.map(({ keyPackage }) => own(epoch, { proposalType: ProposalType.add, keyPackage }));
  const changes = typeof options.update === "object" ? options.update : undefined;
  return {
    proposals: [...admitted.proposals.map((sent) => selfContained(epoch, sent)), ...byValue, ...adds],
    forcePath: options.update !== undefined && options.update !== false ? true : offered.ownUpdate,
    leaf: leafContent(epoch, changes),
    newSignatureKey: changes?.signatureKey,
    plan,
    skipped: [...offered.skipped, ...skipped, ...admitted.skipped],
  };
}

function own({ ownLeafIndex }: MemberEpoch, proposal: Proposal): SentProposal {
  return { proposal, sender: { senderType: SenderType.member, leafIndex: ownLeafIndex } };
}

/**
 * What this member proposed itself goes into the commit by value: a proposal that never left, say because the process died before it was
 * published, would keep the others from ever processing a commit that names it.
 */
function selfContained({ ownLeafIndex }: MemberEpoch, sent: CachedProposal): SentProposal {
  const { proposal, sender } = sent;
  const isOwn = sender.senderType === SenderType.member && sender.leafIndex === ownLeafIndex;
  return isOwn ? { proposal, sender } : sent;
}

/**
 * The own leaf as it is, with changes.
 * @throws TinyMlsError `usage` for a signature key of another scheme than the suite's
 */
export function leafContent(
  { suite, tree, ownLeafIndex, signatureKey }: MemberEpoch,
  changes?: LeafChanges,
): LeafContent {
  const scheme = suite.algorithms.signature;
  if (changes?.signatureKey !== undefined && changes.signatureKey.algorithm !== scheme) {
    throw new TinyMlsError("usage", `the new signatureKey of the leaf has to be one for ${scheme}`, {
      component: "mls",
    });
  }
  const { credential, capabilities, extensions } = tree.leaf(ownLeafIndex)!.value;
  return {
    credential: changes?.credential === undefined ? credential : ownCredential(changes.credential),
    capabilities,
    extensions: changes?.extensions === undefined ? extensions : ownExtensions(changes.extensions),
    signatureKey: (changes?.signatureKey ?? signatureKey).publicKey,
  };
}

async function offeredProposals(
  state: MemberState,
  { proposals = true, extensions, reinit }: CommitOptions,
  removed: ReadonlySet<number>,
): Promise<ChosenProposals> {
  // A ReInit stands alone, so what others proposed waits.
  if (proposals === false || reinit !== undefined) return { chosen: [], skipped: [], ownUpdate: false };
  const candidates = proposals === true ? state.proposals.list() : withRefs(state, proposals);
  return chooseProposals(state, { removed, extensions: extensions !== undefined }, candidates);
}

/** In the order in which they came, whatever that of the refs is: the later of two Updates counts. */
function withRefs({ proposals }: MemberState, refs: readonly Bytes[]): CachedProposal[] {
  const unknown = refs.find((ref) => !proposals.has(ref));
  if (unknown !== undefined) {
    throw new TinyMlsError("missing", `no proposal ${Buffer.from(unknown).toString("hex")} waits in this epoch`, {
      operation: "commit",
      component: "mls",
      retryable: false,
    });
  }
  const wanted = new Set(refs.map((ref) => Buffer.from(ref).toString("hex")));
  return proposals.list().filter(({ ref }) => wanted.has(ref.toString("hex")));
}

function proposalsByValue(epoch: MemberEpoch, options: CommitOptions): Proposal[] {
  const { suite, context, ownLeafIndex } = epoch;
  const list: Proposal[] = [];
  if (options.extensions !== undefined) {
    list.push(asked.groupContextExtensions(options.extensions));
  }
  for (const removed of new Set(options.remove ?? [])) {
    if (removed === ownLeafIndex) {
      throw new TinyMlsError("usage", "a member cannot remove itself by its own commit: send what leave() gives", {
        operation: "commit",
        component: "mls",
      });
    }
    list.push(asked.remove(removed));
  }
  for (const reference of options.psks ?? []) list.push(asked.psk(suite, context.value, reference));
  for (const { type, data } of options.custom ?? []) list.push(asked.custom(type, data));
  if (options.reinit !== undefined) list.push(askedReInit(epoch, options.reinit));
  return list;
}

function askedReInit(epoch: MemberEpoch, options: ReInitOptions): Proposal {
  const reinit = asked.reinit(epoch.suite, epoch.context.value, options);
  const reason = reasonAgainstReInit(epoch, reinit);
  if (reason === undefined) return reinit;
  throw new TinyMlsError("usage", `the members could not begin the group that this ReInit asks for: ${reason}`, {
    operation: "commit",
    component: "mls",
    section: "RFC 9420 §11.2",
  });
}

function addSetting({ epoch, environment }: MemberState, list: readonly SentProposal[]): AddSetting {
  const removals = list.filter((sent) => affectedLeaf(sent) !== undefined && isPresent(epoch, sent));
  const [newExtensions] = ofType(list, ProposalType.groupContextExtensions);
  const extensions = newExtensions?.proposal.extensions ?? epoch.context.value.extensions;
  const { support } = removals.length === 0 ? epoch.tree : applyProposals(epoch.tree, extensions, removals).remaining;
  const removed = new Set(ofType(list, ProposalType.remove).map(({ proposal }) => proposal.removed));
  const updates = ofType(list, ProposalType.update).map(({ proposal }) => proposal.leafNode);
  return { epoch, policy: environment.policy, extensions, removed, support, updates };
}

// A Remove of a blank leaf is refused when the list is validated.
function isPresent({ tree }: MemberEpoch, sent: SentProposal): boolean {
  return tree.leaf(affectedLeaf(sent)!) !== null;
}

interface Admitted {
  readonly proposals: readonly CachedProposal[];
  readonly skipped: readonly SkippedProposal[];
}

async function admit(growing: GrowingGroup, chosen: readonly CachedProposal[]): Promise<Admitted> {
  const proposals: CachedProposal[] = [];
  const skipped: SkippedProposal[] = [];
  for (const sent of chosen) {
    try {
      if (sent.proposal.proposalType === ProposalType.add) await growing.admit(sent.proposal.keyPackage);
      proposals.push(sent);
    } catch (error) {
      if (!isAboutTheInput(error)) throw error;
      skipped.push({ proposal: sent, reason: error.message });
    }
  }
  return { proposals, skipped };
}

/** A plan that was made before is made again: the group may have changed since. */
async function planOf(setting: AddSetting, add: readonly Bytes[] | AddPlan, growing: GrowingGroup): Promise<AddPlan> {
  if (!("accepted" in add)) return planAdd(setting, add, growing);
  const again = await planAdd(
    setting,
    add.accepted.map(({ bytes }) => bytes),
    growing,
  );
  const index = (at: number): number => add.accepted[at]!.index;
  return {
    accepted: again.accepted.map((one) => ({ ...one, index: index(one.index) })),
    rejected: [...add.rejected, ...again.rejected.map((one) => ({ ...one, index: index(one.index) }))],
  };
}
