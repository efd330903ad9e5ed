import { expect } from "@jest/globals";
import { trustBasicCredentials } from "tinymls";
import { Secret, type PrivateKey } from "tinymls/crypto";
import { decode, encode, KeyPackage, MLSMessage, WireFormat } from "tinymls/messages";
import { Group } from "#dist/mls/group.js";
import { Counters } from "#dist/mls/group/counters.js";
import { joinByWelcome } from "#dist/mls/group/join.js";
import { OwnKeyPackage } from "#dist/mls/group/key-package.js";
import { MemberState, type GroupEnvironment } from "#dist/mls/group/member-state.js";
import { withQuestions } from "#dist/mls/group/questions.js";
import { defaultRetention } from "#dist/mls/schedule/index.js";
import { suiteOf, type Suite } from "#dist/mls/suite/index.js";
import { keyParameters } from "#dist/native/algorithms.js";
import { heldHandles } from "../../held-handles.js";
import { testEntries } from "../vectors.js";

interface Epoch {
  readonly proposals: readonly string[];
  readonly commit: string;
  readonly epoch_authenticator: string;
}
interface Entry {
  readonly cipher_suite: number;
  readonly external_psks: readonly { readonly psk_id: string; readonly psk: string }[];
  readonly key_package: string;
  readonly signature_priv: string;
  readonly encryption_priv: string;
  readonly init_priv: string;
  readonly welcome: string;
  readonly ratchet_tree: string | null;
  readonly initial_epoch_authenticator: string;
  readonly epochs: readonly Epoch[];
}

const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");

/** The files leave out the leading zero octets of some P-521 scalars, which SerializePrivateKey (RFC 9180 §7.1.2) does not. */
function key(hex: string, length: number, parse: (raw: Secret) => PrivateKey): PrivateKey {
  const raw = Secret.from(bytes(hex.padStart(2 * length, "0")));
  try {
    return parse(raw);
  } finally {
    raw.dispose();
  }
}

function keyPackageOf(suite: Suite, entry: Entry): OwnKeyPackage {
  const message = decode(MLSMessage, bytes(entry.key_package));
  if (message.wireFormat !== WireFormat.mlsKeyPackage) throw new Error("not a key package");
  const { privateKeyLength } = keyParameters(suite.algorithms.kem, "test");
  const initKey = key(entry.init_priv, privateKeyLength, (raw) => suite.hpkeKey(raw));
  const leafKey = key(entry.encryption_priv, privateKeyLength, (raw) => suite.hpkeKey(raw));
  const { keyPackage } = message;
  return new OwnKeyPackage(suite, encode(KeyPackage, keyPackage), keyPackage, initKey, leafKey);
}

/** What the client knows beforehand. The clock stands inside the lifetime of its own key package. */
function environmentOf(own: OwnKeyPackage, psks: ReadonlyMap<string, Secret>, joined: () => Group): GroupEnvironment {
  const { leafNode } = own.value;
  if (!("lifetime" in leafNode)) throw new Error("no lifetime");
  const now = leafNode.lifetime.notBefore + 1n;
  return withQuestions({
    policy: {
      authentication: trustBasicCredentials,
      customProposals: new Map(),
      maximumLifetime: 2n ** 64n,
      maximumProposals: 100,
      now: () => Number(now) * 1000,
    },
    retention: defaultRetention,
    counters: new Counters(),
    psks: {
      external: (id) => psks.get(Buffer.from(id).toString("hex")),
      resumption: (groupId, epoch) => {
        const group = joined();
        return group.groupId.equals(groupId) ? group.state?.resumptionPsk(epoch) : undefined;
      },
    },
  });
}

async function join(suite: Suite, entry: Entry, own: OwnKeyPackage, psks: Map<string, Secret>): Promise<Group> {
  const message = decode(MLSMessage, bytes(entry.welcome));
  if (message.wireFormat !== WireFormat.mlsWelcome) throw new Error("not a Welcome");
  const environment = environmentOf(own, psks, () => group);
  const signatureKey = key(entry.signature_priv, 0, (raw) => suite.signatureKey(raw));
  expect(signatureKey.publicKey.equals(own.value.leafNode.signatureKey)).toBe(true);
  const epoch = await joinByWelcome({
    ...environment,
    suite,
    welcome: message.welcome,
    keyPackage: own,
    signatureKey,
    ratchetTree: entry.ratchet_tree === null ? undefined : bytes(entry.ratchet_tree),
    hasGroup: () => false,
    checkOrigin: () => Promise.reject(new Error("no group that another one follows")),
  });
  signatureKey.dispose();
  const handshake = { wireFormat: WireFormat.mlsPublicMessage, padding: "none" } as const;
  const host = { begin: () => Promise.reject(new Error("begins no group")), forget: () => undefined };
  const group = new Group(new MemberState(environment, epoch), { handshake, padding: "none" }, host);
  return group;
}

for (const file of [
  "mls/passive-client-welcome.json",
  "mls/passive-client-handling-commit.json",
  "mls/passive-client-random.json",
]) {
  testEntries<Entry>(file, async (entry) => {
    const handles = heldHandles();
    const suite = suiteOf(entry.cipher_suite);
    const own = keyPackageOf(suite, entry);
    expect(own.initKey.publicKey.equals(own.value.initKey)).toBe(true);
    expect(own.leafKey.publicKey.equals(own.value.leafNode.encryptionKey)).toBe(true);
    const psks = new Map(entry.external_psks.map(({ psk_id, psk }) => [psk_id, Secret.from(bytes(psk))]));
    const group = await join(suite, entry, own, psks);
    expect(group.epochAuthenticator().toString("hex")).toBe(entry.initial_epoch_authenticator);
    for (const { proposals, commit, epoch_authenticator } of entry.epochs) {
      for (const proposal of proposals) {
        expect(await group.receiveMessage(bytes(proposal))).toMatchObject({ kind: "proposal" });
      }
      expect(await group.receiveMessage(bytes(commit))).toMatchObject({ kind: "commit", selfRemoved: false });
      expect(group.epochAuthenticator().toString("hex")).toBe(epoch_authenticator);
    }
    await group.close();
    own.dispose();
    for (const psk of psks.values()) psk.dispose();
    expect(heldHandles()).toBe(handles);
  });
}
