// What a commit was to do, at rest: so that `rebase` makes it anew after a restart.
import {
  decode,
  encode,
  opaque,
  optional,
  struct,
  uint16,
  uint32,
  uint64,
  uint8,
  vector,
  type Infer,
} from "../../codec/index.js";
import { errorCodes } from "../../errors.js";
import type { PrivateKey } from "../../native/keys.js";
import type { CommitIntent } from "../group/commit-intent.js";
import type { PskReference } from "../group/asked-proposals.js";
import type { CommitOptions, LeafChanges } from "../group/build-commit.js";
import { isLastResort } from "../group/key-package.js";
import type { AcceptedKeyPackage, AddPlan, RejectedKeyPackage } from "../group/plan-add.js";
import { Credential, Extension, KeyPackage } from "../objects/index.js";
import type { Suite } from "../suite/index.js";

const text = optional(opaque);
const extensions = optional(vector(Extension));

const StoredPlan = struct("StoredPlan", {
  accepted: vector(struct("Accepted", { index: uint32, keyPackage: opaque })),
  rejected: vector(struct("Rejected", { index: uint32, code: uint8, message: opaque, rule: text, section: text })),
});

const StoredIntent = struct("StoredIntent", {
  plan: StoredPlan,
  removed: vector(opaque),
  update: uint8,
  credential: optional(Credential),
  leafExtensions: extensions,
  psks: optional(vector(struct("Reference", { external: optional(opaque), epoch: uint64 }))),
  extensions,
  custom: optional(vector(struct("Custom", { type: uint16, data: opaque }))),
  reinit: optional(struct("StoredReInit", { groupId: optional(opaque), cipherSuite: optional(uint16), extensions })),
  proposals: uint8,
  refs: vector(opaque),
  ratchetTree: uint8,
  authenticatedData: optional(opaque),
  groupInfoExtensions: extensions,
});
type StoredIntent = Infer<typeof StoredIntent>;

/** An option that may be left out, true, false, or something more. */
const choices = { none: 0, no: 1, yes: 2, more: 3 } as const;

export function encodeIntent({ options, removed }: CommitIntent, { accepted, rejected }: AddPlan): Buffer {
  const { update, proposals, reinit } = options;
  const changes: LeafChanges = typeof update === "object" ? update : {};
  return encode(StoredIntent, {
    plan: {
      accepted: accepted.map(({ index, bytes }) => ({ index, keyPackage: bytes })),
      rejected: rejected.map(({ index, code, message, rule, section }) => ({
        index,
        code: errorCodes.indexOf(code),
        message: Buffer.from(message),
        rule: octets(rule),
        section: octets(section),
      })),
    },
    removed,
    update: typeof update === "object" && changes.signatureKey !== undefined ? choices.more + 1 : choiceOf(update),
    credential: changes.credential ?? null,
    leafExtensions: changes.extensions ?? null,
    psks: options.psks?.map(storedReference) ?? null,
    extensions: options.extensions ?? null,
    custom: options.custom ?? null,
    reinit: reinit === undefined ? null : storedReInit(reinit),
    proposals: choiceOf(proposals),
    refs: typeof proposals === "object" ? proposals : [],
    ratchetTree: choiceOf(options.ratchetTree),
    authenticatedData: options.authenticatedData ?? null,
    groupInfoExtensions: options.groupInfoExtensions ?? null,
  });
}

/** @param newSignatureKey of the leaf, where the commit changes it; lent: the intent has a clone */
export function decodeIntent(
  suite: Suite,
  bytes: Uint8Array,
  newSignatureKey: PrivateKey,
): { readonly intent: CommitIntent; readonly plan: AddPlan } {
  const stored = decode(StoredIntent, bytes);
  const plan = {
    accepted: stored.plan.accepted.map(({ index, keyPackage }) => accepted(suite, index, keyPackage)),
    rejected: stored.plan.rejected.map(rejected),
  };
  const intent = {
    options: optionsOf(stored, newSignatureKey),
    added: plan.accepted,
    removed: stored.removed.map(own),
  };
  return { intent, plan };
}

function optionsOf(stored: StoredIntent, newSignatureKey: PrivateKey): CommitOptions {
  const changes: LeafChanges = {
    credential: stored.credential ?? undefined,
    extensions: stored.leafExtensions ?? undefined,
    ...(stored.update > choices.more && { signatureKey: newSignatureKey.clone() }),
  };
  const { reinit } = stored;
  return {
    update: chosen(stored.update, changes),
    psks: stored.psks?.map(({ external, epoch }): PskReference => (external === null ? { epoch } : { external })),
    extensions: stored.extensions ?? undefined,
    custom: stored.custom ?? undefined,
    reinit:
      reinit === null
        ? undefined
        : {
            groupId: reinit.groupId ?? undefined,
            cipherSuite: reinit.cipherSuite ?? undefined,
            extensions: reinit.extensions ?? undefined,
          },
    proposals: chosen(stored.proposals, stored.refs),
    ratchetTree: chosen(stored.ratchetTree, true),
    authenticatedData: stored.authenticatedData ?? undefined,
    groupInfoExtensions: stored.groupInfoExtensions ?? undefined,
  };
}

function storedReference(reference: PskReference): { external: Uint8Array | null; epoch: bigint } {
  if ("epoch" in reference) return { external: null, epoch: reference.epoch };
  return { external: Buffer.from(reference.external as string), epoch: 0n };
}

function storedReInit(reinit: NonNullable<CommitOptions["reinit"]>): NonNullable<StoredIntent["reinit"]> {
  const { groupId, cipherSuite, extensions } = reinit;
  return { groupId: groupId ?? null, cipherSuite: cipherSuite ?? null, extensions: extensions ?? null };
}

function choiceOf(option: unknown): number {
  if (option === undefined) return choices.none;
  return typeof option === "object" ? choices.more : option === true ? choices.yes : choices.no;
}

function chosen<T>(choice: number, more: T): T | boolean | undefined {
  if (choice >= choices.more) return more;
  return choice === choices.none ? undefined : choice === choices.yes;
}

function accepted(suite: Suite, index: number, encoded: Uint8Array): AcceptedKeyPackage {
  const bytes = own(encoded);
  const keyPackage = decode(KeyPackage, bytes);
  return { index, keyPackage, bytes, ref: suite.keyPackageRef(bytes), lastResort: isLastResort(keyPackage) };
}

function rejected(stored: StoredIntent["plan"]["rejected"][number]): RejectedKeyPackage {
  const { index, code, message, rule, section } = stored;
  return {
    index,
    code: errorCodes[code]!,
    message: own(message).toString(),
    rule: rule === null ? undefined : own(rule).toString(),
    section: section === null ? undefined : own(section).toString(),
  };
}

const octets = (value: string | undefined) => (value === undefined ? null : Buffer.from(value));

function own(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes);
}
