import { TinyMlsError } from "../errors.js";
import type { HeldGroup } from "./durable/client-store.js";
import type { PreparedCommit } from "./durable/pending-records.js";
import type { MemberState } from "./group/member-state.js";

/** A group as it comes from storage, or goes there. */
export interface StoredGroup {
  readonly held: HeldGroup;
  readonly pending?: PreparedCommit | undefined;
}

/** What a group does with its state besides. */
export interface StateOwner {
  /** The commit that is pending. */
  readonly prepared: () => PreparedCommit | undefined;
  /** The state was read again, because a write failed. */
  readonly reloaded: (pending: PreparedCommit | undefined) => void;
  /** Another process took the group over. */
  readonly lost: () => void;
}

/**
 * The state of a group, and the storage that it is kept in, if any. What an operation changes is written before the operation ends. When
 * that fails, the state is read again, so that it is never ahead of what is stored.
 */
export class KeptState {
  #current: MemberState;
  readonly #held: HeldGroup | undefined;
  readonly #owner: StateOwner;
  #isAhead = false;
  #isOver = false;

  constructor(state: MemberState, held: HeldGroup | undefined, owner: StateOwner) {
    this.#current = state;
    this.#held = held;
    this.#owner = owner;
  }

  get current(): MemberState {
    return this.#current;
  }

  /** Whether a write failed, and reading the state again too: the next operation tries that again. */
  get isAhead(): boolean {
    return this.#isAhead;
  }

  /** @throws TinyMlsError `storage` while the state cannot be read again */
  requireStored(operation: string): void {
    if (!this.#isAhead) return;
    throw new TinyMlsError("storage", "the storage failed: what is stored of the group could not be read again yet", {
      operation,
      component: "mls",
    });
  }

  /** Runs an operation and saves what it changed. */
  run<T>(operation: () => T | Promise<T>): T | Promise<T> {
    return this.#held === undefined ? operation() : this.#runSaved(this.#held, operation);
  }

  /** Runs `send` once there is a generation for an application message that was never used, not in a process that died either. */
  reserved<T>(send: () => T): T | Promise<T> {
    const reserving = this.#held?.store.reserve(this.#current, this.#owner.prepared());
    return reserving === undefined ? send() : this.#saved(reserving).then(send);
  }

  /** The group is over for this client: what is stored of it is deleted when the operation ends. */
  end(): void {
    this.#isOver = true;
    this.#current.dispose();
  }

  /** Lets other processes have what is stored; or deletes it, and rejects where it cannot. What is in memory stays, to be disposed. */
  close(forget: boolean): Promise<void> {
    if (this.#held === undefined) return Promise.resolve();
    return forget ? this.#held.erase() : this.#release(this.#held);
  }

  async #runSaved<T>(held: HeldGroup, operation: () => T | Promise<T>): Promise<T> {
    if (this.#isAhead) await this.#reload(held);
    const result = await operation();
    if (this.#isOver) {
      await held.erase();
      return result;
    }
    const saving = held.store.save(this.#current, this.#owner.prepared());
    if (saving !== undefined) await this.#saved(saving);
    return result;
  }

  async #release(held: HeldGroup): Promise<void> {
    if (this.#isAhead) return;
    try {
      await held.release({ state: this.#current, pending: this.#owner.prepared() });
    } catch {
      // All that a release adds is which generations were not used; others get the group when the lease is over.
    }
  }

  async #saved(saving: Promise<void>): Promise<void> {
    try {
      await saving;
    } catch (error) {
      this.#isAhead = true;
      if (error instanceof TinyMlsError && error.code === "conflict") this.#owner.lost();
      else await this.#reload(this.#held!).catch(() => undefined);
      throw error;
    }
  }

  async #reload(held: HeldGroup): Promise<void> {
    const ahead = this.#current;
    const { state, pending } = await held.reload(ahead.environment);
    if (ahead.forkNoticedAt !== undefined) state.noticeFork(ahead.forkNoticedAt);
    this.#current = state;
    this.#owner.reloaded(pending);
    ahead.dispose();
    this.#isAhead = false;
  }
}
