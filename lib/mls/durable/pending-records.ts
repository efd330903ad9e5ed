// RFC 9420 §12.4, §14: a commit that is made and neither accepted nor given up, at rest.
import { decode, encode, opaque, optional, struct, vector } from "../../codec/index.js";
import { Owned } from "../../native/owned.js";
import type { CommitIntent } from "../group/commit-intent.js";
import type { SkippedProposal } from "../group/choose-proposals.js";
import { memberEpoch, type MemberEpoch } from "../group/epoch.js";
import type { MemberState } from "../group/member-state.js";
import type { AddPlan } from "../group/plan-add.js";
import { StagedEpoch } from "../group/stage-member.js";
import { disposeStored, epochBundle, epochFrom } from "./epoch-records.js";
import type { RecordChanges } from "./record-changes.js";
import type { RecordSet } from "./record-set.js";
import type { RecordSnapshot } from "./record-snapshot.js";
import { loadSecretTree, saveSecretTree } from "./secret-tree-records.js";
import { decodeIntent, encodeIntent } from "./stored-intent.js";
import { applyTreeChanges, encodeTreeChanges } from "./tree-records.js";

/** A commit of this client, with all that confirming it or making it anew takes. */
export interface PreparedCommit {
  readonly commit: Buffer;
  readonly welcome: Buffer | undefined;
  readonly staged: StagedEpoch;
  readonly plan: AddPlan;
  readonly skipped: readonly SkippedProposal[];
  readonly intent: CommitIntent;
}

const Messages = struct("PendingCommit", {
  commit: opaque,
  welcome: optional(opaque),
  treeChanges: opaque,
  intent: opaque,
  skipped: vector(struct("Skipped", { ref: opaque, reason: opaque })),
});

const messagesName = "pending/messages";
const epochName = "pending/epoch";
const keysPrefix = "pending/keys/";
/** What was sealed is of any size that the commit had. */
const limits = { maxSize: 2 ** 30, maxElements: 2 ** 26 };

export function deletePending(changes: RecordChanges, records: RecordSet): void {
  for (const name of records.names("pending/")) changes.delete(name);
}

export function savePending(
  changes: RecordChanges,
  records: RecordSet,
  current: MemberEpoch,
  { commit, welcome, staged, plan, skipped, intent }: PreparedCommit,
): void {
  deletePending(changes, records);
  const messages = encode(Messages, {
    commit,
    welcome: welcome ?? null,
    treeChanges: encodeTreeChanges(current.tree, staged.next.tree),
    intent: encodeIntent(intent, plan),
    skipped: skipped.map(({ proposal, reason }) => ({ ref: proposal.ref, reason: Buffer.from(reason) })),
  });
  changes.putLarge(messagesName, messages);
  saveSecretTree(changes, records, keysPrefix, staged.next.secretTree);
  changes.put(epochName, epochBundle(staged.next));
}

/** The pending commit of a group that was read back; undefined where there is none. */
export function loadPending(records: RecordSnapshot, state: MemberState): PreparedCommit | undefined {
  if (!records.has(messagesName)) return undefined;
  const stored = decode(Messages, records.readLarge(messagesName), limits);
  const staged = loadStaged(records, state, Buffer.from(stored.treeChanges));
  try {
    const skipped = stored.skipped.flatMap(({ ref, reason }) => {
      const proposal = state.proposals.get(ref);
      return proposal === undefined ? [] : [{ proposal, reason: Buffer.from(reason).toString() }];
    });
    const welcome = stored.welcome === null ? undefined : Buffer.from(stored.welcome);
    const { intent, plan } = decodeIntent(staged.next.suite, stored.intent, staged.next.signatureKey);
    return { commit: Buffer.from(stored.commit), welcome, staged, plan, skipped, intent };
  } catch (error) {
    staged.discard();
    throw error;
  }
}

function loadStaged(records: RecordSnapshot, state: MemberState, treeChanges: Buffer): StagedEpoch {
  const { epoch: current, environment } = state;
  const tree = applyTreeChanges(current.tree, treeChanges);
  const stored = epochFrom(records.read(epochName));
  using owned = new Owned();
  owned.add({ dispose: () => disposeStored(stored) });
  const { ownLeafIndex, suite, secrets, nodeKeys, encryptionSecret } = stored;
  const secretTree = loadSecretTree(records, keysPrefix, suite, encryptionSecret, {
    leafCount: tree.leafWidth,
    ownLeafIndex,
    retention: environment.retention,
    now: environment.policy.now,
  });
  owned.add(secretTree);
  const fresh = nodeKeys.restore();
  for (const key of fresh.values()) owned.add(key);
  const keys = current.keys.stage(tree, fresh);
  const isSame = stored.signatureKey.publicKey.equals(current.signatureKey.publicKey);
  const signatureKey = isSame ? current.signatureKey : stored.signatureKey;
  const own = { ownLeafIndex, keys: keys.next, signatureKey, secrets, secretTree };
  const staged = new StagedEpoch(current, memberEpoch({ ...stored, tree }, own), keys);
  owned.release();
  if (isSame) stored.signatureKey.dispose();
  return staged;
}
