import type { LifetimePolicy } from "../tree/index.js";
import type { AuthenticationService, CredentialUse } from "./authentication.js";
import type { Credential, Extension, LeafNode } from "../objects/index.js";
import { refuse } from "../rules.js";
import { externalSenders } from "./group-extensions.js";
import type { CustomProposalTypes } from "./proposals.js";

/** How proposals and commits of members are sent: encrypted, or so that servers can read them. */
export type HandshakePolicy = "private" | "public";

/** What the application decides about the groups of a client. */
export interface GroupPolicy {
  readonly authentication: AuthenticationService;
  readonly customProposals: CustomProposalTypes;
  /** The greatest total lifetime of a key package, in seconds (RFC 9420 §7.2). */
  readonly maximumLifetime: bigint;
  /** So many proposals that wait for a commit are kept of an epoch. */
  readonly maximumProposals: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** How the lifetimes of leaves that enter a group now are judged. */
export function lifetimePolicy({ now, maximumLifetime }: GroupPolicy): LifetimePolicy {
  return { now: BigInt(Math.floor(now() / 1000)), maximum: maximumLifetime };
}

type Identity = Pick<LeafNode, "credential" | "signatureKey">;

/** RFC 9420 §5.3.1: refuses a leaf whose credential the application does not trust. */
export async function checkCredential(policy: GroupPolicy, leaf: Identity, use: CredentialUse): Promise<void> {
  const trusted = await policy.authentication.validateCredential(leaf.credential, leaf.signatureKey, use);
  if (!trusted) refuse("5.3.1/credential");
}

/** RFC 9420 §5.3.1: refuses group context extensions with an external sender whom the application does not trust. */
export async function checkExternalSenders(policy: GroupPolicy, extensions: readonly Extension[]): Promise<void> {
  for (const { credential, signatureKey } of externalSenders(extensions)) {
    const trusted = await policy.authentication.validateCredential(credential, signatureKey, "externalSender");
    if (!trusted) refuse("5.3.1/credential", "external sender");
  }
}

/** RFC 9420 §5.3.1: refuses a leaf whose credential the application does not take as successor of the one before. */
export async function checkSuccessor(policy: GroupPolicy, previous: Credential, next: Credential): Promise<void> {
  if (!(await policy.authentication.isValidSuccessor(previous, next))) refuse("5.3.1/successor");
}

/**
 * RFC 9420 §5.3.1: the leaf of a commit's path, in place of `previous` if there was one. Who makes a commit asks the same, so as to publish none
 * that the others refuse.
 */
export async function checkCommitter(
  policy: GroupPolicy,
  leaf: Identity,
  previous: Pick<LeafNode, "credential"> | undefined,
): Promise<void> {
  await checkCredential(policy, leaf, "newMember");
  if (previous !== undefined) await checkSuccessor(policy, previous.credential, leaf.credential);
}
