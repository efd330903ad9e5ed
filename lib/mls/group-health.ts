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
