/** RFC 9420 §12.2, §12.4: which of the proposals received in an epoch a commit covers. */
import { encode } from "../../codec/index.js";
import { TinyMlsError } from "../../errors.js";
import { PreSharedKeyID, ProposalType, type LeafNode, type ReInit } from "../objects/index.js";
import { Checks } from "./checks.js";
import type { MemberEpoch } from "./epoch.js";
import type { MemberState } from "./member-state.js";
import { hasPsk, type PskLookup } from "./psk-store.js";
import type { CachedProposal } from "./proposal-cache.js";
import { affectedLeaf, isDefaultType } from "./proposals.js";
import { isAboutTheInput } from "./received.js";
import { reasonAgainstReInit } from "./reinit-support.js";
import { validateProposal } from "./validate-proposal.js";

/** A proposal that is left out, because the commit would not be valid with it. */
export interface SkippedProposal {
  readonly proposal: CachedProposal;
  readonly reason: string;
}

export interface ChosenProposals {
  /** In the order in which they came; Adds are still to be admitted. */
  readonly chosen: readonly CachedProposal[];
  readonly skipped: readonly SkippedProposal[];
  /** An own Update was asked for: a commit of one's own does the same by its path. */
  readonly ownUpdate: boolean;
}

/** What the commit proposes by value, which counts before what others proposed. */
export interface ByValue {
  readonly removed: ReadonlySet<number>;
  readonly extensions: boolean;
}

/**
 * Those of `all` that are valid one by one and together; a Remove counts before an Update, a later Update before an earlier.
 * @param all proposals of the epoch, in the order in which they came
 */
export async function chooseProposals(
  state: MemberState,
  byValue: ByValue,
  all: readonly CachedProposal[],
): Promise<ChosenProposals> {
  if (all.length === 0) return { chosen: [], skipped: [], ownUpdate: false };
  const reasons = await reasonsAgainst(state, all);
  const valid = all.filter((_, index) => reasons[index] === undefined);
  const choice = new Choice(state, byValue, valid);
  const chosen: CachedProposal[] = [];
  const skipped: SkippedProposal[] = [];
  let ownUpdate = false;
  for (const [index, proposal] of all.entries()) {
    const reason = reasons[index] ?? choice.reasonAgainst(proposal);
    if (reason === "own update") ownUpdate = true;
    else if (reason === undefined) chosen.push(proposal);
    else skipped.push({ proposal, reason });
  }
  return { chosen, skipped, ownUpdate };
}

class Choice {
  readonly #epoch: MemberEpoch;
  readonly #lookup: PskLookup;
  readonly #byValue: ByValue;
  readonly #lastChange: ReadonlyMap<number, CachedProposal>;
  readonly #onlyReInits: boolean;
  readonly #keys = new Set<string>();
  readonly #psks = new Set<string>();
  #extensions: boolean;
  #reinit = false;

  constructor({ epoch, environment }: MemberState, byValue: ByValue, proposals: readonly CachedProposal[]) {
    this.#epoch = epoch;
    this.#lookup = environment.psks;
    this.#byValue = byValue;
    this.#lastChange = lastChanges(proposals);
    this.#onlyReInits = proposals.every(({ proposal }) => proposal.proposalType === ProposalType.reinit);
    this.#extensions = byValue.extensions;
  }

  /** Why a valid proposal is left out all the same, undefined when it is not. */
  reasonAgainst(sent: CachedProposal): string | undefined {
    const { proposal } = sent;
    const leaf = affectedLeaf(sent);
    if (leaf !== undefined) {
      if (leaf === this.#epoch.ownLeafIndex) {
        return proposal.proposalType === ProposalType.update ? "own update" : "a committer cannot remove itself";
      }
      if (this.#byValue.removed.has(leaf)) return "the commit removes this member";
      if (this.#lastChange.get(leaf) !== sent) return "another proposal changes this leaf";
    }
    switch (proposal.proposalType) {
      case ProposalType.update:
        return this.#repeatedKeys(proposal.leafNode);
      case ProposalType.psk:
        if (!hasPsk(proposal.psk, this.#lookup)) return "this client does not have the PSK";
        return this.#repeated(this.#psks, encode(PreSharedKeyID, proposal.psk).toString("latin1"));
      case ProposalType.reinit:
        if (this.#reinit || !this.#onlyReInits) return "a ReInit is committed alone";
        return this.#unsupported(proposal);
      case ProposalType.groupContextExtensions:
        if (this.#extensions) return "the extensions are replaced once";
        this.#extensions = true;
    }
    return undefined;
  }

  #unsupported(reinit: ReInit): string | undefined {
    const reason = reasonAgainstReInit(this.#epoch, reinit);
    this.#reinit = reason === undefined;
    return reason;
  }

  #repeatedKeys({ encryptionKey, signatureKey }: LeafNode): string | undefined {
    const encryption = this.#repeated(this.#keys, `e${Buffer.from(encryptionKey).toString("latin1")}`);
    return encryption ?? this.#repeated(this.#keys, `s${Buffer.from(signatureKey).toString("latin1")}`);
  }

  #repeated(seen: Set<string>, key: string): string | undefined {
    if (seen.has(key)) return "another proposal has the same key";
    seen.add(key);
    return undefined;
  }
}

/** For each leaf the proposal that counts: a Remove, or the last Update. */
function lastChanges(proposals: readonly CachedProposal[]): Map<number, CachedProposal> {
  const last = new Map<number, CachedProposal>();
  for (const proposal of proposals) {
    const leaf = affectedLeaf(proposal);
    if (leaf === undefined || last.get(leaf)?.proposal.proposalType === ProposalType.remove) continue;
    last.set(leaf, proposal);
  }
  return last;
}

/** They were valid when they came; lifetimes and what the application trusts may have changed since. */
async function reasonsAgainst(
  state: MemberState,
  proposals: readonly CachedProposal[],
): Promise<(string | undefined)[]> {
  const { epoch, environment } = state;
  const { suite, tree } = epoch;
  const setting = { suite, context: epoch.context.value, tree, policy: environment.policy };
  const early: unknown[] = [];
  const all = proposals.map((proposal, index) => {
    const checks = new Checks();
    try {
      validateProposal(setting, proposal, checks);
      refuseUnsupported(state, proposal);
      return checks;
    } catch (error) {
      early[index] = error;
      return new Checks();
    }
  });
  const late = await Checks.runEach(suite, all);
  return proposals.map((_, index) => reasonOf(early[index] ?? late[index]));
}

function refuseUnsupported({ epoch }: MemberState, { proposal }: CachedProposal): void {
  const { proposalType } = proposal;
  if (isDefaultType(proposalType) || epoch.tree.support.proposals.includes(proposalType)) return;
  throw new TinyMlsError("invalid", "not all members support this type of proposal", { component: "mls" });
}

function reasonOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  if (isAboutTheInput(error)) return error.message;
  throw error as Error;
}
