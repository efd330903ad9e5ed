/** RFC 9420 §7.2: signing a leaf. */
import { encode, vectorSize } from "../../codec/index.js";
import type { PrivateKey } from "../../native/keys.js";
import { LeafNode } from "../objects/index.js";
import type { Suite } from "../suite/index.js";
import { leafNodeTbs, leafSignatureLabel, type LeafPlace } from "./leaf-validation.js";
import { TreeLeaf } from "./node.js";

type Unsigned<T> = T extends unknown ? Omit<T, "signature"> : never;

const none = new Uint8Array(0);

/** The leaf with its signature. `place` is there for all but leaves of key packages. */
export function signLeaf(
  suite: Suite,
  signatureKey: PrivateKey,
  unsigned: Unsigned<LeafNode>,
  place?: LeafPlace,
): TreeLeaf {
  const bytes = encode(LeafNode, { ...unsigned, signature: none });
  const fields = bytes.subarray(0, bytes.byteLength - vectorSize(0));
  const signature = suite.signWithLabel(signatureKey, leafSignatureLabel, leafNodeTbs(fields, place));
  return TreeLeaf.made({ ...unsigned, signature });
}
