export {
  Context,
  FRAME_OVERHEAD,
  type ContextEvents,
  type ContextHealth,
  type ContextMetrics,
  type ContextOptions,
  type ContextState,
  type ContextSuite,
  type ContextToken,
  type DecryptStreamOptions,
  type EncryptStreamOptions,
  type ExpireEvent,
  type FleetOptions,
  type LatencyHistogram,
  type Logger,
  type Operation,
  type OperationMetrics,
  type OperationResult,
  type RotateEvent,
  type RotationReason,
  type SecurityEvent,
} from "./context/index.js";
export { TinyMlsError, errorCodes, type ErrorCode, type ErrorDetails } from "./errors.js";

export { MemoryStorage } from "./storage/memory.js";
export {
  storageLimits,
  type ListOptions,
  type LogEntry,
  type LogPage,
  type RecordPage,
  type Storage,
  type StoredRecord,
  type WatchListener,
  type WriteOptions,
  type WriteStep,
} from "./storage/port.js";
export type { KeyManagement, StorageKeySource } from "./storage/vault/storage-key.js";
export { Vault, sealedOverhead } from "./storage/vault/vault.js";

export { Client } from "./mls/client.js";
export type {
  ClientOptions,
  GroupOptions,
  JoinExternalOptions,
  JoinOptions,
  KeyPackageOptions,
} from "./mls/client-options.js";
export type { HandshakePolicy } from "./mls/group/policy.js";
export { ExternalSender, type ExternalSenderOptions } from "./mls/external-sender.js";
export { Group } from "./mls/group.js";
export type { BegunGroup } from "./mls/group-host.js";
export type { GroupHealth } from "./mls/group-health.js";
export { PendingCommit, type PendingCommitState } from "./mls/pending-commit.js";
export {
  identityOf,
  sameIdentity,
  trustBasicCredentials,
  type AuthenticationService,
  type CredentialUse,
} from "./mls/group/authentication.js";
export { x509Authentication, type X509AuthenticationOptions } from "./mls/group/x509-authentication.js";
export type { PskReference, ReInitOptions } from "./mls/group/asked-proposals.js";
export type { CommitOptions, CustomProposal, LeafChanges } from "./mls/group/build-commit.js";
export { externalSendersExtension, requiredCapabilitiesExtension } from "./mls/group/group-extensions.js";
export type { Member } from "./mls/group/member.js";
export type { AddPlan, AcceptedKeyPackage, RejectedKeyPackage } from "./mls/group/plan-add.js";
export type { CustomProposalType } from "./mls/group/proposals.js";
export type { PendingProposal, ProposalSender, Received } from "./mls/group/received.js";
export type { PaddingPolicy } from "./mls/framing/index.js";
export { defaultRetention, type RetentionPolicy } from "./mls/schedule/index.js";
export { CipherSuite } from "./mls/suite/index.js";
export { PublicGroup, type PublicGroupOptions } from "./mls/public-group.js";
export { rules, type Rule, type RuleId } from "./mls/rules.js";
