/** RFC 9420 §12.1.8.1: someone outside of a group who may propose changes to it, such as its delivery service. */
import { decode, encode } from "../codec/index.js";
import { TinyMlsError } from "../errors.js";
import type { PrivateKey } from "../native/keys.js";
import { externalSenderOptions, requireOptions } from "./group/arguments.js";
import { asked, type PskReference, type ReInitOptions } from "./group/asked-proposals.js";
import { credentialFrom, suiteFrom, type ClientOptions } from "./client-options.js";
import { externalSenders } from "./group/group-extensions.js";
import { outsideProposal } from "./group/outside-proposal.js";
import {
  CipherSuite,
  ExternalSender as ExternalSenderEntry,
  MLSMessage,
  SenderType,
  WireFormat,
  type Extension,
  type GroupContext,
  type Proposal,
} from "./objects/index.js";
import type { Suite } from "./suite/index.js";

type Bytes = Uint8Array;

export interface ExternalSenderOptions extends Pick<ClientOptions, "identity" | "credential" | "cipherSuite"> {
  /** Lent: a copy is kept. Default: a fresh key pair. */
  readonly signatureKey?: PrivateKey | undefined;
}

/**
 * Proposes changes to groups whose `external_senders` extension lists it (`externalSendersExtension([sender.entry])`), without being a
 * member of them. A member has to commit what it proposes.
 */
export class ExternalSender implements Disposable {
  /** What the extension lists. */
  readonly entry: ExternalSenderEntry;
  readonly #suite: Suite;
  readonly #signatureKey: PrivateKey;

  /** @throws TinyMlsError `config` with the name of the option that is wrong */
  constructor(options: ExternalSenderOptions) {
    requireOptions("ExternalSender", options, externalSenderOptions);
    const { cipherSuite = CipherSuite.MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519, signatureKey } = options;
    const credential = credentialFrom(options);
    this.#suite = suiteFrom(cipherSuite);
    const scheme = this.#suite.algorithms.signature;
    if (signatureKey !== undefined && signatureKey.algorithm !== scheme) {
      const details = { operation: "ExternalSender", component: "mls" };
      throw new TinyMlsError("config", `signatureKey has to be one for ${scheme}`, details);
    }
    this.#signatureKey = signatureKey?.clone() ?? this.#suite.generateSignatureKeyPair();
    this.entry = { signatureKey: this.#signatureKey.publicKey, credential };
  }

  /** The entry as the extension holds it, encoded. */
  encodeEntry(): Buffer {
    return encode(ExternalSenderEntry, this.entry);
  }

  /**
   * Proposes to add the client of a key package (a KeyPackage, or an MLSMessage that holds one).
   * @param groupInfo of the current epoch, an MLSMessage: it is taken at its word
   * @returns a PublicMessage, for the members; so do the others
   * @throws TinyMlsError `usage` where the group does not list this sender
   */
  proposeAdd(groupInfo: Bytes, keyPackage: Bytes): Buffer {
    return this.#propose("proposeAdd", groupInfo, () => asked.add(keyPackage));
  }

  /** Proposes to remove the member at a leaf index of the current epoch. */
  proposeRemove(groupInfo: Bytes, leafIndex: number): Buffer {
    return this.#propose("proposeRemove", groupInfo, () => asked.remove(leafIndex));
  }

  /** Proposes to inject a PSK, which all members have to have. */
  proposePsk(groupInfo: Bytes, reference: PskReference): Buffer {
    return this.#propose("proposePsk", groupInfo, (context) => asked.psk(this.#suite, context, reference));
  }

  /** Proposes to end the group for one with other parameters (RFC 9420 §11.2). */
  proposeReInit(groupInfo: Bytes, options: ReInitOptions = {}): Buffer {
    return this.#propose("proposeReInit", groupInfo, (context) => asked.reinit(this.#suite, context, options));
  }

  /** Proposes to replace all group context extensions. */
  proposeGroupContextExtensions(groupInfo: Bytes, extensions: readonly Extension[]): Buffer {
    return this.#propose("proposeGroupContextExtensions", groupInfo, () => asked.groupContextExtensions(extensions));
  }

  /** Wipes the private key. */
  dispose(): void {
    this.#signatureKey.dispose();
  }

  /** `using` wipes it too. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #propose(operation: string, groupInfo: Bytes, proposal: (context: GroupContext) => Proposal): Buffer {
    const message = decode(MLSMessage, groupInfo);
    if (message.wireFormat !== WireFormat.mlsGroupInfo) throw wrongUse(operation, "it takes a GroupInfo");
    const { groupContext } = message.groupInfo;
    if (groupContext.cipherSuite !== this.#suite.id) throw wrongUse(operation, "the group has another cipher suite");
    const key = this.entry.signatureKey;
    const listed = externalSenders(groupContext.extensions);
    const senderIndex = listed.findIndex(({ signatureKey }) => Buffer.compare(signatureKey, key) === 0);
    if (senderIndex < 0) throw wrongUse(operation, "the group does not list this external sender");
    const sender = { senderType: SenderType.external, senderIndex };
    return outsideProposal(this.#suite, groupContext, sender, proposal(groupContext), this.#signatureKey);
  }
}

function wrongUse(operation: string, message: string): TinyMlsError {
  return new TinyMlsError("usage", message, { operation, component: "mls" });
}
