import type { ErrorCode } from "../errors.js";

/** What an incoming MLS message turned out to be: the kinds of `Received`. */
export const receivedKinds = [
  "application",
  "proposal",
  "commit",
  "ownEcho",
  "duplicate",
  "stale",
  "future",
  "needsProposals",
  "rejected",
] as const;

export type ReceivedKind = (typeof receivedKinds)[number];

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
