/** What a member holds of a group: the current epoch, its proposals, and what is kept of epochs before. */
import type { Secret } from "../../native/secret.js";
import { FramingContext, type SenderKeys } from "../framing/index.js";
import type { RetentionPolicy } from "../schedule/index.js";
import type { Counters } from "./counters.js";
import { disposeEpoch, epochOf, type MemberEpoch } from "./epoch.js";
import { PastEpochs } from "./past-epochs.js";
import type { GroupPolicy } from "./policy.js";
import { ProposalCache } from "./proposal-cache.js";
import type { PskLookup } from "./psk-store.js";
import type { Questions } from "./questions.js";
import { senderKeysOf } from "./sender-keys.js";
import { SentHandshakes } from "./sent-handshakes.js";
import type { StagedEpoch } from "./stage-member.js";

/** What a group has from its client. */
export interface GroupEnvironment {
  readonly policy: GroupPolicy;
  /** What the policy asks the application. */
  readonly questions: Questions;
  readonly psks: PskLookup;
  readonly retention: RetentionPolicy;
  readonly counters: Counters;
}

/** What a member keeps beside the current epoch. */
export interface KeptState {
  readonly past: PastEpochs;
  readonly sent: SentHandshakes;
  readonly proposals: ProposalCache;
  readonly forkNoticedAt: number | undefined;
}

export class MemberState {
  readonly environment: GroupEnvironment;
  readonly past: PastEpochs;
  readonly sent: SentHandshakes;
  #epoch: MemberEpoch;
  #framing: FramingContext;
  #senderKeys: SenderKeys;
  #proposals: ProposalCache;
  #forkNoticedAt: number | undefined;

  /** Takes over the epoch, and what was kept with it in storage. */
  constructor(environment: GroupEnvironment, epoch: MemberEpoch, kept?: KeptState) {
    this.environment = environment;
    this.past = kept?.past ?? new PastEpochs(environment.retention, environment.policy.now);
    this.sent = kept?.sent ?? new SentHandshakes();
    this.#proposals = kept?.proposals ?? new ProposalCache();
    this.#forkNoticedAt = kept?.forkNoticedAt;
    this.#epoch = epoch;
    this.#framing = FramingContext.of(epoch.suite, epoch.context);
    this.#senderKeys = senderKeysOf(epoch, environment.policy.customProposals);
  }

  get epoch(): MemberEpoch {
    return this.#epoch;
  }
  get framing(): FramingContext {
    return this.#framing;
  }
  get senderKeys(): SenderKeys {
    return this.#senderKeys;
  }
  get policy(): GroupPolicy {
    return this.environment.policy;
  }
  get proposals(): ProposalCache {
    return this.#proposals;
  }

  /** When a message in this member's name came that this state did not send; milliseconds since 1970. */
  get forkNoticedAt(): number | undefined {
    return this.#forkNoticedAt;
  }

  /** @param at the first time counts */
  noticeFork(at: number): void {
    this.#forkNoticedAt ??= at;
  }

  /** The resumption_psk of an epoch, lent; undefined where it is erased. */
  resumptionPsk(epoch: bigint): Secret | undefined {
    return epoch === epochOf(this.#epoch) ? this.#epoch.secrets.resumptionPsk : this.past.resumptionPsk(epoch);
  }

  /** Remembers a proposal or commit of this member, to know its echo. */
  sends(handshake: Uint8Array): void {
    this.environment.counters.sent++;
    this.sent.add(handshake);
  }

  /** Goes over to a staged epoch. */
  merge(staged: StagedEpoch): void {
    const ended = this.#epoch;
    this.#epoch = staged.merge();
    this.environment.counters.epochs++;
    this.past.add(ended, this.#framing);
    this.#proposals.dispose();
    this.#proposals = new ProposalCache();
    this.#framing = FramingContext.of(this.#epoch.suite, this.#epoch.context);
    this.#senderKeys = senderKeysOf(this.#epoch, this.environment.policy.customProposals);
  }

  /** Erases the keys for late messages whose time is over. */
  expire(): void {
    this.past.expire();
    this.#epoch.secretTree.expire();
  }

  /** Wipes everything. */
  dispose(): void {
    disposeEpoch(this.#epoch);
    this.past.dispose();
    this.#proposals.dispose();
  }
}
