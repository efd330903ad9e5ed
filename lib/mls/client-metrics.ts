import type { ErrorCode } from "../errors.js";
import type { Group } from "./group.js";
import type { Counters, ReceivedKind } from "./group/counters.js";

/** What a Client counted since it was created. The counters never decrease. */
export interface ClientMetrics {
  readonly name: string | undefined;
  readonly closed: boolean;
  /** Groups that are open now. */
  readonly groups: number;
  /** Commits merged: own ones and those of others. */
  readonly epochs: number;
  /** Messages made: application, proposals, commits. */
  readonly sent: number;
  readonly received: Readonly<Record<ReceivedKind, number>>;
  /** Rejected messages by the code of the error; their sum is `received.rejected`. */
  readonly rejected: Readonly<Partial<Record<ErrorCode, number>>>;
  /** Commits that are made and neither confirmed nor discarded. */
  readonly pendingCommits: number;
}

/** Copies, which do not change any more. */
export function clientMetrics(
  name: string | undefined,
  closed: boolean,
  groups: readonly Group[],
  { epochs, sent, received, rejected }: Counters,
): ClientMetrics {
  const pendingCommits = groups.filter(({ pendingCommit }) => pendingCommit !== undefined).length;
  const counted = { epochs, sent, received: { ...received }, rejected: { ...rejected } };
  return { name, closed, groups: groups.length, ...counted, pendingCommits };
}
