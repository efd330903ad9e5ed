import { TinyMlsError } from "../errors.js";
import { createGroupInfo, encodeGroupInfo } from "./group/group-info.js";
import { disposeKeys } from "./group/commit-intent.js";
import type { AddPlan } from "./group/plan-add.js";
import type { PreparedCommit } from "./durable/pending-records.js";
import type { SkippedProposal } from "./group/choose-proposals.js";

/** What a group does with a commit of its own. */
export interface CommitOwner {
  confirmCommit(pending: PendingCommit): Promise<void>;
  discardCommit(pending: PendingCommit): Promise<void>;
  rebaseCommit(pending: PendingCommit): Promise<PendingCommit>;
}

export type PendingCommitState = "pending" | "confirmed" | "discarded" | "superseded";

/**
 * A commit that is made and not yet in effect. Publish `commit`; when the delivery service accepts it, `confirm()`, and send
 * `welcome` to those who are added. When another commit of the epoch wins, receiving that one supersedes this: `rebase()` then
 * makes it anew in the new epoch.
 */
export class PendingCommit {
  /** An MLSMessage for the group. */
  readonly commit: Buffer;
  /** An MLSMessage for those who are added; undefined where there are none. */
  readonly welcome: Buffer | undefined;
  /** The epoch that it begins. */
  readonly epoch: bigint;
  /** The verdict on each key package that was to be added. */
  readonly plan: AddPlan;
  /** Proposals received that it leaves out, and why. */
  readonly skippedProposals: readonly SkippedProposal[];
  readonly #owner: CommitOwner;
  #prepared: PreparedCommit;
  #groupInfo: Buffer | undefined;
  #state: PendingCommitState = "pending";

  /** @internal made by `Group.commit` */
  constructor(owner: CommitOwner, prepared: PreparedCommit) {
    this.commit = prepared.commit;
    this.welcome = prepared.welcome;
    this.epoch = prepared.staged.next.context.value.epoch;
    this.plan = prepared.plan;
    this.skippedProposals = prepared.skipped;
    this.#owner = owner;
    this.#prepared = prepared;
  }

  get state(): PendingCommitState {
    return this.#state;
  }

  /**
   * The GroupInfo of the epoch that it begins, with the ratchet tree and the key for external commits, an MLSMessage. Made when it is
   * first asked for.
   * @throws TinyMlsError `closed` once the commit is discarded or superseded
   */
  get groupInfo(): Buffer {
    if (this.#groupInfo !== undefined) return this.#groupInfo;
    if (this.#state === "discarded" || this.#state === "superseded") {
      throw new TinyMlsError("closed", `the commit is ${this.#state}: its epoch does not come`, { component: "mls" });
    }
    const { next } = this.#prepared.staged;
    this.#groupInfo = encodeGroupInfo(createGroupInfo(next, { ratchetTree: true, externalPub: true }));
    return this.#groupInfo;
  }

  /** The commit is accepted: the group goes over to its epoch. Confirming twice is confirming once. */
  confirm(): Promise<void> {
    return this.#owner.confirmCommit(this);
  }

  /** The commit is not published, or not accepted: the group stays as it is. */
  discard(): Promise<void> {
    return this.#owner.discardCommit(this);
  }

  /**
   * Makes the commit anew, in the current epoch, from what it was to do; what has been done meanwhile is left out.
   * @throws TinyMlsError `conflict` when nothing of it is left to do, or it is confirmed
   */
  rebase(): Promise<PendingCommit> {
    return this.#owner.rebaseCommit(this);
  }

  /** @internal */
  get prepared(): PreparedCommit {
    return this.#prepared;
  }

  /** @internal It is pending as the storage has it: what was done with it since could not be written. */
  revive(prepared: PreparedCommit): void {
    this.#prepared.staged.discard();
    this.forget();
    this.#prepared = prepared;
    this.#state = "pending";
  }

  /** @internal */
  settle(state: Exclude<PendingCommitState, "pending">): void {
    if (this.#state !== "pending") return;
    if (state === "confirmed") this.forget();
    else this.#prepared.staged.discard();
    this.#state = state;
  }

  /** @internal A new signature key, to be made anew with. */
  get holdsKey(): boolean {
    const { update } = this.#prepared.intent.options;
    return this.#state !== "confirmed" && typeof update === "object" && update.signatureKey !== undefined;
  }

  /** @internal It is not made anew any more. */
  forget(): void {
    disposeKeys(this.#prepared.intent.options);
  }
}
