import type { MemberState } from "./group/member-state.js";
import { LeafNodeSource } from "./objects/index.js";
import type { PendingCommit } from "./pending-commit.js";

/** What someone who operates a group may want to know of it. */
export interface GroupHealth {
  readonly status: "ok" | "reinitialized" | "closed";
  readonly closedBecause?: string | undefined;
  readonly epoch: bigint;
  readonly members: number;
  /** Leaf indices of members that still have the keys of their key package: no commit or Update of theirs since they came. */
  readonly unrotatedLeaves: readonly number[];
  readonly pendingProposals: number;
  readonly pendingCommit: boolean;
  /**
   * When a commit or an application message in this client's name first came that its state did not send, in milliseconds since 1970;
   * undefined where none did. The state was put back to an older copy, or someone uses its keys. Of an encrypted one no signature can be
   * verified, so a member could have forged it: compare `epochAuthenticator()` with the others', and join anew where it differs.
   */
  readonly forkNoticedAt: number | undefined;
  /** What is kept for late messages: secrets that someone who seizes this process could use. */
  readonly retained: {
    readonly pastEpochs: number;
    readonly messageKeys: number;
    /** Milliseconds since the oldest of all that was kept; undefined where nothing is. */
    readonly oldestMs: number | undefined;
  };
}

export function groupHealth(
  state: MemberState,
  pending: PendingCommit | undefined,
  closed: string | undefined,
): GroupHealth {
  const { epoch, past, proposals, environment } = state;
  const epochs = past.list();
  const trees = closed === undefined ? [epoch.secretTree, ...epochs.map(({ secretTree }) => secretTree)] : [];
  const retained = trees.map((tree) => tree.retained);
  const times = [...retained.map(({ oldest }) => oldest), ...epochs.map(({ endedAt }) => endedAt)];
  const oldest = Math.min(...times.filter((time) => time !== undefined));
  return {
    status: closed !== undefined ? "closed" : epoch.reinit === undefined ? "ok" : "reinitialized",
    closedBecause: closed,
    epoch: epoch.context.value.epoch,
    members: epoch.tree.memberCount,
    unrotatedLeaves: unrotated(state),
    pendingProposals: proposals.size,
    pendingCommit: pending !== undefined,
    forkNoticedAt: state.forkNoticedAt,
    retained: {
      pastEpochs: epochs.length,
      messageKeys: retained.reduce((sum, { keys }) => sum + keys, 0),
      oldestMs: Number.isFinite(oldest) ? environment.policy.now() - oldest : undefined,
    },
  };
}

function unrotated({ epoch }: MemberState): number[] {
  return Array.from(epoch.tree.members())
    .filter(([, leaf]) => leaf.decode().leafNodeSource === LeafNodeSource.keyPackage)
    .map(([leafIndex]) => leafIndex);
}
