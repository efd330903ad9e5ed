/** RFC 9420 §8.6, §15.3: what is kept of epochs that are over. */
import type { Secret } from "../../native/secret.js";
import type { FramingContext } from "../framing/index.js";
import type { EpochSecrets, RetentionPolicy, SecretTree } from "../schedule/index.js";
import type { RatchetTree } from "../tree/index.js";
import { epochOf, type MemberEpoch } from "./epoch.js";

/** What opens late application messages. */
export interface PastEpoch {
  readonly framing: FramingContext;
  /** In which senders are looked up: a leaf index may have passed to someone else since. */
  readonly tree: RatchetTree;
  readonly secrets: EpochSecrets;
  readonly secretTree: SecretTree;
  /** Milliseconds since 1970. */
  readonly endedAt: number;
}

export class PastEpochs {
  readonly #retention: RetentionPolicy;
  readonly #now: () => number;
  readonly #epochs = new Map<bigint, PastEpoch>();
  readonly #resumptionPsks = new Map<bigint, Secret>();
  /** Before this time nothing expires, so that most operations look at no epoch. */
  #quietUntil = 0;

  constructor(retention: RetentionPolicy, now: () => number) {
    this.#retention = retention;
    this.#now = now;
  }

  /** Takes over an epoch whose private keys have passed to the next, and erases all that is not needed any more. */
  add(ended: MemberEpoch, framing: FramingContext): void {
    const { secrets, secretTree, tree } = ended;
    const epoch = epochOf(ended);
    secrets.retain("senderDataSecret", "resumptionPsk");
    this.#resumptionPsks.set(epoch, secrets.take("resumptionPsk"));
    this.#epochs.set(epoch, { framing, tree, secrets, secretTree, endedAt: this.#now() });
    this.#quietUntil = 0;
    this.expire();
  }

  get(epoch: bigint): PastEpoch | undefined {
    this.expire();
    this.#quietUntil = 0; // the message that it is for may leave keys behind
    return this.#epochs.get(epoch);
  }

  /** Lent. */
  resumptionPsk(epoch: bigint): Secret | undefined {
    return this.#resumptionPsks.get(epoch);
  }

  /** Epoch and resumption_psk, lent, the oldest first. */
  resumptionPsks(): IterableIterator<[bigint, Secret]> {
    return this.#resumptionPsks.entries();
  }

  /** Takes over an epoch that was kept before, say in storage: the oldest has to come first. */
  restore(past: PastEpoch): void {
    this.#epochs.set(past.framing.epoch, past);
    this.#quietUntil = 0;
  }

  /** The same for a resumption_psk. */
  restorePsk(epoch: bigint, psk: Secret): void {
    this.#resumptionPsks.set(epoch, psk);
    this.#quietUntil = 0;
  }

  /** The oldest first. */
  list(): PastEpoch[] {
    return [...this.#epochs.values()];
  }

  /** Erases what the policy does not keep. */
  expire(): void {
    const now = this.#now();
    if (now < this.#quietUntil) return;
    const { pastEpochs, pastEpochLifetimeMs, skippedKeyLifetimeMs, resumptionEpochs } = this.#retention;
    const oldest = now - pastEpochLifetimeMs;
    for (const [epoch, past] of this.#epochs) {
      if (this.#epochs.size <= pastEpochs && past.endedAt >= oldest) break;
      past.secrets.dispose();
      past.secretTree.dispose();
      this.#epochs.delete(epoch);
    }
    this.#quietUntil = Infinity;
    for (const { secretTree, endedAt } of this.#epochs.values()) {
      secretTree.expire();
      const { oldest = Infinity } = secretTree.retained;
      this.#quietUntil = Math.min(this.#quietUntil, endedAt + pastEpochLifetimeMs, oldest + skippedKeyLifetimeMs);
    }
    for (const [epoch, psk] of this.#resumptionPsks) {
      if (this.#resumptionPsks.size <= resumptionEpochs) break;
      psk.dispose();
      this.#resumptionPsks.delete(epoch);
    }
  }

  dispose(): void {
    for (const { secrets, secretTree } of this.#epochs.values()) {
      secrets.dispose();
      secretTree.dispose();
    }
    for (const psk of this.#resumptionPsks.values()) psk.dispose();
    this.#epochs.clear();
    this.#resumptionPsks.clear();
  }
}
