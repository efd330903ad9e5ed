import { TinyMlsError } from "../errors.js";
import { intentOf, remainingOptions, type CommitIntent } from "./commit-intent.js";
import { buildCommit, type CommitOptions } from "./group/build-commit.js";
import { createCommit, type HandshakeFraming } from "./group/create-commit.js";
import type { MemberState } from "./group/member-state.js";
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
  readonly #state: MemberState;
  readonly #framing: HandshakeFraming;
  readonly #gate: Gate;
  readonly #intents = new WeakMap<PendingCommit, CommitIntent>();
  #pending: PendingCommit | undefined;

  constructor(state: MemberState, framing: HandshakeFraming, gate: Gate) {
    this.#state = state;
    this.#framing = framing;
    this.#gate = gate;
  }

  get pending(): PendingCommit | undefined {
    return this.#pending;
  }

  prepare(options: CommitOptions): Promise<PendingCommit> {
    return this.#gate.active("commit", () => this.#prepare(options));
  }

  confirmCommit(pending: PendingCommit): Promise<void> {
    if (pending.state === "confirmed") return Promise.resolve();
    return this.#gate.open("confirm", () => {
      if (pending.state === "confirmed") return;
      if (pending !== this.#pending) throw settledAlready(pending, "confirm");
      this.#pending = undefined;
      this.#state.merge(pending.created.staged);
      pending.settle("confirmed");
    });
  }

  discardCommit(pending: PendingCommit): Promise<void> {
    if (pending.state === "discarded" || pending.state === "superseded") return Promise.resolve();
    return this.#gate.open("discard", () => {
      if (pending.state === "confirmed") throw settledAlready(pending, "discard");
      this.#drop(pending, "discarded");
    });
  }

  rebaseCommit(pending: PendingCommit): Promise<PendingCommit> {
    return this.#gate.active("rebase", async () => {
      if (pending.state === "confirmed") throw settledAlready(pending, "rebase");
      const options = remainingOptions(this.#intents.get(pending)!, this.#state.epoch);
      if (options === undefined) {
        throw new TinyMlsError("conflict", "nothing of the commit is left to do in this epoch", {
          operation: "rebase",
          component: "mls",
          retryable: false,
        });
      }
      this.#drop(pending, "discarded");
      return this.#prepare(options);
    });
  }

  /** A commit of someone else took the place of the one that is pending, or the group is over. */
  supersede(): void {
    if (this.#pending !== undefined) this.#drop(this.#pending, "superseded");
  }

  async #prepare(options: CommitOptions): Promise<PendingCommit> {
    if (this.#pending !== undefined) {
      throw new TinyMlsError("conflict", "a commit is pending: confirm, discard or rebase it first", {
        operation: "commit",
        component: "mls",
      });
    }
    const built = await buildCommit(this.#state, options);
    const created = await createCommit(this.#state.epoch, this.#state.environment, {
      ...built,
      authenticatedData: options.authenticatedData ?? none,
      framing: this.#framing,
      ratchetTreeInWelcome: options.ratchetTree ?? true,
      groupInfoExtensions: options.groupInfoExtensions ?? [],
    });
    const pending = new PendingCommit(this, created, built);
    this.#intents.set(pending, intentOf(this.#state.epoch, options, built.plan));
    this.#state.sends(pending.commit);
    this.#pending = pending;
    return pending;
  }

  #drop(pending: PendingCommit, state: "discarded" | "superseded"): void {
    pending.settle(state);
    if (this.#pending === pending) this.#pending = undefined;
  }
}

function settledAlready({ state }: PendingCommit, operation: string): TinyMlsError {
  return new TinyMlsError("conflict", `the commit is ${state}`, { operation, component: "mls", retryable: false });
}
