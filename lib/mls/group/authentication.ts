/** RFC 9420 §5.3.1 and §5.3.2: the Authentication Service, as a port of the application. */
import type { Credential } from "../objects/index.js";
import { CredentialType } from "../objects/index.js";
import { x509 } from "../../native/x509.js";

type Bytes = Uint8Array;

/** Where a credential was met. */
export type CredentialUse = "member" | "newMember" | "externalSender";

/**
 * Decides which credentials to trust. Every method may be asynchronous; an error that it throws is passed on to whoever called,
 * and the message in hand stays unprocessed.
 */
export interface AuthenticationService {
  /**
   * Whether the credential is to be trusted and stands for the holder of `signatureKey` (RFC 9420 §5.3.1).
   *
   * @param signatureKey as RFC 9420 §5.1.1 encodes it
   * @param use `member` for leaves of a group that is joined, `newMember` for one that is about to enter or to change
   */
  validateCredential(credential: Credential, signatureKey: Bytes, use: CredentialUse): boolean | Promise<boolean>;

  /** Whether a member with credential `previous` may go on with `next` (RFC 9420 §5.3.1). */
  isValidSuccessor(previous: Credential, next: Credential): boolean | Promise<boolean>;

  /**
   * Whether two credentials present the same client. Members of one group with the same signature key always count as the
   * same; by default nothing else does, so that one user may be in a group with several devices.
   */
  isSameClient?(one: Credential, other: Credential): boolean | Promise<boolean>;

  /** Whether a client outside may join by an external commit. By default whoever has a valid credential may. */
  mayJoinExternally?(credential: Credential, signatureKey: Bytes): boolean | Promise<boolean>;

  /** Whether a proposal of a client outside to be added itself is taken up. By default it is when its credential is valid. */
  mayProposeItself?(credential: Credential, signatureKey: Bytes): boolean | Promise<boolean>;
}

/**
 * The identifier that a credential presents: the identity of a basic one, the subject's name (RFC 2253, UTF-8) of an X.509
 * one, the whole data of any other.
 */
export function identityOf(credential: Credential): Buffer {
  if (credential.credentialType === CredentialType.basic) return Buffer.from(credential.identity);
  if (credential.credentialType === CredentialType.x509) return subjectOf(credential.certificates);
  return Buffer.from(credential.data);
}

// A chain that cannot be read presents no identity; it is refused where credentials are validated.
function subjectOf(certificates: readonly { readonly certData: Bytes }[]): Buffer {
  const [first] = certificates;
  if (first === undefined) return Buffer.alloc(0);
  try {
    return Buffer.from(x509.endEntity(first.certData).subject, "utf8");
  } catch {
    return Buffer.alloc(0);
  }
}

/** Whether two credentials are of one type and present the same identifier. */
export function sameIdentity(one: Credential, other: Credential): boolean {
  return one.credentialType === other.credentialType && identityOf(one).equals(identityOf(other));
}

/**
 * Takes basic credentials at their word: whoever holds the signature key is who the credential says. Fit where the delivery
 * service hands out key packages that it has checked. Credentials of other types are refused, and a successor has to present
 * the same identity.
 */
export const trustBasicCredentials: AuthenticationService = Object.freeze({
  validateCredential: (credential: Credential) => credential.credentialType === CredentialType.basic,
  isValidSuccessor: sameIdentity,
});
