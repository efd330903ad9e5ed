import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Group } from "tinymls";
import type { GroupDirectory } from "tinymls/discovery";
import { decode, opaque, struct, uint16, vector } from "#dist/codec/index.js";
import { compare, readPublication } from "#dist/discovery/publication.js";
import { advance, groupOf, hour, mayPublish, resigned, World } from "./world.js";

const world = new World();
const EncodedDirectory = struct("EncodedDirectory", { version: uint16, publications: vector(opaque) });
const limits = { publishers: 2 };
const maximumLifetimeMs = 7 * 24 * hour;
/** Valid ones, then such as are refused. */
const valid: Buffer[] = [];
const all: Buffer[] = [];
const ids: Buffer[] = [];

const open = () => world.directory({ limits, maximumLifetimeMs, mayPublish: mayPublish("alice", "bob", "carol") });

beforeAll(async () => {
  const people = await Promise.all(["alice", "bob", "carol", "mallory"].map((name) => world.person(name)));
  const [alice, bob, carol, mallory] = people as [
    (typeof people)[0],
    (typeof people)[0],
    (typeof people)[0],
    (typeof people)[0],
  ];
  const main = await groupOf(alice, bob, carol);
  const [small] = await groupOf(bob);
  ids.push(main[0]!.groupId, small!.groupId);
  const publish = async (groups: readonly Group[]) => {
    for (const group of groups) {
      for (const lifetime of [hour, 2 * hour]) valid.push(await world.publication(group, lifetime));
      valid.push(await world.publication(group, hour, world.now - 2 * hour)); // expired, not long ago
    }
  };
  await publish([...main, small!]);
  await advance(main);
  await publish(main.slice(0, 2));
  await advance([main[2]!]); // a fork
  await publish([main[2]!]);
  const fake = await mallory.client.createGroup({ groupId: main[0]!.groupId });
  await advance([fake], 9);
  const older = valid[0]!;
  const flipped = Buffer.from(older);
  flipped[flipped.length - 3]! ^= 4;
  all.push(...valid, await world.publication(fake), older.subarray(0, -1), flipped);
  all.push(resigned(valid.at(-1)!, mallory.key, (info) => ({ groupContext: { ...info.groupContext, epoch: 99n } })));
  all.push(await main[0]!.groupInfo(), await world.publication(main[0]!, hour, world.now - 30 * 24 * hour));
}, 60_000);
afterAll(() => world.close());

/** Some publications, in some order, some of them more than once. */
const heard = () => fc.array(fc.integer({ min: 0, max: all.length - 1 }), { maxLength: 12 });
const holding = async (indices: readonly number[]): Promise<GroupDirectory> => {
  const directory = await open();
  await directory.merge(indices.map((index) => all[index]!));
  return directory;
};
const joined = async (one: GroupDirectory, other: GroupDirectory): Promise<GroupDirectory> => {
  const directory = await open();
  await directory.merge(one.encode());
  await directory.merge(other.encode());
  return directory;
};
const shown = async (directory: GroupDirectory) => Promise.all(ids.map((id) => directory.get(id)));
const runs = { numRuns: 25 };

/** What should be held, as one would say it: of each slot the greatest, of each group the two greatest. */
function expected(indices: readonly number[]): string[] {
  const publications = indices
    .filter((index) => index < valid.length)
    .map((index) => readPublication(all[index]!, { publicationLength: 2 ** 20 }, maximumLifetimeMs));
  publications.sort((a, b) => compare(b, a));
  const slots = new Set<string>();
  const places = new Map<string, number>();
  return publications
    .filter(({ slot }) => !slots.has(slot) && slots.add(slot))
    .filter(({ slot }) => {
      const [group] = slot.split("/") as [string];
      places.set(group, (places.get(group) ?? 0) + 1);
      return places.get(group)! <= limits.publishers;
    })
    .map(({ digest }) => digest)
    .sort();
}

function held(directory: GroupDirectory): string[] {
  return decode(EncodedDirectory, directory.encode())
    .publications.map((bytes) => readPublication(bytes, { publicationLength: 2 ** 20 }, maximumLifetimeMs).digest)
    .sort();
}

test(
  "what is held is a function of the set of publications alone",
  () =>
    fc.assert(
      fc.asyncProperty(heard(), async (indices) => {
        const directory = await holding(indices);
        expect(held(directory)).toEqual(expected(indices));
        expect((await holding([...indices].reverse())).encode()).toEqual(directory.encode());
      }),
      runs,
    ),
  60_000,
);

test(
  "merging is commutative, associative and idempotent, forged and older ones among them",
  () =>
    fc.assert(
      fc.asyncProperty(heard(), heard(), heard(), async (x, y, z) => {
        const [a, b, c] = [await holding(x), await holding(y), await holding(z)] as const;
        const ab = await joined(a, b);
        expect((await joined(b, a)).encode()).toEqual(ab.encode());
        expect((await joined(ab, c)).encode()).toEqual((await joined(a, await joined(b, c))).encode());
        expect((await joined(ab, ab)).encode()).toEqual(ab.encode());
        expect((await joined(ab, a)).encode()).toEqual(ab.encode());
        expect((await holding([...x, ...y])).encode()).toEqual(ab.encode());
        expect(await shown(await joined(b, a))).toEqual(await shown(ab));
      }),
      runs,
    ),
  120_000,
);

test(
  "a merge never goes back: what is shown is never of an earlier epoch than before",
  () =>
    fc.assert(
      fc.asyncProperty(heard(), async (indices) => {
        const directory = await open();
        let before = await shown(directory);
        for (const index of indices) {
          await directory.merge([all[index]!]);
          const after = await shown(directory);
          for (const [place, entry] of before.entries()) {
            // An expired one may take the place of an older one that had not expired.
            if (entry && after[place]) expect(after[place].epoch >= entry.epoch).toBe(true);
          }
          before = after;
        }
      }),
      runs,
    ),
  60_000,
);

test("replicas that gossip converge, whatever was lost, repeated and reordered on the way", () => {
  const gossip = fc.record({
    births: fc.array(fc.tuple(fc.nat(3), fc.nat()), { maxLength: 12 }),
    // From whom, to whom, what became of it: arrives, arrives late and twice, is lost, is cut off.
    messages: fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)), { maxLength: 12 }),
  });
  return fc.assert(
    fc.asyncProperty(gossip, async ({ births, messages }) => {
      const replicas = await Promise.all([0, 1, 2, 3].map(open));
      const born = births.map(([at, index]) => ({ at, index: index % all.length }));
      const late: { to: number; state: Buffer }[] = [];
      for (let step = 0; step < Math.max(born.length, messages.length); step++) {
        const birth = born[step];
        if (birth) await replicas[birth.at]!.merge([all[birth.index]!]);
        const [from, to, fate] = messages[step] ?? [0, 0, 2];
        const state = replicas[from]!.encode();
        if (fate < 2) await replicas[to]!.merge(state);
        if (fate === 1) late.unshift({ to, state });
        if (fate === 3) await replicas[to]!.merge(state.subarray(0, -1)).catch(() => undefined);
      }
      for (const { to, state } of late) await replicas[to]!.merge(state);
      // In the end each hears of the next, twice round the ring.
      for (let step = 0; step < 8; step++) await replicas[(step + 1) % 4]!.merge(replicas[step % 4]!.encode());
      const last = replicas.map((replica) => replica.encode());
      for (const state of last) expect(state).toEqual(last[0]);
      expect(held(replicas[0]!)).toEqual(expected(born.map(({ index }) => index)));
    }),
    runs,
  );
}, 120_000);
