import { decode, encode, opaque, struct, uint64, uint8, vector } from "../../codec/index.js";
import type { Bundle, OpenedBundle } from "../../native/bundle.js";
import { Owned } from "../../native/owned.js";
import { disposeSecrets } from "../../native/secret.js";
import type { WriteStep } from "../../storage/port.js";
import { disposeEpoch, epochOf, type MemberEpoch } from "../group/epoch.js";
import { MemberState, type GroupEnvironment } from "../group/member-state.js";
import { ProposalCache, type CachedProposal } from "../group/proposal-cache.js";
import { mostSentHandshakes, SentHandshakes } from "../group/sent-handshakes.js";
import { Proposal, Sender } from "../objects/index.js";
import type { Suite } from "../suite/index.js";
import { disposeStored, epochBundle, epochFrom, restoredEpoch } from "./epoch-records.js";
import { isOfSecretTree, PastRecords, secretTreePrefix } from "./past-epoch-records.js";
import { deletePending, loadPending, savePending, type PreparedCommit } from "./pending-records.js";
import { RecordChanges } from "./record-changes.js";
import type { RecordSet } from "./record-set.js";
import type { RecordSnapshot } from "./record-snapshot.js";
import { loadSecretTree, saveSecretTree } from "./secret-tree-records.js";
import { treeLog, TreeRecords } from "./tree-records.js";

/** What is read back of a group. */
export interface LoadedGroup {
  readonly state: MemberState;
  readonly pending: PreparedCommit | undefined;
}

const StoredProposal = struct("StoredProposal", { sender: Sender, proposal: Proposal, ref: opaque, keys: uint8 });
const StoredProposals = struct("StoredProposals", { proposals: vector(StoredProposal) });
const Digests = struct("Digests", { digests: vector(opaque) });
const NoticedFork = struct("NoticedFork", { at: uint64 });

const epochName = "epoch";
const forkName = "fork";
const proposalsLog = "proposals";
const sentLog = "sent";

/** So many generations are reserved at the first message of an epoch, and at most. */
const firstReservation = 16;
const mostReserved = 256;

/** The state of one group at rest: each save writes what changed since the one before. */
export class GroupStore {
  readonly #records: RecordSet;
  readonly #tree = new TreeRecords();
  readonly #past: PastRecords;
  #epoch: MemberEpoch | undefined;
  #proposals: ProposalCache | undefined;
  #proposalCount = 0;
  #sentCount = 0;
  #pending: PreparedCommit | undefined;
  #forkNoticedAt: number | undefined;
  #reservation = firstReservation;

  constructor(records: RecordSet) {
    this.#records = records;
    this.#past = new PastRecords(records);
  }

  /** Makes a group of what was read of its records. */
  load(records: RecordSnapshot, environment: GroupEnvironment): LoadedGroup {
    const epoch = this.#loadEpoch(records, environment);
    const state = this.#loadState(records, environment, epoch);
    try {
      const pending = loadPending(records, state);
      this.#epoch = epoch;
      this.#proposals = state.proposals;
      this.#proposalCount = state.proposals.size;
      this.#sentCount = 0;
      this.#pending = pending;
      this.#forkNoticedAt = state.forkNoticedAt;
      this.#reservation = firstReservation;
      return { state, pending };
    } catch (error) {
      state.dispose();
      throw error;
    }
  }

  /** What a save writes now. Everything that it notes is undone by `load` alone: a save that fails is to be followed by one. */
  changes(state: MemberState, pending: PreparedCommit | undefined): RecordChanges {
    const changes = new RecordChanges();
    const { epoch } = state;
    this.#past.save(changes, state.past, epoch);
    this.#saveEpoch(changes, epoch);
    this.#saveProposals(changes, state.proposals);
    this.#saveSent(changes, state.sent);
    this.#saveFork(changes, state.forkNoticedAt);
    if (pending !== this.#pending) {
      if (pending === undefined) deletePending(changes, this.#records);
      else savePending(changes, this.#records, epoch, pending);
      this.#pending = pending;
    }
    return changes;
  }

  /** What the first save of a group writes, in place of whatever there is. */
  replacement(state: MemberState): RecordChanges {
    const changes = this.changes(state, undefined);
    for (const log of [proposalsLog, sentLog, treeLog]) changes.empty(log);
    return changes;
  }

  /** Undefined where nothing changed. */
  save(state: MemberState, pending: PreparedCommit | undefined): Promise<void> | undefined {
    const isSameEpoch = state.epoch === this.#epoch;
    const changes = this.changes(state, pending);
    if (changes.isEmpty) return undefined;
    // A loss of power may bring the key of a message back that was just received. It repeats and loses nothing.
    return this.#records.write(changes, { sync: !(isSameEpoch && erasesKeysOnly(changes)) });
  }

  /** Makes sure that an application message may be sent; undefined where that is so already. */
  reserve(state: MemberState, pending: PreparedCommit | undefined): Promise<void> | undefined {
    const { secretTree } = state.epoch;
    if (secretTree.reserved("application") > 0) return undefined;
    secretTree.reserve("application", this.#reservation);
    this.#reservation = Math.min(2 * this.#reservation, mostReserved);
    // A loss of power must not bring back generations of which messages are out.
    return this.#records.write(this.changes(state, pending), { sync: true });
  }

  /** Saves what is reserved and was not used, so that nothing is skipped, and does more steps with it. */
  async release(state: MemberState, pending: PreparedCommit | undefined, also: readonly WriteStep[]): Promise<void> {
    state.epoch.secretTree.endReservation("application");
    await this.#records.write(this.changes(state, pending), { also });
  }

  #saveEpoch(changes: RecordChanges, epoch: MemberEpoch): void {
    const { tree, secretTree } = epoch;
    const isNew = epoch !== this.#epoch;
    if (isNew) {
      secretTree.endReservation("application");
      this.#reservation = firstReservation;
      this.#epoch = epoch;
    }
    const isUsed = saveSecretTree(changes, this.#records, secretTreePrefix(epochOf(epoch)), secretTree);
    if (isNew || isUsed) changes.put(epochName, epochBundle(epoch, this.#tree.save(changes, tree)));
  }

  #saveProposals(changes: RecordChanges, proposals: ProposalCache): void {
    if (proposals !== this.#proposals) {
      if (this.#proposalCount > 0) changes.empty(proposalsLog);
      this.#proposals = proposals;
      this.#proposalCount = 0;
    }
    if (proposals.size === this.#proposalCount) return;
    changes.append(proposalsLog, proposalsBundle(proposals.list().slice(this.#proposalCount)));
    this.#proposalCount = proposals.size;
  }

  #saveSent(changes: RecordChanges, sent: SentHandshakes): void {
    if (sent.added === this.#sentCount) return;
    const digests = sent.latest(sent.added - this.#sentCount);
    changes.append(sentLog, { bytes: encode(Digests, { digests }) });
    changes.keep(sentLog, mostSentHandshakes);
    this.#sentCount = sent.added;
  }

  #saveFork(changes: RecordChanges, at: number | undefined): void {
    if (at === undefined || at === this.#forkNoticedAt) return;
    changes.put(forkName, { bytes: encode(NoticedFork, { at: BigInt(Math.trunc(at)) }) });
    this.#forkNoticedAt = at;
  }

  #loadEpoch(records: RecordSnapshot, { retention, policy }: GroupEnvironment): MemberEpoch {
    const stored = epochFrom(records.read(epochName));
    try {
      const { suite, ownLeafIndex, context, encryptionSecret } = stored;
      const tree = this.#tree.load(records, suite, stored.smallTree);
      const options = { leafCount: tree.leafWidth, ownLeafIndex, retention, now: policy.now };
      const prefix = secretTreePrefix(context.value.epoch);
      const secretTree = loadSecretTree(records, prefix, suite, encryptionSecret, options);
      return restoredEpoch(stored, tree, secretTree);
    } catch (error) {
      disposeStored(stored);
      throw error;
    }
  }

  #loadState(records: RecordSnapshot, environment: GroupEnvironment, epoch: MemberEpoch): MemberState {
    const { suite, tree } = epoch;
    using owned = new Owned();
    owned.add({ dispose: () => disposeEpoch(epoch) });
    const past = owned.add(this.#past.load(records, environment, suite, tree));
    const proposals = owned.add(new ProposalCache());
    for (const bundle of records.readLog(proposalsLog)) {
      for (const proposal of proposalsFrom(suite, bundle)) proposals.add(proposal);
    }
    const sent = new SentHandshakes(sentFrom(records));
    const forkNoticedAt = forkFrom(records);
    owned.release();
    return new MemberState(environment, epoch, { past, proposals, sent, forkNoticedAt });
  }
}

/** Whether nothing changes within an epoch but secret trees: keys of received messages are erased. */
function erasesKeysOnly(changes: RecordChanges): boolean {
  if (changes.logs.size > 0) return false;
  return Array.from(changes.records.keys()).every((name) => name === epochName || isOfSecretTree(name));
}

function sentFrom(records: RecordSnapshot): Buffer[] {
  return records.readPublicLog(sentLog).flatMap((bytes) => {
    return decode(Digests, bytes).digests.map((digest) => Buffer.from(digest));
  });
}

function forkFrom(records: RecordSnapshot): number | undefined {
  if (!records.has(forkName)) return undefined;
  return Number(decode(NoticedFork, records.read(forkName).bytes).at);
}

function proposalsBundle(proposals: readonly CachedProposal[]): Bundle {
  const keys = proposals.map((one) => [one.keys?.leafKey, one.keys?.signatureKey].filter((key) => key !== undefined));
  const list = proposals.map(({ sender, proposal, ref }, at) => ({ sender, proposal, ref, keys: keys[at]!.length }));
  return { bytes: encode(StoredProposals, { proposals: list }), secrets: keys.flat() };
}

function proposalsFrom(suite: Suite, { bytes, secrets }: OpenedBundle): CachedProposal[] {
  try {
    let at = 0;
    return decode(StoredProposals, bytes).proposals.map(({ sender, proposal, ref, keys }) => {
      const [leaf, signature] = secrets.slice(at, (at += keys));
      const signatureKey = signature && suite.signatureKey(signature);
      return {
        ...{ sender, proposal, ref: Buffer.from(ref) },
        keys: leaf && { leafKey: suite.hpkeKey(leaf), signatureKey },
      };
    });
  } finally {
    disposeSecrets(secrets);
  }
}
