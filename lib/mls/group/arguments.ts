/** What `Client`, `Group` and their like take, checked before anything is done with it. */
import { encode } from "../../codec/index.js";
import { loggerShape } from "../../context/index.js";
import { isSignatureAlgorithm } from "../../native/algorithms.js";
import { PrivateKey } from "../../native/keys.js";
import { Secret } from "../../native/secret.js";
import {
  callable,
  either,
  flag,
  is,
  listOf,
  milliseconds,
  octets,
  octetsOrText,
  record,
  requireShape,
  text,
  uint16,
  uint32,
  whole,
  withMethods,
  type Shape,
} from "../../shapes.js";
import { storageShape } from "../../storage/check.js";
import { Credential, ExtensionType, type Extension } from "../objects/index.js";
import { isDefaultType } from "./proposals.js";

export { octets, octetsOrText, text, uint32 } from "../../shapes.js";

export const listOfOctets = listOf(octets);

/** @throws TinyMlsError `usage` with the name of what is wrong and what it has to be */
export function takes(operation: string, value: unknown, name: string, shape: Shape): void {
  requireShape(shape, value, name, { operation, component: "mls" });
}

/** The same of options, which may be left out. */
export function takesOptions(operation: string, options: unknown, shape: Shape): void {
  if (options !== undefined) requireShape(shape, options, "", { operation, component: "mls" });
}

/** @throws TinyMlsError `config` with the name of the option and what it has to be */
export function requireOptions(owner: string, options: unknown, shape: Shape): void {
  requireShape(shape, options, "", { code: "config", operation: owner, component: "mls" });
}

const signatureKey = is("a PrivateKey of a signature algorithm", (value) => {
  return value instanceof PrivateKey && isSignatureAlgorithm(value.algorithm);
});

const credential = is("a credential of RFC 9420 §5.3", (value) => {
  try {
    return encode(Credential, value as Credential).byteLength > 0;
  } catch {
    return false;
  }
});

export const extensionList = listOf(
  record({ extensionType: uint16, extensionData: octets }, ["extensionType", "extensionData"]),
);

/** RFC 9420 §12.4.3: beside those that tinymls adds. Nobody could join by a GroupInfo that has one twice. */
const groupInfoExtensions: Shape = (value) => extensionList(value) ?? addable(value);

const addable = is("extensions of different types, without ratchet_tree and external_pub", (value) => {
  const types = new Set((value as readonly Extension[]).map(({ extensionType }) => extensionType));
  if (types.has(ExtensionType.ratchetTree) || types.has(ExtensionType.externalPub)) return false;
  return types.size === (value as readonly Extension[]).length;
});

export const secretOrOctets = is("a Secret or a Uint8Array, not empty", (value) => {
  if (value instanceof Secret) return value.byteLength > 0;
  return octets(value) === undefined && (value as Uint8Array).byteLength > 0;
});

export const pskReference = is("{ external: Uint8Array or string } or { epoch: bigint }", (value) => {
  if (typeof value !== "object" || value === null) return false;
  if ("external" in value) return octetsOrText(value.external) === undefined;
  return "epoch" in value && typeof value.epoch === "bigint" && value.epoch >= 0n && value.epoch < 2n ** 64n;
});

/** RFC 9420 §13.2: an application's own. */
export const customType = is("the type of a proposal that RFC 9420 does not define", (value) => {
  return uint16(value) === undefined && !isDefaultType(value as number);
});

const identity = { identity: octetsOrText, credential, signatureKey };

export const clientOptions = record({
  ...identity,
  name: text,
  authentication: withMethods("an AuthenticationService", ["validateCredential", "isValidSuccessor"]),
  retention: record({}),
  supported: record({ extensions: listOf(uint16), credentials: listOf(uint16) }),
  customProposals: listOf(record({ type: customType, pathRequired: flag, external: flag }, ["type"])),
  leafExtensions: extensionList,
  keyPackageLifetimeMs: milliseconds(1000),
  maximumLifetimeMs: is("milliseconds from 1000, or Infinity", (value) => typeof value === "number" && value >= 1000),
  maximumProposals: whole(1, Number.MAX_SAFE_INTEGER),
  storage: storageShape,
  leaseMs: milliseconds(100, 2 ** 31 - 1), // timers of Node do not reach further
  logger: loggerShape,
  now: callable,
});

export const publicGroupOptions = record({ ratchetTree: octets });

export const externalSenderOptions = record(identity);

export const keyPackageOptions = record({ lastResort: flag, lifetimeMs: milliseconds(1000) });
export const groupOptions = record({ groupId: octets, extensions: extensionList });
export const joinOptions = record({ ratchetTree: octets });
export const joinExternalOptions = record({ ratchetTree: octets, resync: flag, psks: listOf(pskReference) });

export const sendOptions = record({ authenticatedData: octets });
export const leafChanges = record({ credential, signatureKey, extensions: extensionList });
export const reinitOptions = record({ groupId: octets, cipherSuite: uint16, extensions: extensionList });

const addPlan = record(
  { accepted: listOf(record({ index: uint32, bytes: octets }, ["index", "bytes"])), rejected: listOf(record({})) },
  ["accepted", "rejected"],
);

export const commitOptions = record({
  add: either(listOfOctets, addPlan),
  remove: listOf(uint32),
  update: either(flag, leafChanges),
  psks: listOf(pskReference),
  extensions: extensionList,
  custom: listOf(record({ type: customType, data: octets }, ["type", "data"])),
  reinit: reinitOptions,
  proposals: either(flag, listOfOctets),
  ratchetTree: flag,
  authenticatedData: octets,
  groupInfoExtensions,
});

export const groupInfoOptions = record({ ratchetTree: flag, externalPub: flag, extensions: groupInfoExtensions });
export const beginOptions = record({ ratchetTree: flag });
export const branchOptions = record({ groupId: octets, extensions: extensionList, ratchetTree: flag });
export const closeOptions = record({ forget: flag });
export const contextOptions = record({});
