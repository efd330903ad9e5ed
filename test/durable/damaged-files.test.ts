// What a failing disk leaves of SQLite's files: writes that are lost, a log whose end is torn, pages of garbage.
import { afterEach, expect, test } from "@jest/globals";
import { cpSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync, closeSync, statSync } from "node:fs";
import { join } from "node:path";
import { Client, TinyMlsError, type Group } from "tinymls";
import { SqliteStorage } from "tinymls/storage/sqlite";
import { Dice } from "../codec/dice.js";
import { expectSameEpoch, summary } from "../group/people.js";
import { sqlitePlace, storageKey } from "./stores.js";

const undo: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

let hours = 0;

type Place = ReturnType<typeof sqlitePlace>;

function newPlace(): Place {
  const place = sqlitePlace();
  undo.push(() => place.remove());
  return place;
}

/** As the files are at this moment, for a process that was killed now. */
function copyOf(place: Place): Place {
  const copy = newPlace();
  cpSync(place.folder, copy.folder, { recursive: true });
  return copy;
}

async function start(place: Place): Promise<Client> {
  // Erasure would move the log into the database.
  const storage = await SqliteStorage.open({ path: join(place.folder, "state.db"), eraseMs: 60_000 });
  undo.push(() => storage.close());
  // The copies are of a process that lives: its hold on the group has to be over.
  const later = ++hours * 3_600_000;
  const now = () => Date.now() + later;
  const client = await Client.create({ identity: "alice", storage, storageKey, now });
  undo.push(() => client.close());
  return client;
}

/** Has all of the log written to the database itself. */
async function settled(place: Place): Promise<Place> {
  const storage = await SqliteStorage.open(join(place.folder, "state.db"));
  await storage.close();
  expect(statSync(log(place), { throwIfNoEntry: false })?.size ?? 0).toBe(0);
  return place;
}

interface World {
  readonly place: Place;
  readonly group: Group;
  readonly bobs: Group;
}

async function world(): Promise<World> {
  const place = newPlace();
  const alice = await start(place);
  const bob = await Client.create({ identity: "bob" });
  undo.push(() => bob.close());
  const group = await alice.createGroup();
  const pending = await group.commit({ add: [await bob.createKeyPackage()] });
  await pending.confirm();
  return { place, group, bobs: await bob.joinGroup(pending.welcome!) };
}

async function receive(group: Group, message: Buffer): Promise<string> {
  return summary(await group.receiveMessage(message));
}

/** The state is an older one, or none that can be read; the group goes on from outside. */
async function expectWayBack(alice: Client, bobs: Group): Promise<void> {
  const joined = await alice.joinExternal(await bobs.groupInfo(), { resync: true });
  expect(await receive(bobs, joined.commit)).toBe("commit");
  expectSameEpoch(joined.group, bobs);
  expect(joined.group.members()).toHaveLength(2);
  expect(await receive(bobs, await joined.group.sendMessage("there"))).toBe("application there");
  expect(await receive(joined.group, await bobs.sendMessage("back"))).toBe("application back");
}

const log = ({ folder }: Place): string => join(folder, "state.db-wal");

test("a log whose end is torn loses whole writes, and what is left is a state that was", async () => {
  const { place, group, bobs } = await world();
  const dice = new Dice(1);
  const epochs = new Map<string, bigint>();
  for (let round = 0; round < 12; round++) {
    const before = statSync(log(place)).size;
    const former = group.epochAuthenticator().toString("hex");
    epochs.set(former, group.epoch);
    const pending = await group.commit({ update: true });
    expect(await receive(bobs, pending.commit)).toBe("commit");
    await pending.confirm();
    const torn = copyOf(place);
    const size = statSync(log(torn)).size;
    const tornAt = before + 1 + dice.nat(size - before - 2);
    if (round % 2 === 0) truncateSync(log(torn), tornAt);
    else garble(log(torn), tornAt, Math.min(64, size - tornAt), dice);
    const again = await start(torn);
    const loaded = (await again.loadGroup(group.groupId))!;
    // Before the commit, with it pending, or (where the torn octets were left over from before) with it confirmed.
    const state = loaded.epochAuthenticator().toString("hex");
    if (loaded.epoch === group.epoch) expectSameEpoch(loaded, group);
    else expect(epochs.get(state)).toBe(loaded.epoch);
    if (loaded.epoch === group.epoch) continue;
    if (loaded.pendingCommit === undefined) {
      expect(await receive(loaded, pending.commit)).toBe("rejected 14/own-commit");
      await expectWayBack(again, bobs);
      return; // her other state is out of the group now
    }
    expect(loaded.pendingCommit.commit).toEqual(pending.commit);
    await loaded.pendingCommit.confirm();
    expectSameEpoch(loaded, bobs);
  }
  throw new Error("no commit was lost");
}, 60_000);

test("a log that is lost whole: the state is an older one, is told so by its own commit, and joins anew", async () => {
  const { place, group, bobs } = await world();
  const kept = await settled(copyOf(place));
  const pending = await group.commit({ update: true });
  expect(await receive(bobs, pending.commit)).toBe("commit");
  await pending.confirm();
  const older = await start(kept);
  const loaded = (await older.loadGroup(group.groupId))!;
  expect(loaded.epoch).toBe(group.epoch - 1n);
  expect(await receive(loaded, pending.commit)).toBe("rejected 14/own-commit");
  await expectWayBack(older, bobs);
}, 60_000);

test("garbage in the database: what is damaged is named, the rest works, and nothing crashes", async () => {
  const { place, group } = await world();
  const whole = await settled(copyOf(place));
  const file = join(whole.folder, "state.db");
  const octets = readFileSync(file);
  const dice = new Dice(2);
  const outcomes: Record<string, number> = {};
  for (let round = 0; round < 60; round++) {
    const damaged = newPlace();
    writeFileSync(join(damaged.folder, "state.db"), octets);
    garble(join(damaged.folder, "state.db"), dice.nat(octets.length - 300), 1 + dice.nat(256), dice);
    const outcome = await open(damaged, group);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  expect(Object.keys(outcomes).filter((outcome) => !/^(good|malformed|undecryptable|missing)/.test(outcome))).toEqual(
    [],
  );
  expect(Object.keys(outcomes).length).toBeGreaterThan(2);
}, 60_000);

/** What comes of loading the group; an error has to say what is damaged. */
async function open(place: Place, expected: Group): Promise<string> {
  try {
    const loaded = await (await start(place)).loadGroup(expected.groupId);
    if (loaded === undefined) return "missing without a word";
    expectSameEpoch(loaded, expected);
    return "good";
  } catch (error) {
    if (!(error instanceof TinyMlsError)) return `untyped: ${String(error)}`;
    const names = error.path ?? (/SQLite file is damaged/.test(error.message) ? "the file" : undefined);
    return names === undefined ? `nameless ${error.code}: ${error.message}` : error.code;
  }
}

function garble(path: string, at: number, length: number, dice: Dice): void {
  const file = openSync(path, "r+");
  writeSync(file, Buffer.from(Array.from({ length }, () => dice.nat(255))), 0, length, at);
  closeSync(file);
}
