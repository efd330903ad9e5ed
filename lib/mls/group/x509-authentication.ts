/** RFC 9420 §5.3.3: X.509 credentials. */
import { TinyMlsError } from "../../errors.js";
import type { SignatureAlgorithm } from "../../native/algorithms.js";
import { x509, type EndEntity } from "../../native/x509.js";
import { CredentialType, type Credential } from "../objects/index.js";
import { sameIdentity, type AuthenticationService } from "./authentication.js";

type Bytes = Uint8Array;

export interface X509AuthenticationOptions {
  /** Trust anchors, DER. */
  readonly roots: readonly Bytes[];
  /** The signature algorithms of certified keys to take. Default: those of all cipher suites. */
  readonly algorithms?: readonly SignatureAlgorithm[];
  /** Further conditions on the end entity, such as its name. */
  readonly accept?: (endEntity: EndEntity) => boolean | Promise<boolean>;
  /** The time to check validity at. Default: now. */
  readonly now?: () => Date;
  /** What to do with credentials of other types. Default: refuse them. */
  readonly others?: AuthenticationService;
}

/**
 * Trusts X.509 credentials whose chain leads to one of the given roots, at the present time, with an end entity that may sign
 * and whose key is the signature key of the leaf. A successor has to present the same subject.
 *
 * @throws TinyMlsError `config` without roots
 */
export function x509Authentication(options: X509AuthenticationOptions): AuthenticationService {
  if (options.roots.length === 0) {
    throw new TinyMlsError("config", "x509Authentication: no roots are given, so no credential could be trusted", {
      operation: "x509Authentication",
      component: "mls",
    });
  }
  return {
    validateCredential: async (credential, signatureKey, use) => {
      if (credential.credentialType === CredentialType.x509) return isTrusted(options, credential, signatureKey);
      return (await options.others?.validateCredential(credential, signatureKey, use)) ?? false;
    },
    isValidSuccessor: async (previous, next) => {
      if (next.credentialType === CredentialType.x509) return sameIdentity(previous, next);
      return (await options.others?.isValidSuccessor(previous, next)) ?? false;
    },
  };
}

type X509Credential = Extract<Credential, { credentialType: typeof CredentialType.x509 }>;

async function isTrusted(
  options: X509AuthenticationOptions,
  credential: X509Credential,
  signatureKey: Bytes,
): Promise<boolean> {
  const endEntity = verified(options, credential);
  if (endEntity?.algorithm === undefined || !endEntity.publicKey.equals(signatureKey)) return false;
  if (options.algorithms?.includes(endEntity.algorithm) === false) return false;
  return (await options.accept?.(endEntity)) ?? true;
}

function verified(options: X509AuthenticationOptions, credential: X509Credential): EndEntity | undefined {
  const chain = credential.certificates.map(({ certData }) => certData);
  try {
    return x509.verifyChain(chain, options.roots, options.now?.() ?? new Date());
  } catch (error) {
    if (error instanceof TinyMlsError && (error.code === "invalid" || error.code === "malformed")) return undefined;
    throw error;
  }
}
