/** RFC 9420 §12.1.1, §12.2: which key packages a commit can add. */
import { types } from "node:util";
import { decode, encode, ownCopy } from "../../codec/index.js";
import { TinyMlsError, type ErrorCode } from "../../errors.js";
import { KeyPackage, MLSMessage, WireFormat } from "../objects/index.js";
import { refuse } from "../rules.js";
import { Checks } from "./checks.js";
import { GrowingGroup, type AddSetting } from "./growing-group.js";
import { checkKeyPackage, isLastResort, keepVerified } from "./key-package.js";
import { checkCredential, lifetimePolicy } from "./policy.js";
import { isAboutTheInput } from "./received.js";

type Bytes = Uint8Array;

export interface AcceptedKeyPackage {
  /** Its place in the list that was asked about. */
  readonly index: number;
  readonly keyPackage: KeyPackage;
  /** Encoded. */
  readonly bytes: Buffer;
  /** KeyPackageRef, RFC 9420 §5.2. */
  readonly ref: Buffer;
  /** It may have been used before: its holder should rotate its keys soon (§16.8). */
  readonly lastResort: boolean;
}

export interface RejectedKeyPackage {
  readonly index: number;
  readonly code: ErrorCode;
  readonly rule?: string | undefined;
  readonly section?: string | undefined;
  readonly message: string;
}

/** A verdict for each key package: a commit is built from those that are accepted. */
export interface AddPlan {
  readonly accepted: readonly AcceptedKeyPackage[];
  readonly rejected: readonly RejectedKeyPackage[];
}

/** Judges key packages (encoded KeyPackages, or MLSMessages that hold one); all signatures in one parallel batch. */
export async function planAdd(
  setting: AddSetting,
  keyPackages: readonly Bytes[],
  membership = new GrowingGroup(setting),
): Promise<AddPlan> {
  const { suite } = setting.epoch;
  const candidates = keyPackages.map((bytes, index) => candidateOf(setting, bytes, index));
  const pending = candidates.filter((candidate): candidate is Candidate => "checks" in candidate);
  const refusals = await Checks.runEach(
    suite,
    pending.map(({ checks }) => checks),
  );
  const accepted: AcceptedKeyPackage[] = [];
  const rejected = candidates.filter((candidate): candidate is RejectedKeyPackage => !("checks" in candidate));
  for (const [at, { index, keyPackage }] of pending.entries()) {
    try {
      if (refusals[at] !== undefined) throw refusals[at] as Error;
      keepVerified(keyPackage);
      await membership.admit(keyPackage);
      const bytes = encode(KeyPackage, keyPackage);
      const ref = suite.keyPackageRef(bytes);
      accepted.push({ index, keyPackage, bytes, ref, lastResort: isLastResort(keyPackage) });
    } catch (error) {
      if (!isAboutTheInput(error)) throw error;
      rejected.push(rejectionOf(index, error));
    }
  }
  return { accepted, rejected: rejected.sort((a, b) => a.index - b.index) };
}

interface Candidate {
  readonly index: number;
  readonly keyPackage: KeyPackage;
  readonly checks: Checks;
}

function candidateOf(
  { epoch, policy, extensions }: AddSetting,
  bytes: Bytes,
  index: number,
): Candidate | RejectedKeyPackage {
  try {
    const keyPackage = keyPackageFrom(ownCopy(bytes));
    const checks = new Checks();
    const context = { cipherSuite: epoch.suite.id, extensions };
    checkKeyPackage(epoch.suite, keyPackage, context, lifetimePolicy(policy), checks);
    checks.decision(() => checkCredential(policy, keyPackage.leafNode, "newMember"));
    return { index, keyPackage, checks };
  } catch (error) {
    return rejectionOf(index, error);
  }
}

function rejectionOf(index: number, error: unknown): RejectedKeyPackage {
  if (!(error instanceof TinyMlsError)) throw error;
  const { code, rule, section, message } = error;
  return { index, code, rule, section, message };
}

const keyPackageMessage = Buffer.from([0, 1, 0, WireFormat.mlsKeyPackage]);

/**
 * A KeyPackage, or the one in an MLSMessage. The two start alike, so the whole has to fit.
 * @throws TinyMlsError `malformed`; `invalid` by 10.1/version
 */
export function keyPackageFrom(bytes: Bytes): KeyPackage {
  // A bare KeyPackage starts with version and cipher suite, of which 0x0005 is one too.
  if (!types.isUint8Array(bytes) || keyPackageMessage.compare(bytes.subarray(0, 4)) !== 0)
    return decode(KeyPackage, bytes);
  try {
    const message = decode(MLSMessage, bytes);
    if (message.wireFormat !== WireFormat.mlsKeyPackage) throw new TinyMlsError("malformed", "no key package");
    if (message.keyPackage.version !== message.version) refuse("10.1/version");
    return message.keyPackage;
  } catch (error) {
    if (!(error instanceof TinyMlsError) || error.code !== "malformed") throw error;
    return decode(KeyPackage, bytes);
  }
}
