/** What the RPCs of `mls_client.proto` take and answer, as the loader hands it over. */

interface Extension {
  readonly extensionType: number;
  readonly extensionData: Buffer;
}
interface PreSharedKey {
  readonly pskId: Buffer;
  readonly pskSecret: Buffer;
}
export interface ProposalDescription {
  readonly proposalType: Buffer;
  readonly keyPackage: Buffer;
  readonly removedId: Buffer;
  readonly pskId: Buffer;
  /** Decimal. */
  readonly epochId: string;
  readonly extensions: readonly Extension[];
  readonly groupId: Buffer;
  readonly cipherSuite: number;
}
interface OfState {
  readonly stateId: number;
}
interface Proposed {
  readonly proposal: Buffer;
}
export interface CommitRequest extends OfState {
  readonly byReference: readonly Buffer[];
  readonly byValue: readonly ProposalDescription[];
  readonly forcePath: boolean;
  readonly externalTree: boolean;
}
export interface CommitResponse {
  readonly commit: Buffer;
  readonly welcome: Buffer;
  readonly ratchetTree: Buffer;
}
export interface HandleCommitRequest extends OfState {
  readonly proposal: readonly Buffer[];
  readonly commit: Buffer;
}
interface Joined extends OfState {
  readonly epochAuthenticator: Buffer;
}
export interface ReInitialized {
  readonly reinitId: number;
  readonly keyPackage: Buffer;
  readonly epochAuthenticator: Buffer;
}
interface Subgroup extends Joined {
  readonly welcome: Buffer;
  readonly ratchetTree: Buffer;
}
/** The private keys of a key package stay in native memory: those fields are left empty. */
interface Transaction {
  readonly transactionId: number;
}
type None = Readonly<Record<string, never>>;

/** Of each RPC the request and the response. */
export interface Rpcs {
  Name: [None, { readonly name: string }];
  SupportedCiphersuites: [None, { readonly ciphersuites: readonly number[] }];
  CreateGroup: [
    {
      readonly groupId: Buffer;
      readonly cipherSuite: number;
      readonly encryptHandshake: boolean;
      readonly identity: Buffer;
    },
    OfState,
  ];
  CreateKeyPackage: [
    { readonly cipherSuite: number; readonly identity: Buffer },
    Transaction & { readonly keyPackage: Buffer },
  ];
  JoinGroup: [
    {
      readonly transactionId: number;
      readonly welcome: Buffer;
      readonly encryptHandshake: boolean;
      readonly identity: Buffer;
      readonly ratchetTree: Buffer;
    },
    Joined,
  ];
  ExternalJoin: [
    {
      readonly groupInfo: Buffer;
      readonly ratchetTree: Buffer;
      readonly encryptHandshake: boolean;
      readonly identity: Buffer;
      readonly removePrior: boolean;
      readonly psks: readonly PreSharedKey[];
    },
    Joined & { readonly commit: Buffer },
  ];
  GroupInfo: [
    OfState & { readonly externalTree: boolean },
    { readonly groupInfo: Buffer; readonly ratchetTree: Buffer },
  ];
  StateAuth: [OfState, { readonly stateAuthSecret: Buffer }];
  Export: [
    OfState & { readonly label: string; readonly context: Buffer; readonly keyLength: number },
    { readonly exportedSecret: Buffer },
  ];
  Protect: [
    OfState & { readonly authenticatedData: Buffer; readonly plaintext: Buffer },
    { readonly ciphertext: Buffer },
  ];
  Unprotect: [
    OfState & { readonly ciphertext: Buffer },
    { readonly authenticatedData: Buffer; readonly plaintext: Buffer },
  ];
  StorePSK: [PreSharedKey & { readonly stateOrTransactionId: number }, None];
  AddProposal: [OfState & { readonly keyPackage: Buffer }, Proposed];
  UpdateProposal: [OfState, Proposed];
  RemoveProposal: [OfState & { readonly removedId: Buffer }, Proposed];
  ExternalPSKProposal: [OfState & { readonly pskId: Buffer }, Proposed];
  ResumptionPSKProposal: [OfState & { readonly epochId: string }, Proposed];
  GroupContextExtensionsProposal: [OfState & { readonly extensions: readonly Extension[] }, Proposed];
  Commit: [CommitRequest, CommitResponse];
  HandleCommit: [HandleCommitRequest, Joined];
  HandlePendingCommit: [OfState, Joined];
  ReInitProposal: [
    OfState & {
      readonly cipherSuite: number;
      readonly groupId: Buffer;
      readonly extensions: readonly Extension[];
    },
    Proposed,
  ];
  ReInitCommit: [CommitRequest, CommitResponse];
  HandlePendingReInitCommit: [OfState, ReInitialized];
  HandleReInitCommit: [HandleCommitRequest, ReInitialized];
  ReInitWelcome: [
    {
      readonly reinitId: number;
      readonly keyPackage: readonly Buffer[];
      readonly forcePath: boolean;
      readonly externalTree: boolean;
    },
    Subgroup,
  ];
  HandleReInitWelcome: [{ readonly reinitId: number; readonly welcome: Buffer; readonly ratchetTree: Buffer }, Joined];
  CreateBranch: [
    OfState & {
      readonly groupId: Buffer;
      readonly extensions: readonly Extension[];
      readonly keyPackages: readonly Buffer[];
      readonly forcePath: boolean;
      readonly externalTree: boolean;
    },
    Subgroup,
  ];
  HandleBranch: [
    OfState & { readonly transactionId: number; readonly welcome: Buffer; readonly ratchetTree: Buffer },
    Joined,
  ];
  NewMemberAddProposal: [{ readonly groupInfo: Buffer; readonly identity: Buffer }, Transaction & Proposed];
  CreateExternalSigner: [
    { readonly cipherSuite: number; readonly identity: Buffer },
    { readonly signerId: number; readonly externalSender: Buffer },
  ];
  AddExternalSigner: [OfState & { readonly externalSender: Buffer }, Proposed];
  ExternalSignerProposal: [
    {
      readonly signerId: number;
      readonly signerIndex: number;
      readonly groupInfo: Buffer;
      readonly ratchetTree: Buffer;
      readonly description: ProposalDescription | null;
    },
    Proposed,
  ];
  Free: [OfState, None];
}

export type Rpc = keyof Rpcs;
export type Request<K extends Rpc> = Rpcs[K][0];
export type Response<K extends Rpc> = Rpcs[K][1];
