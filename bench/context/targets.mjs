// What Context promises. `against` names a peer, or the floor; without it the target is the value itself.
import { nodeCrypto, sodiumNative } from "./peers.mjs";

export const targets = [
  { name: "encryptInto 64 B", against: nodeCrypto, times: 12 },
  { name: "encryptInto 64 B", against: sodiumNative, times: 3 },
  { name: "encryptInto 64 B", against: "floor", times: 1 / 2 },
  { name: "decryptInto 64 B", against: nodeCrypto, times: 12 },
  { name: "decryptInto 64 B", against: sodiumNative, times: 3 },
  { name: "decryptInto 64 B", against: "floor", times: 1 / 2 },
  { name: "encrypt 64 B", against: nodeCrypto, times: 8 },
  { name: "encryptBatch 1000 x 64 B, a message", against: "floor", times: 1 / 2 },
  { name: "encryptInto 1 MiB", against: "floor", times: 0.93 },
  { name: "encryptInto 1 MiB", against: nodeCrypto, times: 2.5 },
  { name: "two threads on one Context, 64 B", against: "one thread", times: 1.8 },
  { name: "memory of an idle Context, of 100,000", atMost: 4096 },
  { name: "key state of one epoch, 100 ms x 24 h", atMost: 1024 },
  { name: "the next step's key", atMost: 5 },
];
