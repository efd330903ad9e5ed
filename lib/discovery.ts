/** `tinymls/discovery`: the public group directory. */
export {
  GroupDirectory,
  type DirectoryListener,
  type MergeResult,
  type RefusedPublication,
} from "./discovery/group-directory.js";
export { defaultDirectoryLimits, type DirectoryLimits, type DirectoryOptions } from "./discovery/options.js";
export { publicationExtension, publicationExtensionType, type Publisher } from "./discovery/publication.js";
export type { DirectoryReplica, ReplicaHost, SlotChange } from "./discovery/replica.js";
export { storageReplica, type StorageReplicaOptions } from "./discovery/storage-replica.js";
export type { DirectoryEntry } from "./discovery/view.js";
export {
  yjsReplica,
  type YjsDocument,
  type YjsMap,
  type YjsMapEvent,
  type YjsReplicaOptions,
} from "./discovery/yjs-replica.js";
export { TinyMlsError, type ErrorCode } from "./errors.js";
