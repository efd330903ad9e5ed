/** RFC 9420 §12.2: what a list of proposals as a whole has to be, apart from the proposals one by one. */
import { encode } from "../../codec/index.js";
import { PreSharedKeyID, ProposalType, type Credential } from "../objects/index.js";
import { refuse, type RuleId } from "../rules.js";
import type { RatchetTree } from "../tree/index.js";
import type { AuthenticationService } from "./authentication.js";
import { affectedLeaf, ofType, type SentProposal } from "./proposals.js";

/** The list of a commit by a member. */
export function checkMemberList(list: readonly SentProposal[], committer: number): void {
  for (const { proposal, sender } of list) {
    if (proposal.proposalType === ProposalType.update && affectedLeaf({ proposal, sender }) === committer) {
      refuse("12.2/committer-update");
    }
    if (proposal.proposalType === ProposalType.remove && proposal.removed === committer)
      refuse("12.2/committer-remove");
  }
  checkDistinct(list.map(affectedLeaf), "12.2/one-change-per-leaf");
  checkAtMostOne(list, ProposalType.groupContextExtensions, "12.2/one-group-context-extensions");
  checkPreSharedKeys(list);
  if (list.length > 1 && ofType(list, ProposalType.reinit).length > 0) refuse("12.2/reinit-alone");
}

const ofExternalCommits: ReadonlySet<number> = new Set([
  ProposalType.externalInit,
  ProposalType.remove,
  ProposalType.psk,
]);

/** The list of an external commit. */
export function checkExternalList(list: readonly SentProposal[]): void {
  if (list.some(({ ref }) => ref !== undefined)) refuse("12.4.3.2/by-value");
  if (ofType(list, ProposalType.externalInit).length !== 1) refuse("12.2/external-init-once");
  for (const { proposal } of list) {
    if (!ofExternalCommits.has(proposal.proposalType)) refuse("12.2/external-types", `type ${proposal.proposalType}`);
  }
  checkAtMostOne(list, ProposalType.remove, "12.2/external-remove-once");
  checkPreSharedKeys(list);
}

function checkAtMostOne(list: readonly SentProposal[], type: ProposalType, rule: RuleId): void {
  if (ofType(list, type).length > 1) refuse(rule);
}

function checkPreSharedKeys(list: readonly SentProposal[]): void {
  const ids = ofType(list, ProposalType.psk).map(({ proposal }) =>
    encode(PreSharedKeyID, proposal.psk).toString("hex"),
  );
  checkDistinct(ids, "12.2/psk-once");
}

function checkDistinct(values: readonly (string | number | undefined)[], rule: RuleId): void {
  const seen = new Set<string | number>();
  for (const value of values) {
    if (value === undefined) continue;
    if (seen.has(value)) refuse(rule);
    seen.add(value);
  }
}

interface Client {
  readonly credential: Credential;
  readonly signatureKey: Uint8Array;
}

/**
 * No client is added twice, and none that stays in the group. Clients with one signature key are the same; whether others
 * are is up to the application, and costs a pass over the group for each Add where it has a say.
 */
export async function checkAddedClients(
  list: readonly SentProposal[],
  tree: RatchetTree,
  authentication: AuthenticationService,
): Promise<void> {
  const removed = new Set(ofType(list, ProposalType.remove).map(({ proposal }) => proposal.removed));
  const added = ofType(list, ProposalType.add).map(({ proposal }) => proposal.keyPackage.leafNode);
  checkDistinct(
    added.map(({ signatureKey }) => Buffer.from(signatureKey).toString("hex")),
    "12.2/add-once",
  );
  for (const { signatureKey } of added) {
    const present = tree.memberWithSignatureKey(signatureKey);
    if (present !== undefined && !removed.has(present)) refuse("12.2/add-new", `leaf ${present}`);
  }
  if (authentication.isSameClient === undefined || added.length === 0) return;
  await checkByApplication(added, staying(tree, removed), authentication);
}

function staying(tree: RatchetTree, removed: ReadonlySet<number>): Client[] {
  return [...tree.members()].filter(([index]) => !removed.has(index)).map(([, leaf]) => leaf.decode());
}

async function checkByApplication(
  added: readonly Client[],
  members: readonly Client[],
  authentication: AuthenticationService,
): Promise<void> {
  for (const [index, client] of added.entries()) {
    for (const other of added.slice(0, index)) {
      if (await authentication.isSameClient!(client.credential, other.credential)) refuse("12.2/add-once");
    }
    for (const member of members) {
      if (await authentication.isSameClient!(client.credential, member.credential)) refuse("12.2/add-new");
    }
  }
}
