// A group in which every member has committed once, so that no node of its tree is blank. Made by the layers below `Client`, one epoch
// after the other: all members share the secrets of an epoch, so that the next committer takes it over from the last one, and no one
// has to process what the others did.
import { decode } from "#dist/codec/index.js";
import { settingsFrom } from "#dist/mls/client-options.js";
import { leafContent } from "#dist/mls/group/build-commit.js";
import { capabilitiesOf } from "#dist/mls/group/capabilities.js";
import { createCommit } from "#dist/mls/group/create-commit.js";
import { createKeyPackage } from "#dist/mls/group/key-package.js";
import { createGroup } from "#dist/mls/group/new-group.js";
import { MLSMessage, ProposalType, SenderType, WireFormat } from "#dist/mls/objects/index.js";
import { leafNode, TreePrivateKeys } from "#dist/mls/tree/index.js";
import { randomBytes } from "tinymls/crypto";

const none = new Uint8Array(0);
const month = 30n * 24n * 60n * 60n;
const framing = { wireFormat: WireFormat.mlsPublicMessage, padding: "none" };
const psks = { external: () => undefined, resumption: () => undefined };

/** @returns a group of `count` members, that others can be added to as often as need be */
export async function populated(cipherSuite, count) {
  const { suite, policy, retention, supported, credential } = settingsFrom({ identity: "member", cipherSuite });
  const now = BigInt(Math.floor(Date.now() / 1000));
  const lifetime = { notBefore: now - 3600n, notAfter: now + month };
  const capabilities = capabilitiesOf(supported, credential.credentialType);
  const members = Array.from({ length: count }, (_, index) => {
    const signatureKey = suite.generateSignatureKeyPair();
    const of = { ...credential, identity: Buffer.from(`member ${index}`) };
    const identity = { credential: of, signatureKey, capabilities, extensions: [] };
    return { identity, keyPackage: createKeyPackage(suite, identity, { lifetime, lastResort: false }) };
  });
  const [{ identity }] = members;
  const beginning = { suite, groupId: randomBytes(32), extensions: [], identity, lifetime, retention, now: Date.now };
  const group = new PopulatedGroup(createGroup(beginning), { policy, psks, retention });
  if (count > 1) await group.add(members.slice(1).map(({ keyPackage }) => keyPackage.value));
  for (const index of spread(count)) {
    const { identity, keyPackage } = members[index];
    group.become(index, keyPackage.leafKey, identity.signatureKey);
    await group.update();
  }
  for (const { identity, keyPackage } of members) {
    keyPackage.dispose();
    identity.signatureKey.dispose();
  }
  return group;
}

// Numbers below `count` by their reversed bits: each commit finds the other half of its subtree blank or done, so that all of them
// together encrypt to `count` times the depth of the tree, and not to its square.
function* spread(count) {
  const bits = Math.ceil(Math.log2(count));
  for (let number = 0; number < 2 ** bits; ++number) {
    let index = 0;
    for (let bit = 0; bit < bits; ++bit) index |= ((number >> bit) & 1) << (bits - 1 - bit);
    if (index < count) yield index;
  }
}

class PopulatedGroup {
  #epoch;
  #environment;

  constructor(epoch, environment) {
    this.#epoch = epoch;
    this.#environment = environment;
  }

  /** A Welcome to the group for those of the key packages, MLSMessages, and its tree. The group stays as it is. */
  async invite(keyPackages, ratchetTreeInWelcome) {
    const values = keyPackages.map((bytes) => decode(MLSMessage, bytes).keyPackage);
    const { staged, welcome } = await this.#create({ proposals: this.#adds(values), ratchetTreeInWelcome });
    const ratchetTree = staged.next.tree.encode();
    staged.discard();
    return { welcome, ratchetTree };
  }

  async add(keyPackages) {
    this.#merge(await this.#create({ proposals: this.#adds(keyPackages) }));
  }

  async update() {
    this.#merge(await this.#create({ forcePath: true }));
  }

  /** Goes over to the place of another member, whose keys are lent. The creator has those that it made itself. */
  become(index, leafKey, signatureKey) {
    if (index === this.#epoch.ownLeafIndex) return;
    this.#epoch.keys.dispose();
    this.#epoch.signatureKey.dispose();
    const keys = new TreePrivateKeys(index, new Map([[leafNode(index), leafKey.clone()]]));
    this.#epoch = { ...this.#epoch, ownLeafIndex: index, keys, signatureKey: signatureKey.clone() };
  }

  close() {
    for (const part of ["keys", "signatureKey", "secrets", "secretTree"]) this.#epoch[part].dispose();
  }

  #create(request) {
    return createCommit(this.#epoch, this.#environment, {
      proposals: [],
      forcePath: false,
      leaf: leafContent(this.#epoch),
      newSignatureKey: undefined,
      authenticatedData: none,
      framing,
      ratchetTreeInWelcome: false,
      groupInfoExtensions: [],
      ...request,
    });
  }

  #adds(keyPackages) {
    const sender = { senderType: SenderType.member, leafIndex: this.#epoch.ownLeafIndex };
    return keyPackages.map((keyPackage) => ({ proposal: { proposalType: ProposalType.add, keyPackage }, sender }));
  }

  #merge({ staged }) {
    const { secrets, secretTree } = this.#epoch;
    this.#epoch = staged.merge();
    secrets.dispose();
    secretTree.dispose();
  }
}
