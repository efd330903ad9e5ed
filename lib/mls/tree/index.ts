/** RFC 9420 §4, §7: the ratchet tree. */
export { decryptUpdatePath, joinPath, mergeUpdatePath, type ReceivedPath } from "./apply-path.js";
export { createUpdatePath, type CreatedPath, type LeafContent } from "./create-path.js";
export {
  checkEncryptionKey,
  checkFreshEncryptionKey,
  checkLeaf,
  checkLeafNodeSource,
  checkSupport,
  leafRequirements,
  leafSignature,
  type LeafRequirements,
  type LifetimePolicy,
} from "./leaf-validation.js";
export { signLeaf } from "./sign-leaf.js";
export { commonAncestor, leafNode } from "./math.js";
export { sameBytes, TreeLeaf, type StoredNode } from "./node.js";
export { shelfLength } from "./node-shelf.js";
export { type PathKeys } from "./path-secrets.js";
export { TreePrivateKeys, type NodeKeys, type StagedPrivateKeys, type StoredNodeKeys } from "./private-keys.js";
export { RatchetTree } from "./ratchet-tree.js";
export { bothSupport, supportOf, type Support } from "./support.js";
export { changedNodes, withChanges } from "./tree-changes.js";
export { TreeDraft } from "./tree-draft.js";
export { checkKeysUnique, validateTree, type ValidLeaf } from "./tree-validation.js";
