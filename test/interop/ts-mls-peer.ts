/** A member on the other stack, with the doors that a test needs: octets in, octets out. */
import { ECDH } from "node:crypto";
import { encode, ExternalPub } from "tinymls/messages";
import {
  bytesToBase64,
  createApplicationMessage,
  createCommit,
  createGroup,
  createProposal,
  decodeMlsMessage,
  encodeMlsMessage,
  generateKeyPackage,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  joinGroupExternal,
  joinGroupFromReinit,
  makePskIndex,
  mlsExporter,
  nobleCryptoProvider,
  processPrivateMessage,
  processPublicMessage,
  reinitCreateNewGroup,
  reinitGroup,
  type CiphersuiteImpl,
  type CiphersuiteName,
  type ClientState,
  type CreateCommitOptions,
  type CreateCommitResult,
  type KeyPackage,
  type MLSMessage,
  type PrivateKeyPackage,
  type Proposal,
} from "ts-mls";
import { createGroupInfoWithRatchetTree } from "ts-mls/createCommit.js";
import { signWithLabel } from "ts-mls/crypto/signature.js";
import { encodeLeafNodeTBS } from "ts-mls/leafNode.js";
import { updateLeafKey } from "ts-mls/privateKeyPath.js";

interface OwnKeyPackage {
  readonly publicPackage: KeyPackage;
  readonly privatePackage: PrivateKeyPackage;
}

export interface Committed {
  readonly commit: Buffer;
  readonly welcome: Buffer | undefined;
}

const version = "mls10";
const day = 24n * 60n * 60n;

export class TsMlsPeer {
  readonly name: string;
  readonly psks: Record<string, Uint8Array> = {};
  readonly #identity: string;
  #suite: CiphersuiteImpl;
  #state: ClientState | undefined;
  #keyPackage: OwnKeyPackage | undefined;
  #updateKey: Uint8Array | undefined;

  private constructor(identity: string, suite: CiphersuiteImpl) {
    this.name = identity;
    this.#identity = identity;
    this.#suite = suite;
  }

  static async create(identity: string, suite: CiphersuiteName): Promise<TsMlsPeer> {
    return new TsMlsPeer(identity, await implementation(suite));
  }

  get state(): ClientState {
    if (this.#state === undefined) throw new Error("in no group");
    return this.#state;
  }
  get epochAuthenticator(): Buffer {
    return Buffer.from(this.state.keySchedule.epochAuthenticator);
  }
  get epoch(): bigint {
    return this.state.groupContext.epoch;
  }
  get leafIndex(): number {
    return this.state.privatePath.leafIndex;
  }

  /** For the suite that it is in, or another one that it goes over to. */
  async createKeyPackage(suite?: CiphersuiteName): Promise<Buffer> {
    if (suite !== undefined) this.#suite = await implementation(suite);
    this.#keyPackage = await this.#newKeyPackage();
    return message({ version, wireformat: "mls_key_package", keyPackage: this.#keyPackage.publicPackage });
  }

  async createGroup(groupId: Buffer): Promise<void> {
    const { publicPackage, privatePackage } = await this.#newKeyPackage();
    this.#state = await createGroup(groupId, publicPackage, privatePackage, [], this.#suite);
  }

  async join(welcome: Buffer): Promise<void> {
    const { publicPackage, privatePackage } = this.#keyPackage!;
    const index = makePskIndex(undefined, this.psks);
    this.#state = await joinGroup(welcomeOf(welcome), publicPackage, privatePackage, index, this.#suite);
  }

  async joinExternal(groupInfo: Buffer): Promise<Buffer> {
    const decoded = decodeMlsMessage(groupInfo, 0)![0];
    if (decoded.wireformat !== "mls_group_info") throw new Error("not a GroupInfo");
    const { publicPackage, privatePackage } = await this.#newKeyPackage();
    const joined = await joinGroupExternal(decoded.groupInfo, publicPackage, privatePackage, false, this.#suite);
    this.#state = joined.newState;
    return message({ version, wireformat: "mls_public_message", publicMessage: joined.publicMessage });
  }

  /** With the tree and the key for external commits, the latter as RFC 9420 §12.4.3.2 encodes it: the stack itself leaves out its length. */
  async groupInfo(): Promise<Buffer> {
    const { groupContext, confirmationTag, ratchetTree, keySchedule } = this.state;
    const { hpke } = this.#suite;
    const { publicKey } = await hpke.deriveKeyPair(keySchedule.externalSecret);
    const externalPub = Buffer.from(await hpke.exportPublicKey(publicKey));
    const extension = {
      extensionType: "external_pub" as const,
      extensionData: encode(ExternalPub, { externalPub }),
    };
    const groupInfo = await createGroupInfoWithRatchetTree(
      groupContext,
      confirmationTag,
      this.state,
      ratchetTree,
      [extension],
      this.#suite,
    );
    return message({ version, wireformat: "mls_group_info", groupInfo });
  }

  /** The commit is in effect for this member at once. */
  async commit(extraProposals: Proposal[], options: CreateCommitOptions = {}): Promise<Committed> {
    const context = { state: this.state, cipherSuite: this.#suite, pskIndex: makePskIndex(this.state, this.psks) };
    return this.#committed(await createCommit(context, { ratchetTreeExtension: true, ...options, extraProposals }));
  }

  async propose(proposal: Proposal, asPublicMessage: boolean): Promise<Buffer> {
    const { newState, message: made } = await createProposal(this.state, asPublicMessage, proposal, this.#suite);
    this.#state = newState;
    return message(made);
  }

  /**
   * A fresh leaf key, proposed. The stack has no such door, so its parts are put together here: the key takes effect with `useUpdate`, just
   * before the commit that covers the proposal.
   */
  async proposeUpdate(): Promise<Buffer> {
    const { groupContext, privatePath, ratchetTree, signaturePrivateKey } = this.state;
    const node = ratchetTree[2 * privatePath.leafIndex];
    if (node?.nodeType !== "leaf") throw new Error("no own leaf");
    const { hpke, signature } = this.#suite;
    const { publicKey, privateKey } = await hpke.generateKeyPair();
    const { signaturePublicKey, credential, capabilities, extensions } = node.leaf;
    const leaf = {
      ...{ signaturePublicKey, credential, capabilities, extensions, leafNodeSource: "update" as const },
      hpkePublicKey: await hpke.exportPublicKey(publicKey),
    };
    const tbs = encodeLeafNodeTBS({ ...leaf, groupId: groupContext.groupId, leafIndex: privatePath.leafIndex });
    const leafNode = { ...leaf, signature: await signWithLabel(signaturePrivateKey, "LeafNodeTBS", tbs, signature) };
    this.#updateKey = await hpke.exportPrivateKey(privateKey);
    return this.propose({ proposalType: "update", update: { leafNode } }, true);
  }

  useUpdate(): void {
    this.#state = { ...this.state, privatePath: updateLeafKey(this.state.privatePath, this.#updateKey!) };
  }

  async send(text: string, authenticatedData: Buffer): Promise<Buffer> {
    const data = Buffer.from(text);
    const { newState, privateMessage } = await createApplicationMessage(
      this.state,
      data,
      this.#suite,
      authenticatedData,
    );
    this.#state = newState;
    return message({ version, wireformat: "mls_private_message", privateMessage });
  }

  /** Application data of a message, undefined for proposals and commits. Rejects what the stack refuses. */
  async receive(bytes: Buffer): Promise<string | undefined> {
    const decoded = decodeMlsMessage(bytes, 0)![0];
    if (decoded.wireformat !== "mls_private_message" && decoded.wireformat !== "mls_public_message") {
      throw new Error(`not a message of a group: ${decoded.wireformat}`);
    }
    const index = makePskIndex(this.state, this.psks);
    // Its door for both kinds, processMessage, has no PSKs for the one.
    if (decoded.wireformat === "mls_public_message") {
      const { newState } = await processPublicMessage(this.state, decoded.publicMessage, index, this.#suite);
      this.#state = newState;
      return undefined;
    }
    const result = await processPrivateMessage(this.state, decoded.privateMessage, index, this.#suite);
    this.#state = result.newState;
    return result.kind === "applicationMessage" ? Buffer.from(result.message).toString() : undefined;
  }

  async exportSecret(label: string, context: Buffer, length: number): Promise<Buffer> {
    const { exporterSecret } = this.state.keySchedule;
    return Buffer.from(await mlsExporter(exporterSecret, label, context, length, this.#suite));
  }

  async commitReInit(groupId: Buffer, suite: CiphersuiteName): Promise<Committed> {
    return this.#committed(await reinitGroup(this.state, groupId, version, suite, [], this.#suite));
  }

  /** Begins the group that a committed ReInit asks for. */
  async reinitialize(keyPackages: Buffer[], groupId: Buffer, suite: CiphersuiteName): Promise<Committed> {
    await this.createKeyPackage(suite);
    const { publicPackage, privatePackage } = this.#keyPackage!;
    const others = keyPackages.map(keyPackageOf);
    return this.#committed(
      await reinitCreateNewGroup(this.state, publicPackage, privatePackage, others, groupId, suite, [], provider),
    );
  }

  async joinReinitialized(welcome: Buffer, ratchetTree: ClientState["ratchetTree"] | undefined): Promise<void> {
    const { publicPackage, privatePackage } = this.#keyPackage!;
    const invitation = welcomeOf(welcome);
    this.#state = await joinGroupFromReinit(
      this.state,
      invitation,
      publicPackage,
      privatePackage,
      ratchetTree,
      provider,
    );
  }

  addPsk(id: string, psk: Buffer): void {
    this.psks[bytesToBase64(Buffer.from(id))] = psk;
  }

  #committed({ newState, commit, welcome }: CreateCommitResult): Committed {
    this.#state = newState;
    return {
      commit: message(commit),
      welcome: welcome && message({ version, wireformat: "mls_welcome", welcome }),
    };
  }

  /** Its default capabilities are replaced: a leaf lists no default types (RFC 9420 §7.2), and its lifetime has an end. */
  #newKeyPackage(): Promise<OwnKeyPackage> {
    const now = BigInt(Math.floor(Date.now() / 1000));
    const capabilities = {
      versions: [version] as "mls10"[],
      ciphersuites: [...supported],
      extensions: [],
      proposals: [],
      credentials: ["basic" as const],
    };
    const credential = { credentialType: "basic" as const, identity: Buffer.from(this.#identity) };
    const lifetime = { notBefore: now - 3600n, notAfter: now + 30n * day };
    return generateKeyPackage(credential, capabilities, lifetime, [], this.#suite);
  }
}

const provider = nobleCryptoProvider;

export const supported = [
  "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
  "MLS_128_DHKEMP256_AES128GCM_SHA256_P256",
  "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
  "MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448",
  "MLS_256_DHKEMP521_AES256GCM_SHA512_P521",
  "MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448",
  "MLS_256_DHKEMP384_AES256GCM_SHA384_P384",
] as const satisfies readonly CiphersuiteName[];

/**
 * The stack's own, but for two encodings of public keys that RFC 9420 has otherwise: ECDSA keys are uncompressed points (§5.1.1), and
 * that of an `external_pub` extension has a length before it (§12.4.3.2).
 */
async function implementation(suite: CiphersuiteName): Promise<CiphersuiteImpl> {
  const stack = await getCiphersuiteImpl(getCiphersuiteFromName(suite), provider);
  const keygen = async (): ReturnType<typeof stack.signature.keygen> => {
    const { signKey, publicKey } = await stack.signature.keygen();
    return { signKey, publicKey: uncompressed(suite, publicKey) };
  };
  const importPublicKey = (key: Uint8Array): ReturnType<typeof stack.hpke.importPublicKey> => {
    const header = lengthHeader(key);
    return stack.hpke.importPublicKey(header === undefined ? key : key.subarray(header));
  };
  return {
    ...stack,
    signature: { ...stack.signature, keygen },
    hpke: { ...stack.hpke, importPublicKey },
  };
}

const keyLengths = new Set([32, 56, 65, 97, 133]);

/** The length of a length header before a public key; undefined where the octets are a key. */
function lengthHeader({ byteLength }: Uint8Array): number | undefined {
  if (keyLengths.has(byteLength)) return undefined;
  return byteLength - 1 < 64 ? 1 : 2;
}

const curves: Readonly<Record<string, string>> = { P256: "prime256v1", P384: "secp384r1", P521: "secp521r1" };

function uncompressed(suite: CiphersuiteName, publicKey: Uint8Array): Uint8Array {
  const curve = curves[suite.split("_").at(-1)!];
  if (curve === undefined) return publicKey;
  return ECDH.convertKey(publicKey, curve, undefined, undefined, "uncompressed") as Buffer;
}

function message(value: MLSMessage): Buffer {
  return Buffer.from(encodeMlsMessage(value));
}

function welcomeOf(bytes: Buffer): Extract<MLSMessage, { wireformat: "mls_welcome" }>["welcome"] {
  const decoded = decodeMlsMessage(bytes, 0)![0];
  if (decoded.wireformat !== "mls_welcome") throw new Error("not a Welcome");
  return decoded.welcome;
}

/** For proposals of this stack. */
export function keyPackageOf(bytes: Buffer): KeyPackage {
  const decoded = decodeMlsMessage(bytes, 0)![0];
  if (decoded.wireformat !== "mls_key_package") throw new Error("not a key package");
  return decoded.keyPackage;
}
