/** RFC 9420 §7.2: signing a leaf. */
import { encode } from "../../codec/index.js";
import type { PrivateKey } from "../../native/keys.js";
import { LeafNodeTBS, type LeafNode } from "../objects/index.js";
import type { Suite } from "../suite/index.js";
import { TreeLeaf } from "./node.js";

type Unsigned<T> = T extends unknown ? Omit<T, "signature"> : never;

/** Where a leaf that is no key package's stands; its signature covers that. */
export interface LeafPlace {
  readonly groupId: Uint8Array;
  readonly leafIndex: number;
}

/** The leaf with its signature. `place` is there for all but leaves of key packages. */
export function signLeaf(
  suite: Suite,
  signatureKey: PrivateKey,
  unsigned: Unsigned<LeafNode>,
  place?: LeafPlace,
): TreeLeaf {
  const content = encode(LeafNodeTBS, { ...unsigned, ...place });
  const signature = suite.signWithLabel(signatureKey, "LeafNodeTBS", content);
  return TreeLeaf.made({ ...unsigned, signature });
}
