import { expect } from "@jest/globals";
import { suiteOf } from "#dist/mls/suite/index.js";
import { liveHandles, Secret } from "#dist/native/secret.js";
import { testEntries } from "../vectors.js";

interface Derivation {
  readonly secret: string;
  readonly label: string;
  readonly context: string;
  readonly generation: number;
  readonly length: number;
  readonly out: string;
}
interface Entry {
  readonly cipher_suite: number;
  readonly ref_hash: { readonly label: string; readonly value: string; readonly out: string };
  readonly expand_with_label: Derivation;
  readonly derive_secret: Derivation;
  readonly derive_tree_secret: Derivation;
}

const hex = (text: string): Buffer => Buffer.from(text, "hex");

function derives(vector: Derivation, derive: (secret: Secret) => Secret): void {
  const secret = Secret.from(hex(vector.secret));
  const derived = derive(secret);
  expect(derived.equals(hex(vector.out))).toBe(true);
  secret.dispose();
  derived.dispose();
}

testEntries<Entry>("mls/crypto-basics.json", (entry) => {
  const suite = suiteOf(entry.cipher_suite);
  const before = liveHandles();
  const { ref_hash: ref, expand_with_label: expand, derive_secret: derive, derive_tree_secret: tree } = entry;
  expect(suite.refHash(ref.label, hex(ref.value)).toString("hex")).toBe(ref.out);
  derives(expand, (secret) => suite.expandWithLabel(secret, expand.label, hex(expand.context), expand.length));
  derives(derive, (secret) => suite.deriveSecret(secret, derive.label));
  derives(tree, (secret) => suite.deriveTreeSecret(secret, tree.label, tree.generation, tree.length));
  expect(liveHandles()).toBe(before);
});
