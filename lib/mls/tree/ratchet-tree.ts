// RFC 9420 §4.1, §12.4.3.3.
import { decode, encode, optional, vector, type Codec } from "../../codec/index.js";
import { TinyMlsError } from "../../errors.js";
import { EncodedNode, NodeType } from "../objects/index.js";
import { refuse } from "../rules.js";
import { blockOf, nodeAt, type Block } from "./block.js";
import { BlockDraft } from "./block-draft.js";
import { Block as Blocks } from "./block.js";
import { KeyIndex, keyHash } from "./key-index.js";
import { depthFor, isLeaf, leafNode, nodeWidth, root } from "./math.js";
import { TreeLeaf, TreeParent, type TreeNode } from "./node.js";
import { filteredDirectPath, resolution, type PathNode } from "./resolution.js";
import { treeHash, type TreeHasher } from "./tree-hash.js";
