import { expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { Context, type ContextSuite } from "tinymls";
import { fieldsOf, openFrame, sealFrame, type FrameFields, type SharedKeys } from "./reference.js";
import { sleep } from "./support.js";

interface Vector {
  ratchet: SharedKeys["ratchet"];
  secret: string;
  suite: FrameFields["suite"];
  epoch: number;
  step: number;
  sender: string;
  sequence: number;
  aad: string;
  plaintext: string;
  frame: string;
}

const { frames } = JSON.parse(readFileSync("test/kat/frames.json", "utf8")) as { frames: Vector[] };
const hex = (text: string) => Buffer.from(text, "hex");
const suites: Record<FrameFields["suite"], ContextSuite> = {
  1: "AES-128-GCM",
  2: "AES-256-GCM",
  3: "CHACHA20-POLY1305",
};

test("the vectors cover each suite and ratchet, other epochs, and steps at the edges of the tree", () => {
  expect(new Set(frames.map(({ suite, ratchet }) => `${suite} ${ratchet}`)).size).toBe(6);
  expect(new Set(frames.map(({ step }) => step))).toEqual(new Set([0, 1, 864_000, 2 ** 24 - 1]));
  expect(Math.max(...frames.map(({ epoch }) => epoch))).toBeGreaterThan(1);
});

test.each(frames.map((vector, index) => ({ index, vector })))("vector $index", ({ vector }) => {
  const { suite, ratchet, epoch, step, sequence } = vector;
  const keys = { secret: hex(vector.secret), ratchet };
  const [aad, plaintext, frame] = [hex(vector.aad), hex(vector.plaintext), hex(vector.frame)];
  const fields = { suite, epoch, step, sender: hex(vector.sender), sequence };

  using context = new Context({ ...keys, suite: suites[suite], maxStepAhead: 2 ** 24 - 1, stateLifetime: 2 ** 34 });
  expect(context.decrypt(frame, { aad })).toEqual(plaintext);
  expect(context.epoch).toBe(epoch);

  expect(sealFrame(keys, fields, plaintext, aad)).toEqual(frame);
  expect(openFrame(keys, frame, aad)).toEqual(plaintext);
});

test.each(
  Object.entries(suites).flatMap(([id, suite]) =>
    (["aes-ctr", "hkdf-sha256"] as const).map((ratchet) => ({ id, suite, ratchet })),
  ),
)("what a Context seals opens by the format alone: %j", async ({ id, suite, ratchet }) => {
  const secret = Buffer.alloc(40, 3);
  const aad = Buffer.from("associated");
  using context = new Context({ secret, suite, ratchet, ratchetPeriod: 10 });
  const seen = [];
  for (let round = 0; round < 3; ++round) {
    for (const text of ["", "one", "another one, longer than a block"]) {
      const frame = context.encrypt(text, { aad });
      expect(openFrame({ secret, ratchet }, frame, aad).toString()).toBe(text);
      seen.push(fieldsOf(frame));
    }
    await sleep(25);
    if (round === 1) context.rotateKey();
  }
  expect(new Set(seen.map(({ epoch }) => epoch))).toEqual(new Set([0, 1]));
  expect(new Set(seen.map(({ step }) => step)).size).toBeGreaterThan(1);
  expect(new Set(seen.map(({ suite }) => String(suite)))).toEqual(new Set([id]));
  expect(seen.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4, 5, 0, 1, 2]);
});
