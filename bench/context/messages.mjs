// Sealing and opening one message, of several sizes.
import { randomBytes } from "node:crypto";
import { Context, FRAME_OVERHEAD } from "tinymls";
import { race } from "../race.mjs";
import { floor, floorOf, openers, peers, sealers } from "./peers.mjs";

const small = 64;
const batchSize = 1000;
const batchFloor = "floor of a batch";

export async function smallMessages(plan) {
  const context = new Context();
  const plaintext = randomBytes(small);
  const out = Buffer.alloc(small + FRAME_OVERHEAD);
  const batch = Array.from({ length: batchSize }, () => randomBytes(small));
  const times = await race(
    [
      {
        name: "encryptInto",
        run(iterations) {
          for (let i = 0; i < iterations; ++i) context.encryptInto(plaintext, out);
        },
      },
      ...(await sealers(small)),
      {
        name: "encrypt",
        run(iterations) {
          for (let i = 0; i < iterations; ++i) context.encrypt(plaintext);
        },
      },
      {
        name: "encryptBatch",
        each: batchSize,
        run(iterations) {
          for (let i = 0; i < iterations; ++i) context.encryptBatch(batch);
        },
      },
      floorOf(batchFloor, 0, small, batchSize),
    ],
    plan,
  );
  context.close();
  return [
    times.result("encryptInto 64 B", "encryptInto", floor, peers),
    times.result("encrypt 64 B", "encrypt", floor, peers),
    times.result("encryptBatch 1000 x 64 B, a message", "encryptBatch", batchFloor, peers),
  ];
}

export async function openingSmall(plan) {
  const context = new Context();
  const frame = context.encrypt(randomBytes(small));
  const out = Buffer.alloc(small);
  const times = await race(
    [
      {
        name: "decryptInto",
        run(iterations) {
          for (let i = 0; i < iterations; ++i) context.decryptInto(frame, out);
        },
      },
      ...(await openers(small)),
    ],
    plan,
  );
  context.close();
  return [times.result("decryptInto 64 B", "decryptInto", floor, peers)];
}

const sizes = [
  { size: 256, label: "256 B" },
  { size: 1024, label: "1 KiB" },
  { size: 16384, label: "16 KiB" },
  { size: 1048576, label: "1 MiB", unit: "GB/s" },
];

export async function largerMessages(plan) {
  const results = [];
  for (const { size, label, unit } of sizes) {
    const context = new Context();
    const plaintext = randomBytes(size);
    const out = Buffer.alloc(size + FRAME_OVERHEAD);
    const sealing = {
      name: "encryptInto",
      run(iterations) {
        for (let i = 0; i < iterations; ++i) context.encryptInto(plaintext, out);
      },
    };
    const times = await race([sealing, ...(await sealers(size))], plan);
    context.close();
    const presented = unit === undefined ? {} : { unit, convert: (nanoseconds) => size / nanoseconds };
    results.push(times.result(`encryptInto ${label}`, "encryptInto", floor, peers, presented));
  }
  return results;
}
