/** RFC 9420 §12.4.3.2: what an external join begins with. */
import { decode, ownCopy } from "../codec/index.js";
import { TinyMlsError } from "../errors.js";
import { sameIdentity } from "./group/authentication.js";
import type { LeafIdentity } from "./group/key-package.js";
import { MLSMessage, WireFormat, type GroupInfo } from "./objects/index.js";
import { refuse } from "./rules.js";
import { isCipherSuite } from "./suite/index.js";
import type { RatchetTree } from "./tree/index.js";

/** The leaf of a client's former self: the member with its signature key or identity. */
export function formerLeaf(tree: RatchetTree, { signatureKey, credential }: LeafIdentity): number | undefined {
  const sameKey = tree.memberWithSignatureKey(signatureKey.publicKey);
  if (sameKey !== undefined) return sameKey;
  for (const [leafIndex, leaf] of tree.members()) {
    if (sameIdentity(leaf.decode().credential, credential)) return leafIndex;
  }
  return undefined;
}

/** @throws TinyMlsError `malformed`; `usage` for another kind of message; `invalid` for an unknown cipher suite */
export function groupInfoFrom(bytes: Uint8Array, operation: string): GroupInfo {
  const message = decode(MLSMessage, ownCopy(bytes));
  if (message.wireFormat !== WireFormat.mlsGroupInfo) throw unexpectedMessage(operation, "a GroupInfo");
  const { cipherSuite } = message.groupInfo.groupContext;
  if (!isCipherSuite(cipherSuite)) refuse("12.4.3.1/cipher-suite", `suite ${cipherSuite}`);
  return message.groupInfo;
}

export function unexpectedMessage(operation: string, wanted: string): TinyMlsError {
  return new TinyMlsError("usage", `${operation} takes ${wanted}`, { operation, component: "mls" });
}
