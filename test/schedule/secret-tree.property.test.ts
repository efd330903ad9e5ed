import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { SecretTree, type PeekedKey, type RatchetType } from "#dist/mls/schedule/index.js";
import { suiteOf } from "#dist/mls/suite/index.js";
import { Secret } from "#dist/native/secret.js";
import { heldHandles } from "../held-handles.js";
import { withKey } from "./message-key.js";

const suite = suiteOf(1);
const encryptionSecret = Buffer.alloc(suite.Nh, 3);
const leafCount = 5;
const retention = { maxForwardDistance: 12, maxSkippedKeys: 4, maxSkippedKeysPerEpoch: 9, skippedKeyLifetimeMs: 50 };

/** Every key of the epoch, derived straight from the root: the naive way. */
function allKeys(): Map<string, string> {
  const keys = new Map<string, string>();
  const open = Secret.from(encryptionSecret);
  const walk = (node: Secret, width: number, first: number): void => {
    if (width > 1) {
      for (const [index, side] of ["left", "right"].entries()) {
        const child = suite.expandWithLabel(node, "tree", Buffer.from(side), suite.Nh);
        walk(child, width / 2, first + (index * width) / 2);
        child.dispose();
      }
      return;
    }
    for (const type of ["handshake", "application"]) {
      let secret = suite.expandWithLabel(node, type, Buffer.alloc(0), suite.Nh);
      for (let generation = 0; generation < 60; generation++) {
        const key = suite.deriveTreeSecret(secret, "key", generation, suite.Nk);
        keys.set(`${first} ${type} ${generation}`, nameOf(key));
        const next = suite.deriveTreeSecret(secret, "secret", generation, suite.Nh);
        key.dispose();
        secret.dispose();
        secret = next;
      }
      secret.dispose();
    }
  };
  walk(open, 8, 0);
  open.dispose();
  return keys;
}

function nameOf(secret: Secret): string {
  return suite.mac(secret, Buffer.from("name")).toString("hex");
}

/** What the tree must do, said as plainly as possible: a list of what was used and a list of what is kept. */
class Model {
  readonly used = new Set<string>();
  readonly reached = new Map<string, number>();
  kept: { readonly ratchet: string; readonly generation: number; readonly at: number }[] = [];
  readonly droppedBelow = new Map<string, number>();

  expire(now: number): void {
    this.drop((key) => key.at <= now - retention.skippedKeyLifetimeMs);
  }

  peek(ratchet: string, generation: number): "key" | "duplicate" | "dropped" | "tooFarAhead" {
    const reached = this.reached.get(ratchet) ?? 0;
    if (generation >= reached) return generation - reached > retention.maxForwardDistance ? "tooFarAhead" : "key";
    if (this.kept.some((key) => key.ratchet === ratchet && key.generation === generation)) return "key";
    return generation < (this.droppedBelow.get(ratchet) ?? 0) ? "dropped" : "duplicate";
  }

  commit(ratchet: string, generation: number, now: number): boolean {
    if (this.used.has(`${ratchet} ${generation}`)) return false;
    const reached = this.reached.get(ratchet) ?? 0;
    if (generation < reached) {
      const isKept = this.kept.some((key) => key.ratchet === ratchet && key.generation === generation);
      this.kept = this.kept.filter((key) => key.ratchet !== ratchet || key.generation !== generation);
      if (isKept) this.used.add(`${ratchet} ${generation}`);
      return isKept;
    }
    this.used.add(`${ratchet} ${generation}`);
    this.reached.set(ratchet, generation + 1);
    for (let passed = reached; passed < generation; passed++) this.kept.push({ ratchet, generation: passed, at: now });
    const ofRatchet = this.kept.filter((key) => key.ratchet === ratchet);
    const tooMany = new Set(ofRatchet.slice(0, Math.max(0, ofRatchet.length - retention.maxSkippedKeys)));
    this.drop((key) => tooMany.has(key));
    const oldest = new Set(this.kept.slice(0, Math.max(0, this.kept.length - retention.maxSkippedKeysPerEpoch)));
    this.drop((key) => oldest.has(key));
    return true;
  }

  private drop(which: (key: Model["kept"][number]) => boolean): void {
    for (const { ratchet, generation } of this.kept.filter(which)) {
      this.droppedBelow.set(ratchet, Math.max(this.droppedBelow.get(ratchet) ?? 0, generation + 1));
    }
    this.kept = this.kept.filter((key) => !which(key));
  }
}

const step = fc.record({
  leafIndex: fc.nat({ max: leafCount - 1 }),
  type: fc.constantFrom<RatchetType>("handshake", "application"),
  ahead: fc.integer({ min: -8, max: 14 }),
  /** Settled now, or after so many further steps. */
  later: fc.oneof({ arbitrary: fc.constant(0), weight: 3 }, fc.nat({ max: 6 })),
  genuine: fc.oneof({ arbitrary: fc.constant(true), weight: 4 }, fc.constant(false)),
  pause: fc.oneof({ arbitrary: fc.constant(0), weight: 5 }, fc.nat({ max: 40 })),
});

test("lost, late, repeated and forged generations, in batches: as the model says", () => {
  const keys = allKeys();
  const before = heldHandles();
  const run = (steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]): void => {
    let now = 0;
    const tree = new SecretTree(suite, Secret.from(encryptionSecret), { leafCount, retention, now: () => now });
    const model = new Model();
    const waiting: { readonly peeked: PeekedKey; readonly ratchet: string; readonly genuine: boolean; left: number }[] =
      [];
    const settle = (all: boolean): void => {
      for (const each of [...waiting]) {
        if (!all && each.left-- > 0) continue;
        waiting.splice(waiting.indexOf(each), 1);
        if (each.genuine) expect(each.peeked.commit()).toBe(model.commit(each.ratchet, each.peeked.generation, now));
        else each.peeked.discard();
      }
    };
    for (const { leafIndex, type, ahead, later, genuine, pause } of steps) {
      now += pause;
      const ratchet = `${leafIndex} ${type}`;
      const generation = Math.min(59, Math.max(0, (model.reached.get(ratchet) ?? 0) + ahead));
      model.expire(now);
      const peeked = tree.peek(leafIndex, type, generation);
      expect(typeof peeked === "string" ? peeked : "key").toBe(model.peek(ratchet, generation));
      if (typeof peeked !== "string") {
        expect(withKey(suite, peeked, nameOf)).toBe(keys.get(`${ratchet} ${generation}`));
        waiting.push({ peeked, ratchet, genuine, left: later });
      }
      settle(false);
      expect(tree.retained.keys).toBe(model.kept.length);
    }
    settle(true);
    const held = [...tree.entries()];
    const kept = held.flatMap((entry) =>
      entry.kind === "skipped" ? [`${entry.leafIndex} ${entry.type} ${entry.generation}`] : [],
    );
    expect(kept.sort()).toEqual(model.kept.map(({ ratchet, generation }) => `${ratchet} ${generation}`).sort());
    expect(heldHandles() - before).toBe(held.length + kept.length);
    tree.dispose();
    expect(heldHandles()).toBe(before);
  };
  fc.assert(fc.property(fc.array(step, { maxLength: 120 }), run), { numRuns: 150 });
});
