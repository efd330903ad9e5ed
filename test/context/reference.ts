// The frame format and the key schedule of docs/context.md once more, on node:crypto alone and as plainly as can be.
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";

export interface FrameFields {
  suite: 1 | 2 | 3;
  epoch: number;
  step: number;
  sender: Buffer;
  sequence: number;
}

export interface SharedKeys {
  secret: Buffer;
  ratchet: "aes-ctr" | "hkdf-sha256";
}

const ciphers = { 1: "aes-128-gcm", 2: "aes-256-gcm", 3: "chacha20-poly1305" } as const;
const keySizes = { 1: 16, 2: 32, 3: 32 } as const;
const depth = 24;

const hmac = (key: Buffer, ...parts: Buffer[]) => createHmac("sha256", key).update(Buffer.concat(parts)).digest();

/** HKDF-Expand-Label of RFC 8446 §7.1 for at most 32 octets, with the prefix "tinymls ". */
function expandLabel(secret: Buffer, label: string, context: Buffer, length: number): Buffer {
  const whole = Buffer.from(`tinymls ${label}`, "latin1");
  const info = [Buffer.from([0, length, whole.length]), whole, Buffer.from([context.length]), context];
  return hmac(secret, ...info, Buffer.from([1])).subarray(0, length);
}

const none = Buffer.alloc(0);

function epochSecret(secret: Buffer, epoch: number): Buffer {
  let current = hmac(none, secret);
  for (let e = 0; e < epoch; ++e) current = hmac(expandLabel(current, "next", none, 32), Buffer.alloc(32));
  return current;
}

function child(ratchet: SharedKeys["ratchet"], parent: Buffer, right: boolean): Buffer {
  if (ratchet === "hkdf-sha256") return expandLabel(parent, right ? "right" : "left", none, 32);
  const keystream = createCipheriv("aes-256-ctr", parent, Buffer.alloc(16)).update(Buffer.alloc(64));
  return right ? keystream.subarray(32) : keystream.subarray(0, 32);
}

export function stepSecret({ secret, ratchet }: SharedKeys, epoch: number, step: number): Buffer {
  let node = expandLabel(epochSecret(secret, epoch), "ratchet", none, 32);
  for (let bit = depth - 1; bit >= 0; --bit) node = child(ratchet, node, ((step >> bit) & 1) === 1);
  return node;
}

function keyAndNonce(keys: SharedKeys, { suite, epoch, step, sender, sequence }: FrameFields) {
  const leaf = stepSecret(keys, epoch, step);
  const nonce = Buffer.from(expandLabel(leaf, "iv", sender, 12));
  for (let i = 0, rest = BigInt(sequence); i < 12; ++i, rest >>= 8n) nonce[11 - i]! ^= Number(rest & 255n);
  return { key: expandLabel(leaf, "key", sender, keySizes[suite]), nonce };
}

function headerOf({ suite, epoch, step, sender, sequence }: FrameFields): Buffer {
  const header = Buffer.alloc(23);
  header[0] = 0x10 | suite;
  header.writeUInt32BE(epoch, 1);
  header.writeUInt32BE(step, 5);
  sender.copy(header, 9);
  header.writeUIntBE(sequence, 17, 6);
  return header;
}

export function fieldsOf(frame: Buffer): FrameFields {
  if (frame.length < 39 || frame[0]! >> 4 !== 1) throw new Error("no frame of version 1");
  return {
    suite: (frame[0]! & 15) as FrameFields["suite"],
    epoch: frame.readUInt32BE(1),
    step: frame.readUInt32BE(5),
    sender: frame.subarray(9, 17),
    sequence: frame.readUIntBE(17, 6),
  };
}

export function sealFrame(keys: SharedKeys, fields: FrameFields, plaintext: Buffer, aad: Buffer): Buffer {
  const { key, nonce } = keyAndNonce(keys, fields);
  const header = headerOf(fields);
  const cipher = createCipheriv(ciphers[fields.suite] as "aes-256-gcm", key, nonce, { authTagLength: 16 });
  cipher.setAAD(Buffer.concat([header, aad]), { plaintextLength: plaintext.length });
  return Buffer.concat([header, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

export function openFrame(keys: SharedKeys, frame: Buffer, aad: Buffer): Buffer {
  const fields = fieldsOf(frame);
  const { key, nonce } = keyAndNonce(keys, fields);
  const text = frame.subarray(23, -16);
  const decipher = createDecipheriv(ciphers[fields.suite] as "aes-256-gcm", key, nonce, { authTagLength: 16 });
  decipher.setAAD(Buffer.concat([frame.subarray(0, 23), aad]), { plaintextLength: text.length });
  decipher.setAuthTag(frame.subarray(-16));
  return Buffer.concat([decipher.update(text), decipher.final()]);
}
