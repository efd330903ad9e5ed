// ts-mls with the cryptography that it takes by default: WebCrypto where that has the algorithm. Messages go in and out encoded, as
// they do with the others. Its states are values: whatever is tried is simply not kept.
import { ECDH, randomBytes } from "node:crypto";
import {
  createApplicationMessage,
  createCommit,
  createGroup,
  createGroupInfoWithExternalPubAndRatchetTree,
  decodeGroupState,
  decodeMlsMessage,
  emptyPskIndex,
  encodeGroupState,
  encodeMlsMessage,
  generateKeyPackage,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  joinGroupExternal,
  processPrivateMessage,
} from "ts-mls";
import { decodeRatchetTree, encodeRatchetTree } from "ts-mls/ratchetTree.js";
import { consuming, repeated } from "./lines.mjs";

export const name = "ts-mls";

const suites = {
  1: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
  2: "MLS_128_DHKEMP256_AES128GCM_SHA256_P256",
  7: "MLS_256_DHKEMP384_AES256GCM_SHA384_P384",
};
const curves = { 2: "prime256v1", 7: "secp384r1" };
const version = "mls10";
const data = Buffer.alloc(256, 0x5a);
const day = 24n * 60n * 60n;

/** @param world `{ suite, members, populated }` */
export async function create({ suite }) {
  return new TsMls(await implementation(suite));
}

// Its own, but for the encoding of public ECDSA keys, which RFC 9420 §5.1.1 wants uncompressed.
async function implementation(suite) {
  const stack = await getCiphersuiteImpl(getCiphersuiteFromName(suites[suite]));
  const curve = curves[suite];
  if (curve === undefined) return stack;
  const keygen = async () => {
    const { signKey, publicKey } = await stack.signature.keygen();
    return { signKey, publicKey: ECDH.convertKey(publicKey, curve, undefined, undefined, "uncompressed") };
  };
  return { ...stack, signature: { ...stack.signature, keygen } };
}

class TsMls {
  #stack;
  #states;
  #entering;

  constructor(stack) {
    this.#stack = stack;
  }

  /** All members added by one commit: `others` and one of this contender. */
  async flat(others) {
    const [alice, bob, carol] = await this.#keyPackages("alice", "bob", "carol");
    const added = others.map((bytes) => add(decoded(bytes).keyPackage));
    const alone = await this.#group(alice);
    const invited = await this.#invitation(alone, [...added, add(carol.publicPackage)], carol);
    const proposals = [...added, add(bob.publicPackage)];
    const { newState, welcome } = await this.#commit(alone, { extraProposals: proposals, ratchetTreeExtension: true });
    this.#states = { hers: newState, his: await this.#join(message("welcome", welcome), bob) };
    // As bytes, so that reading the key packages counts.
    const packages = proposals.map(({ add }) => message("keyPackage", add.keyPackage));
    return {
      addAll: repeated(() => this.#add(alone, packages)),
      ...(await this.#lines(invited, carol)),
    };
  }

  /** Key packages of the two members that stay, of the one that joins again and again, of one that never does. */
  async keyPackages() {
    this.#entering = await this.#keyPackages("alice", "bob", "carol", "dave");
    return this.#entering.map(({ publicPackage }) => message("keyPackage", publicPackage));
  }

  /** Two members join a group of which all others committed, and each commits. */
  async enter({ welcome, inline, apart, ratchetTree }) {
    const [alice, bob, carol] = this.#entering;
    this.#states = { hers: await this.#join(welcome, alice), his: await this.#join(welcome, bob) };
    await this.#receive("his", await this.#publish("hers"));
    await this.#receive("hers", await this.#publish("his"));
    return this.#lines({ inline, apart, ratchetTree }, carol);
  }

  async #invitation(alone, extraProposals) {
    const inline = await this.#commit(alone, { extraProposals, ratchetTreeExtension: true });
    const apart = await this.#commit(alone, { extraProposals });
    return {
      inline: message("welcome", inline.welcome),
      apart: message("welcome", apart.welcome),
      ratchetTree: encodeRatchetTree(apart.newState.ratchetTree),
    };
  }

  async #lines({ inline, apart, ratchetTree }, carol) {
    const [alice, dave] = await this.#keyPackages("alice", "dave");
    const addition = message("keyPackage", dave.publicPackage);
    const info = await createGroupInfoWithExternalPubAndRatchetTree(this.#states.hers, [], this.#stack);
    const groupInfo = message("groupInfo", info);
    const removed = this.#states.his.privatePath.leafIndex >> 1;
    const commit = async (options) => encodeMlsMessage((await this.#commit(this.#states.hers, options)).commit);
    return {
      create: repeated(() => this.#group(alice)),
      join: repeated(() => this.#join(inline, carol)),
      joinApart: repeated(() => this.#join(apart, carol, decodeRatchetTree(ratchetTree, 0)[0])),
      send: repeated(() => this.#send("hers")),
      receive: consuming(
        () => this.#send("his"),
        (bytes) => this.#receive("hers", bytes),
      ),
      commit: repeated(() => commit()),
      ...(removed > 0
        ? { remove: repeated(() => commit({ extraProposals: [{ proposalType: "remove", remove: { removed } }] })) }
        : {}),
      addOne: repeated(() => this.#add(this.#states.hers, [addition])),
      externalJoin: repeated(() => this.#joinExternal(groupInfo, carol)),
      load: repeated(() => this.#loaded("hers")),
      process: consuming(
        () => this.#publish("his"),
        (bytes) => this.#receive("hers", bytes),
      ),
    };
  }

  close() {}

  #group({ publicPackage, privatePackage }) {
    return createGroup(randomBytes(32), publicPackage, privatePackage, [], this.#stack);
  }

  #join(welcome, { publicPackage, privatePackage }, ratchetTree) {
    const invitation = decoded(welcome).welcome;
    return joinGroup(invitation, publicPackage, privatePackage, emptyPskIndex, this.#stack, ratchetTree);
  }

  #commit(state, options) {
    return createCommit({ state, cipherSuite: this.#stack }, options);
  }

  async #add(state, keyPackages) {
    const extraProposals = keyPackages.map((bytes) => add(decoded(bytes).keyPackage));
    const { commit, welcome } = await this.#commit(state, { extraProposals, ratchetTreeExtension: true });
    return [encodeMlsMessage(commit), message("welcome", welcome)];
  }

  async #send(who) {
    const { newState, privateMessage } = await createApplicationMessage(this.#states[who], data, this.#stack);
    this.#states[who] = newState;
    return message("privateMessage", privateMessage);
  }

  async #publish(who) {
    const { newState, commit } = await this.#commit(this.#states[who]);
    this.#states[who] = newState;
    return encodeMlsMessage(commit);
  }

  async #receive(who, bytes) {
    const { privateMessage } = decoded(bytes);
    const { newState } = await processPrivateMessage(this.#states[who], privateMessage, emptyPskIndex, this.#stack);
    this.#states[who] = newState;
  }

  #loaded(who) {
    const [state] = decodeGroupState(encodeGroupState(this.#states[who]), 0);
    this.#states[who] = { ...state, clientConfig: this.#states[who].clientConfig };
  }

  async #joinExternal(bytes, { publicPackage, privatePackage }) {
    const { groupInfo } = decoded(bytes);
    const joined = await joinGroupExternal(groupInfo, publicPackage, privatePackage, false, this.#stack);
    return message("publicMessage", joined.publicMessage);
  }

  #keyPackages(...identities) {
    const now = BigInt(Math.floor(Date.now() / 1000));
    const capabilities = {
      versions: [version],
      ciphersuites: Object.values(suites),
      extensions: [],
      proposals: [],
      credentials: ["basic"],
    };
    const lifetime = { notBefore: now - 3600n, notAfter: now + 30n * day };
    return Promise.all(
      identities.map((identity) => {
        const credential = { credentialType: "basic", identity: Buffer.from(identity) };
        return generateKeyPackage(credential, capabilities, lifetime, [], this.#stack);
      }),
    );
  }
}

const add = (keyPackage) => ({ proposalType: "add", add: { keyPackage } });

const wireformats = {
  keyPackage: "mls_key_package",
  welcome: "mls_welcome",
  groupInfo: "mls_group_info",
  privateMessage: "mls_private_message",
  publicMessage: "mls_public_message",
};

function message(field, value) {
  return encodeMlsMessage({ version, wireformat: wireformats[field], [field]: value });
}

function decoded(bytes) {
  return decodeMlsMessage(bytes, 0)[0];
}
