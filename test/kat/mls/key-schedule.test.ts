import { expect } from "@jest/globals";
import { encode } from "#dist/codec/index.js";
import { GroupContext } from "#dist/mls/objects/index.js";
import { EpochSecrets, joinerSecret, mlsExporter, openGroupInfo, sealGroupInfo } from "#dist/mls/schedule/index.js";
import { withMemberSecret } from "#dist/mls/schedule/key-schedule.js";
import { suiteOf } from "#dist/mls/suite/index.js";
import { Secret } from "#dist/native/secret.js";
import { heldHandles } from "../../held-handles.js";
import { testEntries } from "../vectors.js";

interface Epoch extends Record<string, unknown> {
  readonly tree_hash: string;
  readonly commit_secret: string;
  readonly psk_secret: string;
  readonly confirmed_transcript_hash: string;
  readonly group_context: string;
  readonly joiner_secret: string;
  readonly welcome_secret: string;
  readonly encryption_secret: string;
  readonly epoch_authenticator: string;
  readonly external_pub: string;
  readonly exporter: {
    readonly label: string;
    readonly context: string;
    readonly length: number;
    readonly secret: string;
  };
}
interface Entry {
  readonly cipher_suite: number;
  readonly group_id: string;
  readonly initial_init_secret: string;
  readonly epochs: readonly Epoch[];
}

const hex = (text: string): Buffer => Buffer.from(text, "hex");
const namesOf = {
  init_secret: "initSecret",
  sender_data_secret: "senderDataSecret",
  exporter_secret: "exporterSecret",
  external_secret: "externalSecret",
  confirmation_key: "confirmationKey",
  membership_key: "membershipKey",
  resumption_psk: "resumptionPsk",
  encryption_secret: "encryptionSecret",
} as const;

testEntries<Entry>("mls/key-schedule.json", ({ cipher_suite, group_id, initial_init_secret, epochs }) => {
  const suite = suiteOf(cipher_suite);
  const before = heldHandles();
  let initSecret = Secret.from(hex(initial_init_secret));
  epochs.forEach((vector, index) => {
    const groupContext = encode(GroupContext, {
      version: 1,
      cipherSuite: suite.id,
      groupId: hex(group_id),
      epoch: BigInt(index),
      treeHash: hex(vector.tree_hash),
      confirmedTranscriptHash: hex(vector.confirmed_transcript_hash),
      extensions: [],
    });
    expect(groupContext.toString("hex")).toBe(vector.group_context);
    const commitSecret = Secret.from(hex(vector.commit_secret));
    const pskSecret = Secret.from(hex(vector.psk_secret));

    const joiner = joinerSecret(suite, { initSecret, commitSecret, groupContext });
    expect(joiner.equals(hex(vector.joiner_secret))).toBe(true);
    withMemberSecret(suite, joiner, pskSecret, (memberSecret) => {
      const welcome = suite.deriveSecret(memberSecret, "welcome");
      expect(welcome.equals(hex(vector.welcome_secret))).toBe(true);
      welcome.dispose();
    });
    const sealed = sealGroupInfo(suite, joiner, pskSecret, Buffer.from("GroupInfo"));
    expect(openGroupInfo(suite, joiner, pskSecret, sealed).toString()).toBe("GroupInfo");

    const epoch = EpochSecrets.fromCommit(suite, { initSecret, commitSecret, pskSecret, groupContext });
    const joined = EpochSecrets.fromJoiner(suite, joiner, pskSecret, groupContext);
    const theirs = new Map(joined.entries());
    for (const [name, secret] of epoch.entries()) expect(secret.equals(theirs.get(name)!)).toBe(true);
    for (const [wire, name] of Object.entries(namesOf)) {
      const secret = epoch.take(name);
      expect([wire, secret.equals(hex(vector[wire] as string))]).toEqual([wire, true]);
      secret.dispose();
    }
    expect(epoch.epochAuthenticator().toString("hex")).toBe(vector.epoch_authenticator);
    expect(joined.externalKeyPair.publicKey.toString("hex")).toBe(vector.external_pub);
    const { label, context, length, secret } = vector.exporter;
    const exported = mlsExporter(suite, joined.exporterSecret, label, hex(context), length);
    expect(exported.equals(hex(secret))).toBe(true);

    initSecret.dispose();
    initSecret = joined.take("initSecret");
    for (const owned of [commitSecret, pskSecret, joiner, exported, epoch, joined]) owned.dispose();
    expect(heldHandles()).toBe(before + 1);
  });
  initSecret.dispose();
  expect(heldHandles()).toBe(before);
});
