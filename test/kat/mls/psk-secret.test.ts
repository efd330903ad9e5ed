import { expect } from "@jest/globals";
import { PSKType } from "#dist/mls/objects/index.js";
import { pskSecret } from "#dist/mls/schedule/index.js";
import { suiteOf } from "#dist/mls/suite/index.js";
import { Secret } from "#dist/native/secret.js";
import { heldHandles } from "../../held-handles.js";
import { testEntries } from "../vectors.js";

interface Entry {
  readonly cipher_suite: number;
  readonly psks: readonly { readonly psk_id: string; readonly psk: string; readonly psk_nonce: string }[];
  readonly psk_secret: string;
}

const hex = (text: string): Buffer => Buffer.from(text, "hex");

testEntries<Entry>("mls/psk_secret.json", (entry) => {
  const suite = suiteOf(entry.cipher_suite);
  const before = heldHandles();
  const psks = entry.psks.map(({ psk_id, psk, psk_nonce }) => ({
    id: { pskType: PSKType.external, pskId: hex(psk_id), pskNonce: hex(psk_nonce) },
    psk: Secret.from(hex(psk)),
  }));
  const secret = pskSecret(suite, psks) ?? Secret.from(new Uint8Array(suite.Nh));
  expect(secret.equals(hex(entry.psk_secret))).toBe(true);
  for (const { psk } of psks) psk.dispose();
  secret.dispose();
  expect(heldHandles()).toBe(before);
});
