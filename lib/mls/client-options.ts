import { TinyMlsError } from "../errors.js";
import type { Logger } from "../context/logger.js";
import type { PrivateKey } from "../native/keys.js";
import { MemoryStorage } from "../storage/memory.js";
import type { Storage } from "../storage/port.js";
import type { StorageKeySource } from "../storage/vault/storage-key.js";
import { clientOptions, requireOptions } from "./group/arguments.js";
import { paddingFor, type PaddingPolicy } from "./framing/index.js";
import { trustBasicCredentials, type AuthenticationService } from "./group/authentication.js";
import type { PskReference } from "./group/asked-proposals.js";
import type { SupportedTypes } from "./group/capabilities.js";
import { ownCredential, ownExtensions } from "./group/own-copies.js";
import type { GroupPolicy, HandshakePolicy } from "./group/policy.js";
import type { CustomProposalType } from "./group/proposals.js";
import { CredentialType, WireFormat, type Credential, type Extension, type Lifetime } from "./objects/index.js";
import { retentionFrom, type RetentionPolicy } from "./schedule/index.js";
import { CipherSuite, isCipherSuite, suiteOf, type CipherSuiteName, type Suite } from "./suite/index.js";
import type { SendPolicy } from "./group-host.js";

export interface ClientOptions {
  /** Who this client is: the identity of its basic credential. With `credential`, a name for logs and for what is stored. */
  readonly identity: string | Uint8Array;
  /** For metrics: a label that says what the client is for, of which there are few. It is no secret. */
  readonly name?: string | undefined;
  /** An X.509 or custom credential. With X.509, `signatureKey` is needed too. */
  readonly credential?: Credential | undefined;
  /** Lent: the client keeps a copy. Default: a fresh key pair for each signature scheme. */
  readonly signatureKey?: PrivateKey | undefined;
  /** Default: MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519. Groups and key packages may name another. */
  readonly cipherSuite?: CipherSuite | CipherSuiteName | undefined;
  /** Decides which credentials to trust. Default: basic ones, at their word. */
  readonly authentication?: AuthenticationService | undefined;
  readonly retention?: Partial<RetentionPolicy> | undefined;
  /** Default: `steps`. */
  readonly padding?: PaddingPolicy | undefined;
  /** How proposals and commits are sent. Default: `private`. Those of others are accepted either way. */
  readonly handshake?: HandshakePolicy | undefined;
  /** Types of extensions, proposals and credentials that the application supports beside those of RFC 9420. */
  readonly supported?: Omit<SupportedTypes, "proposals"> | undefined;
  readonly customProposals?: readonly CustomProposalType[] | undefined;
  /** Extensions of the own leaf. */
  readonly leafExtensions?: readonly Extension[] | undefined;
  /** Milliseconds that a key package is valid. Default: 90 days. */
  readonly keyPackageLifetimeMs?: number | undefined;
  /** The longest lifetime of key packages of others, in milliseconds, or Infinity. Default: one year. */
  readonly maximumLifetimeMs?: number | undefined;
  /** So many proposals that wait for a commit are kept of an epoch; more are refused. Default: 65,536. */
  readonly maximumProposals?: number | undefined;
  /**
   * Where its state is kept: keys, key packages, PSKs and groups, all sealed under `storageKey`. Lent: closing the client leaves it open.
   * Default: in memory, as long as the client lives.
   */
  readonly storage?: Storage | undefined;
  /** What the storage is sealed under. Needed with every storage but a `MemoryStorage`. */
  readonly storageKey?: StorageKeySource | undefined;
  /** Milliseconds after which others may take over the groups of a process that does not renew its hold on them. Default: 30,000. */
  readonly leaseMs?: number | undefined;
  readonly logger?: Logger | undefined;
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

export interface KeyPackageOptions {
  /** May be used more than once, when no other is left (RFC 9420 §16.8). Default: false. */
  readonly lastResort?: boolean | undefined;
  /** Milliseconds that it is valid. */
  readonly lifetimeMs?: number | undefined;
  readonly cipherSuite?: CipherSuite | CipherSuiteName | undefined;
}

export interface GroupOptions {
  /** Default: random, KDF.Nh octets. */
  readonly groupId?: Uint8Array | undefined;
  readonly cipherSuite?: CipherSuite | CipherSuiteName | undefined;
  /** Of the group context. */
  readonly extensions?: readonly Extension[] | undefined;
  /** How this client sends proposals and commits to this group. Default: that of the client. */
  readonly handshake?: HandshakePolicy | undefined;
}

export interface JoinOptions {
  /** Where the Welcome or GroupInfo does not hold it: the body of a ratchet_tree extension. */
  readonly ratchetTree?: Uint8Array | undefined;
  /** How this client sends proposals and commits to this group. Default: that of the client. */
  readonly handshake?: HandshakePolicy | undefined;
}

export interface JoinExternalOptions extends JoinOptions {
  /** Removes this client's former self: the member with its signature key or identity. Default: false. */
  readonly resync?: boolean | undefined;
  readonly psks?: readonly PskReference[] | undefined;
}

const day = 24 * 60 * 60 * 1000;

/** The options of a client, checked and with their defaults. */
export interface ClientSettings {
  readonly name: string | undefined;
  readonly credential: Credential;
  readonly suite: Suite;
  readonly policy: GroupPolicy;
  readonly retention: RetentionPolicy;
  readonly send: SendPolicy;
  readonly supported: SupportedTypes;
  readonly leafExtensions: readonly Extension[];
  readonly keyPackageLifetimeMs: number;
  readonly logger: Logger | undefined;
  readonly stored: StoredSettings | undefined;
}

/** Of a client with a storage. */
export interface StoredSettings {
  readonly storage: Storage;
  readonly storageKey: StorageKeySource | undefined;
  readonly identity: Uint8Array;
  readonly leaseMs: number;
}

/** @throws TinyMlsError `config` with the name of the option */
export function settingsFrom(options: ClientOptions): ClientSettings {
  requireOptions("Client", options, clientOptions);
  const { handshake = "private", padding = "steps", keyPackageLifetimeMs = 90 * day } = options;
  const { maximumLifetimeMs = 366 * day, maximumProposals = 65_536 } = options;
  const { cipherSuite = CipherSuite.MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519 } = options;
  const customProposals = new Map((options.customProposals ?? []).map((custom) => [custom.type, custom]));
  return {
    name: options.name,
    credential: credentialFrom(options),
    suite: suiteFrom(cipherSuite),
    policy: {
      authentication: options.authentication ?? trustBasicCredentials,
      customProposals,
      maximumLifetime: maximumLifetimeMs === Infinity ? 2n ** 64n : BigInt(Math.floor(maximumLifetimeMs / 1000)),
      maximumProposals,
      now: options.now ?? Date.now,
    },
    retention: retentionFrom(options.retention),
    send: sendPolicy(handshake, padding),
    supported: { ...options.supported, proposals: [...customProposals.keys()] },
    leafExtensions: ownExtensions(options.leafExtensions ?? []),
    keyPackageLifetimeMs,
    logger: options.logger,
    stored: storedSettings(options),
  };
}

/** Of what is valid for so long from now on; it begins an hour ago, since clocks differ. */
export function lifetimeFrom(settings: ClientSettings, lifetimeMs = settings.keyPackageLifetimeMs): Lifetime {
  const now = Math.floor(settings.policy.now() / 1000);
  return { notBefore: BigInt(Math.max(0, now - 3600)), notAfter: BigInt(now + Math.floor(lifetimeMs / 1000)) };
}

function storedSettings({
  storage,
  storageKey,
  identity,
  leaseMs = 30_000,
}: ClientOptions): StoredSettings | undefined {
  if (storage === undefined) {
    if (storageKey === undefined) return undefined;
    throw wrong("storage", "given with storageKey");
  }
  if (storageKey === undefined && !(storage instanceof MemoryStorage)) {
    throw wrong(
      "storageKey",
      "given with a storage that outlives the process: a passphrase, a key, a key file or a KMS",
    );
  }
  if (identity === undefined || identity.length === 0) throw wrong("identity", "a text or octets, not empty");
  return { storage, storageKey, identity: Buffer.from(identity as string), leaseMs };
}

/** @throws TinyMlsError `config` */
export function sendPolicy(handshake: HandshakePolicy, padding: PaddingPolicy): SendPolicy {
  if (handshake !== "private" && handshake !== "public") throw wrong("handshake", "private or public");
  paddingFor(padding, 0);
  const wireFormat = handshake === "public" ? WireFormat.mlsPublicMessage : WireFormat.mlsPrivateMessage;
  return { handshake: { wireFormat, padding }, padding };
}

/** How a policy was named. */
export function handshakePolicy({ handshake }: SendPolicy): HandshakePolicy {
  return handshake.wireFormat === WireFormat.mlsPublicMessage ? "public" : "private";
}

export function credentialFrom({ identity, credential }: Pick<ClientOptions, "identity" | "credential">): Credential {
  if (credential !== undefined) return ownCredential(credential);
  if (identity === undefined || identity.length === 0) throw wrong("identity", "a text or octets, not empty");
  return { credentialType: CredentialType.basic, identity: Buffer.from(identity as string) };
}

/** @throws TinyMlsError `config` */
export function suiteFrom(cipherSuite: number | CipherSuiteName): Suite {
  const id = typeof cipherSuite === "string" ? CipherSuite[cipherSuite] : cipherSuite;
  if (id === undefined || !isCipherSuite(id)) throw wrong("cipherSuite", "one of RFC 9420 §17.1");
  return suiteOf(id);
}

function wrong(name: string, wanted: string): TinyMlsError {
  return new TinyMlsError("config", `${name} has to be ${wanted}`, { operation: "Client", component: "mls" });
}
