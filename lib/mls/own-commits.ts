import { TinyMlsError } from "../errors.js";
import { commitOptions, takesOptions } from "./group/arguments.js";
import { disposeKeys, intentOf, ownOptions, remainingOptions } from "./group/commit-intent.js";
import type { PreparedCommit } from "./durable/pending-records.js";
import { buildCommit, type CommitOptions } from "./group/build-commit.js";
import { createCommit, type HandshakeFraming } from "./group/create-commit.js";
import type { MemberState } from "./group/member-state.js";
import type { KeptState } from "./kept-state.js";
import { PendingCommit, type CommitOwner } from "./pending-commit.js";

/** Lets an operation run when it is its turn and the group is fit for it. */
export interface Gate {
  /** The group is open. */
  open<T>(operation: string, run: () => T | Promise<T>): Promise<T>;
  /** The group is open, and not reinitialized. */
  active<T>(operation: string, run: () => T | Promise<T>): Promise<T>;
}

const none = new Uint8Array(0);

/** The commits that this client makes of a group: one at a time, from preparing to confirming. */
export class OwnCommits implements CommitOwner {
  readonly #kept: KeptState;
  readonly #framing: HandshakeFraming;
  readonly #gate: Gate;
  #pending: PendingCommit | undefined;
  /** The two that were made last, whatever became of them. */
  #recent: PendingCommit[] = [];
  /** Those that hold a new signature key to be made anew with, as long as somebody has them. */
  #keyed: WeakRef<PendingCommit>[] = [];

  /** @param pending from storage */
  constructor(kept: KeptState, framing: HandshakeFraming, gate: Gate, pending: PreparedCommit | undefined) {
    this.#kept = kept;
    this.#framing = framing;
    this.#gate = gate;
    if (pending !== undefined) this.#begin(pending);
  }

  get pending(): PendingCommit | undefined {
    return this.#pending;
  }

  /** The state was read again, since a write failed: whoever has a pending commit in hand goes on with it. */
  reloaded(prepared: PreparedCommit | undefined): void {
    if (prepared === undefined) return this.supersede();
    const known = this.#recent.find(({ commit }) => commit.equals(prepared.commit));
    if (known !== this.#pending) this.supersede();
    if (known === undefined) return void this.#begin(prepared);
    known.revive(prepared);
    this.#pending = known;
    this.#watchKey(known);
  }

  prepare(options: CommitOptions): Promise<PendingCommit> {
    return this.#gate.active("commit", () => {
      takesOptions("commit", options, commitOptions);
      return this.#prepareOwn(ownOptions(options));
    });
  }

  confirmCommit(pending: PendingCommit): Promise<void> {
    if (pending.state === "confirmed" && !this.#kept.isAhead) return Promise.resolve();
    return this.#gate.open("confirm", () => {
      if (pending.state === "confirmed") return;
      if (pending !== this.#pending) throw settledAlready(pending, "confirm");
      this.#pending = undefined;
      this.#state.merge(pending.prepared.staged);
      pending.settle("confirmed");
    });
  }

  discardCommit(pending: PendingCommit): Promise<void> {
    const isGone = pending.state === "discarded" || pending.state === "superseded";
    if (isGone && !this.#kept.isAhead) return Promise.resolve();
    return this.#gate.open("discard", () => {
      if (pending.state === "confirmed") throw settledAlready(pending, "discard");
      this.#drop(pending, "discarded");
    });
  }

  rebaseCommit(pending: PendingCommit): Promise<PendingCommit> {
    return this.#gate.active("rebase", async () => {
      if (pending.state === "confirmed") throw settledAlready(pending, "rebase");
      const options = remainingOptions(pending.prepared.intent, this.#state.epoch);
      if (options === undefined) {
        throw new TinyMlsError("conflict", "nothing of the commit is left to do in this epoch", {
          operation: "rebase",
          component: "mls",
          retryable: false,
        });
      }
      this.#drop(pending, "discarded");
      return this.#prepareOwn(options);
    });
  }

  /** A commit of someone else took the place of the one that is pending. */
  supersede(): void {
    if (this.#pending !== undefined) this.#drop(this.#pending, "superseded");
  }

  /** The group is over. */
  close(): void {
    this.supersede();
    for (const pending of this.#keyed) pending.deref()?.forget();
  }

  /** Owns the signature key among the options. */
  async #prepareOwn(options: CommitOptions): Promise<PendingCommit> {
    try {
      return await this.#prepare(options);
    } catch (error) {
      disposeKeys(options);
      throw error;
    }
  }

  async #prepare(options: CommitOptions): Promise<PendingCommit> {
    if (this.#pending !== undefined) {
      throw new TinyMlsError("conflict", "a commit is pending: confirm, discard or rebase it first", {
        operation: "commit",
        component: "mls",
      });
    }
    const built = await buildCommit(this.#state, options);
    const { proposals, forcePath, leaf, newSignatureKey } = built;
    const created = await createCommit(this.#state.epoch, this.#state.environment, {
      proposals,
      forcePath,
      leaf,
      newSignatureKey,
      authenticatedData: options.authenticatedData ?? none,
      framing: this.#framing,
      ratchetTreeInWelcome: options.ratchetTree ?? true,
      groupInfoExtensions: options.groupInfoExtensions ?? [],
    });
    const { commit, welcome, staged } = created;
    const { plan, skipped } = built;
    const intent = intentOf(this.#state.epoch, options, plan);
    this.#state.sends(commit);
    return this.#begin({ commit, welcome, staged, plan, skipped, intent });
  }

  #begin(prepared: PreparedCommit): PendingCommit {
    this.#pending = new PendingCommit(this, prepared);
    this.#recent = [this.#pending, ...this.#recent.slice(0, 1)];
    this.#watchKey(this.#pending);
    return this.#pending;
  }

  #watchKey(pending: PendingCommit): void {
    if (!pending.holdsKey) return;
    this.#keyed = this.#keyed.filter((other) => other.deref()?.holdsKey);
    this.#keyed.push(new WeakRef(pending));
  }

  get #state(): MemberState {
    return this.#kept.current;
  }

  #drop(pending: PendingCommit, state: "discarded" | "superseded"): void {
    pending.settle(state);
    if (this.#pending === pending) this.#pending = undefined;
  }
}

function settledAlready({ state }: PendingCommit, operation: string): TinyMlsError {
  return new TinyMlsError("conflict", `the commit is ${state}`, { operation, component: "mls", retryable: false });
}
