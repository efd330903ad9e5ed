// RFC 9420 §8.6, §15.3: what is kept of epochs that are over, at rest.
import { decode, decodeOnce, encode, opaque, struct, uint32, uint64, vector } from "../../codec/index.js";
import type { Bundle } from "../../native/bundle.js";
import { Owned } from "../../native/owned.js";
import type { Secret } from "../../native/secret.js";
import { FramingContext } from "../framing/index.js";
import { epochOf, type MemberEpoch } from "../group/epoch.js";
import type { GroupEnvironment } from "../group/member-state.js";
import { PastEpochs, type PastEpoch } from "../group/past-epochs.js";
import { GroupContext } from "../objects/index.js";
import { EpochSecrets, type SecretTreeOptions } from "../schedule/index.js";
import type { Suite } from "../suite/index.js";
import type { RatchetTree } from "../tree/index.js";
import type { RecordChanges } from "./record-changes.js";
import type { RecordSet } from "./record-set.js";
import type { RecordSnapshot } from "./record-snapshot.js";
import { encryptionSecretOf, loadSecretTree, saveSecretTree } from "./secret-tree-records.js";
import { applyTreeChanges, encodeTreeChanges } from "./tree-records.js";

const StoredPast = struct("StoredPast", { context: opaque, ownLeafIndex: uint32, endedAt: uint64 });
const StoredPsks = struct("StoredPsks", { epochs: vector(uint64) });

const pskName = "resumption";

const secretTrees = "keys/";
const pastEpochs = "past/";

/** The prefix of what is stored of the secret tree of an epoch. */
export function secretTreePrefix(epoch: bigint | string): string {
  return `${secretTrees}${epoch}/`;
}

function pastName(epoch: bigint | string): string {
  return `${pastEpochs}${epoch}`;
}

/** Whether a record holds a part of a secret tree; that of a past epoch is put for nothing else within an epoch. */
export function isOfSecretTree(name: string): boolean {
  return name.startsWith(secretTrees) || name.startsWith(pastEpochs);
}

/** What is stored of the past epochs of a group; the pages of their secret trees stay where they were when the epochs were current. */
export class PastRecords {
  readonly #records: RecordSet;
  /** Epochs of which there may be records. */
  #epochs = new Set<string>();
  /** Epochs whose resumption_psk is stored. */
  #psks = "";

  constructor(records: RecordSet) {
    this.#records = records;
  }

  /** Puts what changed. */
  save(changes: RecordChanges, past: PastEpochs, current: MemberEpoch): void {
    const records = this.#records;
    const list = past.list();
    const epochs = new Set([String(epochOf(current))]);
    for (const [index, epoch] of list.entries()) {
      const number = epoch.framing.epoch;
      epochs.add(String(number));
      const name = pastName(number);
      const isNew = !records.has(name);
      const isUsed = saveSecretTree(changes, records, secretTreePrefix(number), epoch.secretTree);
      if (isNew || isUsed) changes.put(name, pastBundle(epoch, current));
      if (!isNew) continue;
      changes.putLarge(`undo/${number}`, encodeTreeChanges(list[index + 1]?.tree ?? current.tree, epoch.tree));
    }
    for (const number of this.#epochs) if (!epochs.has(number)) deleteEpoch(changes, records, number);
    this.#epochs = epochs;
    this.#savePsks(changes, [...past.resumptionPsks()]);
  }

  /** Of a group whose current epoch has this tree, from which those before are worked out. */
  load(records: RecordSnapshot, { retention, policy }: GroupEnvironment, suite: Suite, tree: RatchetTree): PastEpochs {
    const past = new PastEpochs(retention, policy.now);
    const epochs: PastEpoch[] = [];
    this.#epochs = new Set();
    for (const name of records.names(secretTrees)) {
      this.#epochs.add(name.slice(secretTrees.length, name.indexOf("/", secretTrees.length)));
    }
    const numbers = records.names(pastEpochs).map((name) => BigInt(name.slice(pastEpochs.length)));
    for (const number of numbers) this.#epochs.add(String(number));
    try {
      this.#loadPsks(records, past);
      let after = tree;
      for (const number of numbers.sort((a, b) => (a < b ? 1 : -1))) {
        after = applyTreeChanges(after, records.readLarge(`undo/${number}`));
        epochs.push(loadEpoch(records, number, suite, after, { retention, now: policy.now }));
      }
    } catch (error) {
      past.dispose();
      for (const { secrets, secretTree } of epochs) {
        secrets.dispose();
        secretTree.dispose();
      }
      throw error;
    }
    for (const epoch of epochs.reverse()) past.restore(epoch);
    past.expire();
    return past;
  }

  #savePsks(changes: RecordChanges, psks: readonly (readonly [bigint, Secret])[]): void {
    const epochs = psks.map(([epoch]) => epoch);
    if (epochs.join() === this.#psks) return;
    this.#psks = epochs.join();
    changes.put(pskName, { bytes: encode(StoredPsks, { epochs }), secrets: psks.map(([, psk]) => psk) });
  }

  #loadPsks(records: RecordSnapshot, past: PastEpochs): void {
    this.#psks = "";
    if (!records.has(pskName)) return;
    const { bytes, secrets } = records.read(pskName);
    const { epochs } = decode(StoredPsks, bytes);
    epochs.forEach((epoch, at) => past.restorePsk(epoch, secrets[at]!));
    this.#psks = epochs.join();
  }
}

function deleteEpoch(changes: RecordChanges, records: RecordSet, number: string): void {
  for (const name of [pastName(number), `undo/${number}`, ...records.names(secretTreePrefix(number))]) {
    if (records.has(name)) changes.delete(name);
  }
}

function pastBundle({ framing, endedAt, secrets, secretTree }: PastEpoch, { ownLeafIndex }: MemberEpoch): Bundle {
  const ended = BigInt(Math.trunc(endedAt));
  const bytes = encode(StoredPast, { context: framing.groupContext!, ownLeafIndex, endedAt: ended });
  const encryptionSecret = encryptionSecretOf(secretTree);
  return { bytes, secrets: [secrets.senderDataSecret, ...(encryptionSecret ? [encryptionSecret] : [])] };
}

function loadEpoch(
  records: RecordSnapshot,
  number: bigint,
  suite: Suite,
  tree: RatchetTree,
  keeping: Pick<SecretTreeOptions, "retention" | "now">,
): PastEpoch {
  const { bytes, secrets } = records.read(pastName(number));
  using owned = new Owned();
  for (const secret of secrets) owned.add(secret);
  const { context, ownLeafIndex, endedAt } = decode(StoredPast, bytes);
  const framing = FramingContext.of(suite, decodeOnce(GroupContext, context));
  const options = { leafCount: tree.leafWidth, ownLeafIndex, ...keeping };
  const secretTree = owned.add(loadSecretTree(records, secretTreePrefix(number), suite, secrets[1], options));
  const epochSecrets = EpochSecrets.restore(suite, ["senderDataSecret"], secrets[0]!);
  owned.release();
  return { framing, tree, secrets: epochSecrets, secretTree, endedAt: Number(endedAt) };
}
