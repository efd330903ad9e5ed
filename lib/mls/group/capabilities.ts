/** RFC 9420 §7.2 and §13.5: what this client supports, with values that others have to ignore. */
import { TinyMlsError } from "../../errors.js";
import { randomBytes } from "../../native/random.js";
import {
  CipherSuite,
  CredentialType,
  ExtensionType,
  greaseValues,
  ProposalType,
  ProtocolVersion,
  type Capabilities,
  type Extension,
} from "../objects/index.js";

/** draft-ietf-mls-extensions: marks a key package that may be used more than once. */
export const lastResortExtensionType = 0x000a;

/** What an application supports beside the protocol itself. */
export interface SupportedTypes {
  /** Extension types, defaults left out. */
  readonly extensions?: readonly number[] | undefined;
  /** Proposal types, defaults left out. */
  readonly proposals?: readonly number[] | undefined;
  /** Credential types; basic and X.509 by default. */
  readonly credentials?: readonly number[] | undefined;
}

/**
 * The capabilities of a leaf of this client: all cipher suites, what the application supports, and in each list but `versions`, where
 * RFC 9420 §13.5 has no place for it, a GREASE value.
 * @throws TinyMlsError `config` for default types, which are never listed (RFC 9420 §7.2)
 */
export function capabilitiesOf(supported: SupportedTypes, ownCredentialType: number): Capabilities {
  const extensions = supported.extensions ?? [];
  const proposals = supported.proposals ?? [];
  refuseDefaults("extensions", extensions, defaultExtensions);
  refuseDefaults("proposals", proposals, defaultProposals);
  const credentials = supported.credentials ?? [CredentialType.basic, CredentialType.x509];
  return {
    versions: [ProtocolVersion.mls10],
    cipherSuites: [...Object.values(CipherSuite), grease()],
    extensions: distinct([...extensions, lastResortExtensionType, grease()]),
    proposals: distinct([...proposals, grease()]),
    credentials: distinct([ownCredentialType, ...credentials, grease()]),
  };
}

const defaultExtensions: ReadonlySet<number> = new Set(Object.values(ExtensionType));
const defaultProposals: ReadonlySet<number> = new Set(Object.values(ProposalType));

function refuseDefaults(name: string, types: readonly number[], defaults: ReadonlySet<number>): void {
  const listed = types.find((type) => defaults.has(type));
  if (listed === undefined) return;
  throw new TinyMlsError("config", `supported.${name}: type ${listed} is a default one, which every client supports`, {
    component: "mls",
  });
}

function distinct(types: readonly number[]): number[] {
  return [...new Set(types)];
}

function grease(): number {
  return greaseValues[randomBytes(1)[0]! % greaseValues.length]!;
}

/** A GREASE extension; where a leaf's capabilities are given, of a type that they list. */
export function greaseExtension(capabilities?: Capabilities): Extension {
  const listed = capabilities?.extensions.find((type) => greaseValues.includes(type));
  const length = randomBytes(1)[0]! % 16;
  return { extensionType: listed ?? grease(), extensionData: randomBytes(length) };
}
