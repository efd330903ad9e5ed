// The body of a worker thread in environments.test.ts: what it does is in `workerData`.
import { parentPort, workerData } from "node:worker_threads";
import { aead, argon2id, capabilities, hash, liveHandles, Secret, SecureBuffer, signature } from "tinymls/crypto";
import { handleOf } from "#dist/native/secret.js";

const { task } = workerData as { task: string };
const salt = Buffer.alloc(16, 1);

// Some tenths of a second on the thread pool. (On Node 20 Argon2id is the peer dependency's, which does not survive its
// worker's end.)
function startWork(): void {
  const key = signature.generateKeyPair("ECDSA-P384");
  const message = Buffer.alloc(32);
  const item = { publicKey: key.publicKey, message, signature: signature.sign(key, message) };
  void signature.verifyAll(
    "ECDSA-P384",
    Array.from({ length: 500 }, () => item),
  );
  if (capabilities().argon2id === "openssl")
    for (let i = 0; i < 4; i++) void argon2id("password", { salt, memoryKiB: 4096, passes: 2 });
}

function work(): void {
  const key = Secret.random(32);
  const nonce = Buffer.alloc(12);
  const sealed = aead.seal("AES-256-GCM", key, nonce, nonce, Buffer.alloc(100, 7));
  if (!aead.open("AES-256-GCM", key, nonce, nonce, sealed).equals(Buffer.alloc(100, 7)))
    throw new Error("not the same");
  hash("SHA-256", sealed);
  SecureBuffer.from(nonce); // left to the collector, and to the end of the thread
}

switch (task) {
  case "work":
    for (let i = 0; i < 100; i++) work();
    parentPort!.postMessage(liveHandles());
    break;
  case "handle":
    parentPort!.postMessage(handleOf(Secret.from(Buffer.from("of another thread"))));
    parentPort!.once("message", () => process.exit(0)); // keeps the secret alive until the other thread has tried
    break;
  case "forever":
    parentPort!.postMessage("ready");
    for (;;) work();
  case "pending":
    startWork();
    parentPort!.postMessage("ready");
    break;
  case "exit":
    startWork();
    work();
    process.exit(3);
    break;
  case "throw":
    work();
    throw new Error("uncaught");
}
