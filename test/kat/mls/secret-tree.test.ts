import { expect } from "@jest/globals";
import { openSenderData, sealSenderData } from "#dist/mls/framing/sender-data.js";
import { SecretTree, type RatchetType } from "#dist/mls/schedule/index.js";
import { suiteOf } from "#dist/mls/suite/index.js";
import { Secret } from "#dist/native/secret.js";
import { heldHandles } from "../../held-handles.js";
import { keyOf } from "../../schedule/message-key.js";
import { testEntries } from "../vectors.js";

interface Generation {
  readonly generation: number;
  readonly handshake_key: string;
  readonly handshake_nonce: string;
  readonly application_key: string;
  readonly application_nonce: string;
}
interface Entry {
  readonly cipher_suite: number;
  readonly sender_data: {
    readonly sender_data_secret: string;
    readonly ciphertext: string;
    readonly key: string;
    readonly nonce: string;
  };
  readonly encryption_secret: string;
  readonly leaves: readonly (readonly Generation[])[];
}

const types: readonly RatchetType[] = ["handshake", "application"];
const hex = (text: string): Buffer => Buffer.from(text, "hex");

testEntries<Entry>("mls/secret-tree.json", ({ cipher_suite, sender_data, encryption_secret, leaves }) => {
  const suite = suiteOf(cipher_suite);
  const before = heldHandles();

  const senderDataSecret = Secret.from(hex(sender_data.sender_data_secret));
  const [key, nonce] = [Secret.from(hex(sender_data.key)), Secret.from(hex(sender_data.nonce))];
  const [ciphertext, aad] = [hex(sender_data.ciphertext), hex("aad0")];
  const claimed = { leafIndex: 1, generation: 2, reuseGuard: hex("03040506") };
  const ours = sealSenderData(suite, senderDataSecret, ciphertext, aad, claimed);
  expect(suite.open(key, nonce, aad, ours).toString("hex")).toBe("000000010000000203040506");
  const theirs = suite.seal(key, nonce, aad, hex("000000010000000203040506"));
  expect(openSenderData(suite, senderDataSecret, ciphertext, aad, theirs)).toEqual(claimed);
  expect(openSenderData(suite, senderDataSecret, ciphertext, hex("aad1"), theirs)).toBeUndefined();
  ciphertext[0]! ^= 1;
  expect(openSenderData(suite, senderDataSecret, ciphertext, aad, theirs)).toBeUndefined();
  for (const secret of [senderDataSecret, key, nonce]) secret.dispose();

  for (const order of [leaves.map((_, leafIndex) => leafIndex), leaves.map((_, index) => leaves.length - 1 - index)]) {
    const tree = new SecretTree(suite, Secret.from(hex(encryption_secret)), { leafCount: leaves.length });
    for (const leafIndex of order) {
      for (const vector of leaves[leafIndex]!) {
        for (const type of types) {
          const peeked = tree.peek(leafIndex, type, vector.generation);
          if (typeof peeked === "string") throw new Error(peeked);
          const { key, nonce } = keyOf(suite, peeked);
          expect(key.equals(hex(vector[`${type}_key`]))).toBe(true);
          expect(nonce.equals(hex(vector[`${type}_nonce`]))).toBe(true);
          const [aad, reuseGuard] = [hex("aa"), hex("01020304")];
          const ciphertext = suite.seal(key, nonce, aad, hex("abcd"), reuseGuard);
          expect(peeked.open({ aad, ciphertext, reuseGuard })).toEqual(hex("abcd"));
          key.dispose();
          nonce.dispose();
          expect(peeked.commit()).toBe(true);
        }
      }
    }
    tree.dispose();
  }

  leaves.forEach((generations, ownLeafIndex) => {
    const options = { leafCount: leaves.length, ownLeafIndex };
    const tree = new SecretTree(suite, Secret.from(hex(encryption_secret)), options);
    const byGeneration = new Map(generations.map((vector) => [vector.generation, vector]));
    for (const type of types) {
      for (let at = 0; at <= Math.max(...byGeneration.keys()); at++) {
        const [aad, plaintext, reuseGuard, out] = [hex("aa"), hex("abcd"), hex("01020304"), Buffer.alloc(18)];
        expect(tree.seal(type, { aad, plaintext, out, reuseGuard })).toBe(at);
        const vector = byGeneration.get(at);
        if (vector === undefined) continue;
        const [key, nonce] = [Secret.from(hex(vector[`${type}_key`])), Secret.from(hex(vector[`${type}_nonce`]))];
        expect(suite.open(key, nonce, aad, out, reuseGuard)).toEqual(plaintext);
        key.dispose();
        nonce.dispose();
      }
    }
    tree.dispose();
  });
  expect(heldHandles()).toBe(before);
});
