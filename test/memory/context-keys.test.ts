import { afterEach, expect, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Context } from "tinymls";
import { wipe } from "tinymls/crypto";
import { Needle, occurrences } from "./scan.js";

const names = ["secret", "epochSecret", "root", "step", "next", "leftNode", "rightNode", "senderKey"] as const;
type Name = (typeof names)[number];

// Room of its own for 32 octets: the engine moves small arrays about, and leaves copies.
const room = () => Buffer.allocUnsafeSlow(4096).subarray(0, 32);

/** The keys of a Context's first epoch, derived by a process of its own. */
function expectedKeys(secretHex: string, frame: Buffer): Record<Name, Needle> {
  const script = fileURLToPath(new URL("./expected-keys.js", import.meta.url));
  const printed = execFileSync(process.execPath, [script, secretHex, frame.toString("hex", 9, 17)], {
    encoding: "utf8",
  });
  const keys = JSON.parse(printed) as Record<Name, string>;
  const octets = room();
  const needles = names.map((name) => {
    Buffer.from(keys[name], "hex").forEach((octet, i) => (octets[i] = octet ^ 0x5a));
    return [name, new Needle(octets)];
  });
  octets.fill(0);
  return Object.fromEntries(needles) as Record<Name, Needle>;
}

function found(keys: Record<Name, Needle>, ...wanted: Name[]): Name[] {
  const counts = occurrences(wanted.map((name) => keys[name]));
  return wanted.filter((_, i) => counts[i]! > 0);
}

test("the keys are in memory while a Context is open, what they come from is not, and all are gone after close", () => {
  const secret = randomFillSync(room());
  const secretHex = secret.toString("hex");
  const context = new Context({ secret, ratchetPeriod: 0 });
  const frame = context.encrypt("x");
  expect(context.decrypt(frame).toString()).toBe("x");
  const keys = expectedKeys(secretHex, frame);
  expect(found(keys, "secret")).toEqual(["secret"]);
  wipe(secret);
  expect(found(keys, ...names)).toEqual(["next", "leftNode", "rightNode", "senderKey"]);
  context.close();
  expect(found(keys, ...names)).toEqual([]);
}, 60_000);

test("rotation leaves no way back, and keeps what opens late frames", () => {
  const secret = randomFillSync(room());
  const secretHex = secret.toString("hex");
  const context = new Context({ secret, ratchetPeriod: 0 });
  wipe(secret);
  const frame = context.encrypt("x");
  const keys = expectedKeys(secretHex, frame);
  const before: Name[] = ["leftNode", "senderKey", "next"];
  expect(found(keys, ...before)).toEqual(before);
  context.rotateKey();
  context.encrypt("under the next epoch");
  expect(context.decrypt(frame).toString()).toBe("x");
  expect(found(keys, ...before)).toEqual(["leftNode", "senderKey"]);
  context.close();
  expect(found(keys, ...names)).toEqual([]);
}, 60_000);

// A Context that only those wait for whom it would tell something is collected, and tells nothing.
const held: Context[] = [];
afterEach(() => {
  held.splice(0);
});

test("expiry leaves nothing of an epoch in a Context that stays open", async () => {
  const secret = randomFillSync(room());
  const secretHex = secret.toString("hex");
  const context = new Context({ secret, ratchetPeriod: 0, stateLifetime: 5_000, gcInterval: 50 });
  wipe(secret);
  const expired = once(context, "expire");
  held.push(context);
  const frame = context.encrypt("x");
  context.rotateKey();
  context.encrypt("under the next epoch");
  expect(context.decrypt(frame).toString()).toBe("x"); // keeps the sender key for late frames
  // However long this takes: only the timer and calls of this Context erase, and neither comes before the await.
  const keys = expectedKeys(secretHex, frame);
  expect(found(keys, "leftNode", "senderKey")).toEqual(["leftNode", "senderKey"]);
  await expired;
  expect(context.encrypt("still open").length).toBeGreaterThan(0);
  expect(found(keys, ...names)).toEqual([]);
  context.close();
}, 60_000);
