// Run as a process of its own: derives the keys of a Context's first epoch from its secret, and prints them masked. The process under
// test never holds them but for what the Context does.
import { createCipheriv, createHmac } from "node:crypto";

/** The parent takes the mask off. */
const masked = (octets: Buffer) => Buffer.from(octets.map((octet) => octet ^ 0x5a));

const [secretHex, senderHex] = process.argv.slice(2) as [string, string];
const hmac = (key: Buffer, data: Buffer) => createHmac("sha256", key).update(data).digest();
const label = (secret: Buffer, name: string, context: Buffer, length: number) => {
  const whole = Buffer.from(`tinymls ${name}`);
  const info = [
    Buffer.from([0, length, whole.length]),
    whole,
    Buffer.from([context.length]),
    context,
    Buffer.from([1]),
  ];
  return hmac(secret, Buffer.concat(info)).subarray(0, length);
};
const children = (node: Buffer) => createCipheriv("aes-256-ctr", node, Buffer.alloc(16)).update(Buffer.alloc(64));

const none = Buffer.alloc(0);
const secret = Buffer.from(secretHex, "hex");
const epochSecret = hmac(none, secret);
const root = label(epochSecret, "ratchet", none, 32);
let step = root;
for (let level = 0; level < 24; ++level) step = children(step).subarray(0, 32);
const keys = {
  secret,
  epochSecret,
  root,
  step,
  next: label(epochSecret, "next", none, 32),
  leftNode: children(root).subarray(0, 32),
  rightNode: children(root).subarray(32),
  senderKey: label(step, "key", Buffer.from(senderHex, "hex"), 32),
};
process.stdout.write(
  JSON.stringify(Object.fromEntries(Object.entries(keys).map(([k, v]) => [k, masked(v).toString("hex")]))),
);
