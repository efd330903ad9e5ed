import { expect } from "@jest/globals";
import { suiteOf, type Suite } from "#dist/mls/suite/index.js";
import { Secret } from "#dist/native/secret.js";
import { heldHandles } from "../../held-handles.js";
import { testEntries } from "../vectors.js";

interface Derivation {
  readonly secret: string;
  readonly label: string;
  readonly context: string;
  readonly generation: number;
  readonly length: number;
  readonly out: string;
}
interface Signed {
  readonly priv: string;
  readonly pub: string;
  readonly content: string;
  readonly label: string;
  readonly signature: string;
}
interface Encrypted {
  readonly priv: string;
  readonly pub: string;
  readonly label: string;
  readonly context: string;
  readonly plaintext: string;
  readonly kem_output: string;
  readonly ciphertext: string;
}
interface Entry {
  readonly cipher_suite: number;
  readonly ref_hash: { readonly label: string; readonly value: string; readonly out: string };
  readonly expand_with_label: Derivation;
  readonly derive_secret: Derivation;
  readonly derive_tree_secret: Derivation;
  readonly sign_with_label: Signed;
  readonly encrypt_with_label: Encrypted;
}

const hex = (text: string): Buffer => Buffer.from(text, "hex");

function derives(vector: Derivation, derive: (secret: Secret) => Secret): void {
  const secret = Secret.from(hex(vector.secret));
  const derived = derive(secret);
  expect(derived.equals(hex(vector.out))).toBe(true);
  secret.dispose();
  derived.dispose();
}

async function signs(suite: Suite, { priv, pub, label, content, signature }: Signed): Promise<void> {
  const raw = Secret.from(hex(priv));
  const key = suite.signatureKey(raw);
  raw.dispose();
  const own = suite.signWithLabel(key, label, hex(content));
  key.dispose();
  const publicKey = hex(pub);
  const items = [hex(signature), own, Buffer.alloc(own.byteLength)].map((value) => ({
    publicKey,
    label,
    content: hex(content),
    signature: value,
  }));
  expect(key.publicKey.toString("hex")).toBe(pub);
  expect(items.map((i) => suite.verifyWithLabel(i.publicKey, label, i.content, i.signature))).toEqual([
    true,
    true,
    false,
  ]);
  expect(await suite.verifyWithLabelAll(items)).toEqual([true, true, false]);
  expect(suite.verifyWithLabel(publicKey, label + "?", hex(content), own)).toBe(false);
}

async function encrypts(suite: Suite, vector: Encrypted): Promise<void> {
  const { label } = vector;
  const [publicKey, context, plaintext] = [hex(vector.pub), hex(vector.context), hex(vector.plaintext)];
  const raw = Secret.from(hex(vector.priv));
  const key = suite.hpkeKey(raw);
  raw.dispose();
  const secret = Secret.from(plaintext);
  const sealed = [
    { kemOutput: hex(vector.kem_output), ciphertext: hex(vector.ciphertext) },
    suite.encryptWithLabel(publicKey, label, context, plaintext),
    ...(await suite.encryptWithLabelAll([
      { publicKey, label, context, plaintext: secret },
      { publicKey, label, context, plaintext },
    ])),
  ];
  for (const { kemOutput, ciphertext } of sealed) {
    expect(suite.decryptWithLabelBytes(key, label, context, kemOutput, ciphertext)).toEqual(plaintext);
    const opened = suite.decryptWithLabel(key, label, context, kemOutput, ciphertext);
    expect(opened.equals(plaintext)).toBe(true);
    opened.dispose();
    for (const wrong of [
      () => suite.decryptWithLabel(key, `${label}?`, context, kemOutput, ciphertext),
      () => suite.decryptWithLabel(key, label, hex("00"), kemOutput, ciphertext),
      () => suite.decryptWithLabelBytes(key, label, context, kemOutput, ciphertext.subarray(1)),
      () => suite.decryptWithLabel(key, label, context, kemOutput.subarray(1), ciphertext),
    ])
      expect(wrong).toThrow(expect.objectContaining({ code: "undecryptable" }));
  }
  secret.dispose();
  key.dispose();
}

testEntries<Entry>("mls/crypto-basics.json", async (entry) => {
  const suite = suiteOf(entry.cipher_suite);
  const before = heldHandles();
  const { ref_hash: ref, expand_with_label: expand, derive_secret: derive, derive_tree_secret: tree } = entry;
  expect(suite.refHash(ref.label, hex(ref.value)).toString("hex")).toBe(ref.out);
  derives(expand, (secret) => suite.expandWithLabel(secret, expand.label, hex(expand.context), expand.length));
  derives(derive, (secret) => suite.deriveSecret(secret, derive.label));
  derives(tree, (secret) => suite.deriveTreeSecret(secret, tree.label, tree.generation, tree.length));
  await signs(suite, entry.sign_with_label);
  await encrypts(suite, entry.encrypt_with_label);
  expect(heldHandles()).toBe(before);
});
