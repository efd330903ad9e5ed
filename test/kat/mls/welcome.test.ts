import { expect } from "@jest/globals";
import { decode, encode } from "#dist/codec/index.js";
import { verifyConfirmationTag } from "#dist/mls/framing/index.js";
import {
  GroupContext,
  GroupInfo,
  GroupInfoTBS,
  GroupSecrets,
  KeyPackage,
  MLSMessage,
  WireFormat,
} from "#dist/mls/objects/index.js";
import { EpochSecrets, openGroupInfo } from "#dist/mls/schedule/index.js";
import { suiteOf } from "#dist/mls/suite/index.js";
import { decodeSecret, Secret } from "#dist/native/secret.js";
import { heldHandles } from "../../held-handles.js";
import { testEntries } from "../vectors.js";

interface Entry {
  readonly cipher_suite: number;
  readonly init_priv: string;
  readonly signer_pub: string;
  readonly key_package: string;
  readonly welcome: string;
}

const hex = (text: string): Buffer => Buffer.from(text, "hex");

testEntries<Entry>("mls/welcome.json", (entry) => {
  const suite = suiteOf(entry.cipher_suite);
  const before = heldHandles();
  const package_ = decode(MLSMessage, hex(entry.key_package));
  const message = decode(MLSMessage, hex(entry.welcome));
  if (package_.wireFormat !== WireFormat.mlsKeyPackage || message.wireFormat !== WireFormat.mlsWelcome) {
    throw new Error("not a key package and a welcome");
  }
  const { welcome } = message;
  const reference = suite.keyPackageRef(encode(KeyPackage, package_.keyPackage));
  const mine = welcome.secrets.find(({ newMember }) => reference.equals(newMember))!;

  const raw = Secret.from(hex(entry.init_priv));
  const initKey = suite.hpkeKey(raw);
  const { kemOutput, ciphertext } = mine.encryptedGroupSecrets;
  const secrets = suite.decryptWithLabel(initKey, "Welcome", welcome.encryptedGroupInfo, kemOutput, ciphertext);
  const joiner = decodeSecret(secrets, (scratch) => {
    const { joinerSecret, psks } = decode(GroupSecrets, scratch);
    expect(psks).toEqual([]);
    return Secret.from(joinerSecret);
  });

  const encrypted = welcome.encryptedGroupInfo;
  const { signature, ...signed } = decode(GroupInfo, openGroupInfo(suite, joiner, undefined, encrypted));
  const tbs = encode(GroupInfoTBS, signed);
  expect(suite.verifyWithLabel(hex(entry.signer_pub), "GroupInfoTBS", tbs, signature)).toBe(true);
  const epoch = EpochSecrets.fromJoiner(suite, joiner, undefined, encode(GroupContext, signed.groupContext));
  const { confirmedTranscriptHash } = signed.groupContext;
  verifyConfirmationTag(suite, epoch.confirmationKey, confirmedTranscriptHash, signed.confirmationTag);

  const handles = heldHandles();
  for (const wrong of [encrypted.subarray(1), encrypted.subarray(0, 15), Buffer.alloc(0)]) {
    expect(() => openGroupInfo(suite, joiner, undefined, wrong)).toThrow(
      expect.objectContaining({ code: "undecryptable" }),
    );
  }
  expect(() => openGroupInfo(suite, joiner, joiner, encrypted)).toThrow(
    expect.objectContaining({ code: "undecryptable" }),
  );
  expect(heldHandles()).toBe(handles);
  for (const handle of [raw, initKey, secrets, joiner, epoch]) handle.dispose();
  expect(heldHandles()).toBe(before);
});
