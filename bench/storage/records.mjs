// Sealing what is stored: a vault against the AEAD alone.
import { createCipheriv, createDecipheriv } from "node:crypto";
import { MemoryStorage, Vault } from "tinymls";
import { aead, Secret } from "tinymls/crypto";
import { race } from "../race.mjs";

const suite = "AES-256-GCM";
const text = Buffer.alloc(64, 1);
const name = "group/0123456789abcdef/delta";

export async function records(plan) {
  const vault = await Vault.open(new MemoryStorage(), { key: Buffer.alloc(32, 7) });
  const key = Buffer.alloc(32, 7);
  const cipher = aead.cipher(suite, key);
  const [nonce, aad] = [Buffer.alloc(12), Buffer.from(name)];
  const repeat = (name, each) => ({
    name,
    run: (iterations) => {
      for (let i = 0; i < iterations; ++i) each();
    },
  });
  const secret = Secret.from(text);
  const sealed = vault.seal(name, 1, [secret]);
  const sealedByCipher = cipher.seal(nonce, aad, secret);
  const encrypted = () => {
    const gcm = createCipheriv("aes-256-gcm", key, nonce).setAAD(aad);
    return Buffer.concat([gcm.update(text), gcm.final(), gcm.getAuthTag()]);
  };
  const box = encrypted();
  const decrypted = () => {
    const gcm = createDecipheriv("aes-256-gcm", key, nonce).setAAD(aad).setAuthTag(box.subarray(-16));
    return Buffer.concat([gcm.update(box.subarray(0, -16)), gcm.final()]);
  };
  const times = await race(
    [
      repeat("seal", () => vault.seal(name, 1, [secret])),
      repeat("seal by a cipher", () => cipher.seal(nonce, aad, secret)),
      repeat("seal by node:crypto", encrypted),
      repeat("open", () => vault.open(name, 1, sealed).dispose()),
      repeat("open by a cipher", () => cipher.openSecret(nonce, aad, sealedByCipher).dispose()),
      repeat("open by node:crypto", decrypted),
    ],
    plan,
  );
  vault.close();
  cipher.dispose();
  secret.dispose();
  return ["seal", "open"].map((step) => ({
    name: `${step} a record of 64 B`,
    value: times.of(step),
    unit: "ns",
    peers: {
      "the AEAD alone": times.of(step) * times.ratio(`${step} by a cipher`, step),
      "node:crypto": times.of(step) * times.ratio(`${step} by node:crypto`, step),
    },
  }));
}
