/** The wire structs of RFC 9420, §5 to §13. */
export * from "./commit.js";
export {
  AuthenticatedContent,
  AuthenticatedContentTBM,
  framedContentAuthData,
  FramedContentTBS,
  type FramedContentAuthData,
} from "./content-authentication.js";
export * from "./credential.js";
export * from "./extension-bodies.js";
export { Extension } from "./extension.js";
export { ContentType, FramedContent, Sender, SenderType } from "./framed-content.js";
export * from "./group-context.js";
export * from "./group-info.js";
export * from "./key-package.js";
export * from "./labels.js";
export * from "./leaf-node.js";
export * from "./message.js";
export * from "./parent-node.js";
export * from "./pre-shared-key.js";
export * from "./private-message.js";
export * from "./proposals.js";
export * from "./public-message.js";
export * from "./ratchet-tree.js";
export * from "./registries.js";
export * from "./transcript-hash.js";
export { LeafNodeHashInput, NodeType, ParentHashInput, ParentNodeHashInput, TreeHashInput } from "./tree-hash.js";
export * from "./update-path.js";
export * from "./welcome.js";
