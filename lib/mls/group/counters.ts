import type { ErrorCode } from "../../errors.js";
import type { Received } from "./received.js";

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
] as const satisfies readonly Received["kind"][];

export type ReceivedKind = Received["kind"];

/** What a client counts in all of its groups. Nothing here ever decreases. */
export class Counters {
  /** Messages made: application, proposals, commits. */
  sent = 0;
  /** Commits merged: own ones and those of others. */
  epochs = 0;
  readonly received = Object.fromEntries(receivedKinds.map((kind) => [kind, 0])) as Record<ReceivedKind, number>;
  readonly rejected: Partial<Record<ErrorCode, number>> = {};

  count(outcome: Received): Received {
    this.received[outcome.kind]++;
    if (outcome.kind === "rejected") this.rejected[outcome.code] = (this.rejected[outcome.code] ?? 0) + 1;
    return outcome;
  }
}
