import { afterAll, describe, expect, test } from "@jest/globals";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import {
  SqliteStorage,
  type SqliteDatabase,
  type SqliteDatabaseClass,
  type SqliteStorageOptions,
} from "tinymls/storage/sqlite";
import { migrate, migrations } from "#dist/storage/sqlite/schema.js";
import { conformance } from "./conformance.js";
import { contents, faultOf, until } from "./observe.js";
import { processes, type SharedStore } from "./processes.js";

const folder = mkdtempSync(join(tmpdir(), "tinymls-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = () => join(folder, `${++files}.db`);
// The other package with this interface: it compiles for a minute where it has no binary, so the tests take it where it is there.
const other = await import("better-sqlite3" as string).then(
  (module: { default: SqliteDatabaseClass }) => module.default,
  () => undefined,
);
const otherCommand = "npm install --no-save better-sqlite3";
// Two copies of SQLite in one process do not see each other's locks: this is the one that the storage takes by itself.
const connect = (path: string): SqliteDatabase => new (other ?? (Database as unknown as SqliteDatabaseClass))(path);

function create(options: Partial<SqliteStorageOptions> = {}): Promise<SharedStore> {
  const path = newFile();
  const handles: SqliteStorage[] = [];
  return Promise.resolve({
    address: { adapter: "sqlite", at: path },
    open: async () => {
      const storage = await SqliteStorage.open({ path, pollMs: 20, ...options });
      handles.push(storage);
      return storage;
    },
    remove: async () => {
      for (const handle of handles) await handle.close();
      for (const end of ["", "-wal", "-shm"]) rmSync(path + end, { force: true });
    },
  });
}

conformance("SQLite", () => create({ database: Database as unknown as SqliteDatabaseClass }));

if (other) conformance("better-sqlite3", () => create({ database: other }));
else test.skip(`better-sqlite3: not there, install it with ${otherCommand}`, () => undefined);

processes("SQLite", create);

const value = Buffer.from("v");

describe("SQLite: faults", () => {
  test("a file of another program, no database at all, a newer schema: refused, untouched", async () => {
    const other = newFile();
    const database = connect(other);
    database.exec("CREATE TABLE theirs (x)");
    database.close();
    const junk = newFile();
    writeFileSync(junk, "no database ".repeat(1000));
    const newer = newFile();
    await (await SqliteStorage.open(newer)).close();
    const next = connect(newer);
    next.exec("PRAGMA user_version = 2");
    next.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
    next.close();
    const before = [other, junk, newer].map((path) => readFileSync(path));
    expect(await faultOf(SqliteStorage.open(other))).toMatchObject({ code: "storage", retryable: false });
    expect(await faultOf(SqliteStorage.open(junk))).toMatchObject({ code: "malformed", retryable: false });
    expect(await faultOf(SqliteStorage.open(newer))).toMatchObject({ code: "storage", retryable: false });
    expect([other, junk, newer].map((path) => readFileSync(path))).toEqual(before);
  });

  test("a schema migrates forward, what it holds stays; a step that fails leaves all as it was", async () => {
    const path = newFile();
    const storage = await SqliteStorage.open(path);
    await storage.write([{ put: "a", value }]);
    const before = await contents(storage);
    await storage.close();
    const database = connect(path);
    const version = () => (database.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
    expect(() => migrate(database, [...migrations, "CREATE TABLE more (x); CREATE TABLE more (x)"])).toThrow();
    expect(version()).toBe(migrations.length);
    const again = await SqliteStorage.open(path);
    expect(await contents(again)).toEqual(before);
    await again.close();
    migrate(database, [...migrations, "CREATE TABLE more (x)"]);
    expect(version()).toBe(migrations.length + 1);
    expect(database.prepare("SELECT key FROM records").all()).toHaveLength(1);
    database.close();
  });

  test("another process that writes for long: waits without holding the event loop up, then `storage`; later it works", async () => {
    const path = newFile();
    const storage = await SqliteStorage.open({ path, busyTimeoutMs: 150 });
    await storage.write([{ put: "a", value }]);
    const before = await contents(storage);
    const other = connect(path);
    other.exec("BEGIN IMMEDIATE");
    let turns = 0;
    const timer = setInterval(() => turns++, 5);
    expect(await faultOf(storage.write([{ delete: "a" }]))).toMatchObject({ code: "storage", retryable: true });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
    expect(await contents(storage)).toEqual(before);
    // The call that gave up holds its connection to no old state: it sees what the other wrote, and writes after it.
    other.prepare("UPDATE records SET value = ? WHERE key = ?").run(Buffer.from("1"), "a");
    await contents(storage);
    other.exec("COMMIT");
    expect((await storage.get("a"))!.value.toString()).toBe("1");
    other.exec("BEGIN IMMEDIATE");
    const waiting = storage.write([{ put: "a", value: Buffer.from("2") }]);
    setTimeout(() => other.exec("ROLLBACK"), 30);
    await waiting;
    expect((await storage.get("a"))!.value.toString()).toBe("2");
    other.close();
    await storage.close();
  });

  test("a file that another process is making or has for itself while it is opened: read anew afterwards, written after it", async () => {
    const path = newFile();
    const other = connect(path);
    other.exec("CREATE TABLE mine (x)");
    other.exec("DROP TABLE mine");
    other.exec("BEGIN EXCLUSIVE");
    const opening = SqliteStorage.open({ path, pollMs: 10 });
    setTimeout(() => other.exec("ROLLBACK"), 30);
    const storage = await opening;
    const second = await SqliteStorage.open({ path });
    for (const text of ["1", "2"]) {
      await second.write([{ put: "a", value: Buffer.from(text) }]);
      expect((await storage.get("a"))!.value.toString()).toBe(text);
      await storage.write([{ put: "b", value }]);
    }
    other.close();
    await second.close();
    await storage.close();
  });

  test("a full disk: `storage`, nothing of the write stays, small writes go on", async () => {
    const database = connect(newFile());
    const storage = await SqliteStorage.open({ database });
    await storage.write([{ put: "a", value }]);
    const before = await contents(storage, ["log"]);
    database.exec("PRAGMA max_page_count = 20");
    const write = storage.write([
      { put: "b", value },
      { append: "log", entries: [Buffer.alloc(200_000)] },
    ]);
    expect(await faultOf(write)).toMatchObject({ code: "storage", retryable: true });
    expect(await contents(storage, ["log"])).toEqual(before);
    await storage.write([{ put: "b", value }]);
    await storage.close();
    database.close();
  });

  test("a database that may not be written: `storage`, reads go on", async () => {
    const database = connect(newFile());
    const storage = await SqliteStorage.open({ database });
    await storage.write([{ put: "a", value }]);
    const before = await contents(storage);
    database.exec("PRAGMA query_only = 1");
    expect(await faultOf(storage.write([{ delete: "a" }]))).toMatchObject({ code: "storage", retryable: false });
    expect(await contents(storage)).toEqual(before);
    await storage.close();
    database.close();
  });

  test("a damaged file: `malformed`", async () => {
    const path = newFile();
    const storage = await SqliteStorage.open(path);
    for (let i = 0; i < 50; i++) await storage.write([{ put: `k${i}`, value: Buffer.alloc(2000, i) }]);
    await storage.close();
    const flush = connect(path);
    flush.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
    flush.close();
    rmSync(`${path}-wal`, { force: true });
    rmSync(`${path}-shm`, { force: true });
    const octets = readFileSync(path);
    // All but the first page, which holds the header and the schema.
    writeFileSync(path, octets.fill(0xa5, 4096));
    const damaged = await SqliteStorage.open(path);
    expect(await faultOf(damaged.get("k1"))).toMatchObject({ code: "malformed", retryable: false });
    expect(await faultOf(damaged.list(""))).toMatchObject({ code: "malformed" });
    await damaged.close();
  });

  test("a path that cannot be opened, and options that make no sense", async () => {
    expect(await faultOf(SqliteStorage.open(join(folder, "no", "such.db")))).toMatchObject({ code: "storage" });
    for (const options of [
      {},
      { path: "" },
      { path: "x", synchronous: "OFF" },
      { path: "x", pollMs: -1 },
      { path: "x", eraseMs: 2 ** 31 },
    ]) {
      expect(await faultOf(SqliteStorage.open(options as never))).toMatchObject({ code: "usage" });
    }
    expect(existsSync("x")).toBe(false);
  });
});

describe("SQLite: what was overwritten or deleted", () => {
  // In cells, on overflow pages, in a log, as a key.
  const secrets = ["short secret", "long secret ".repeat(2000), "deleted secret", "log secret"];
  const fill = async (storage: SqliteStorage) => {
    await storage.write([
      { put: "short", value: Buffer.from(secrets[0]!) },
      { put: "long", value: Buffer.from(secrets[1]!) },
      { put: "deleted", value: Buffer.from(secrets[2]!) },
      { append: "log", entries: [Buffer.from(secrets[3]!), value] },
    ]);
  };
  const empty = async (storage: SqliteStorage) => {
    await storage.write([
      { put: "short", value },
      { put: "long", value },
      { delete: "deleted" },
      { truncate: "log", before: 1 },
    ]);
  };
  const found = (path: string): string[] => {
    const files = [path, `${path}-wal`].filter(existsSync).map((file) => readFileSync(file));
    const texts = ["short secret", "long secret", "deleted secret", "log secret"];
    return texts.filter((text) => files.some((octets) => octets.includes(text)));
  };

  test("is gone from the files soon after, while the storage is open", async () => {
    const path = newFile();
    const storage = await SqliteStorage.open({ path, eraseMs: 20 });
    await fill(storage);
    expect(found(path)).toHaveLength(4);
    await until(() => existsSync(`${path}-wal`) && readFileSync(`${path}-wal`).length === 0);
    expect(found(path)).toHaveLength(4); // now in the database itself
    await empty(storage);
    await until(() => found(path).length === 0);
    expect(await contents(storage, ["log"])).toMatchObject({
      records: [{ key: "long" }, { key: "short" }],
      logs: [{ first: 1, end: 2 }],
    });
    await storage.close();
  });

  test("is gone when the storage is closed, also where another process has it open", async () => {
    const path = newFile();
    const other = await SqliteStorage.open(path);
    const storage = await SqliteStorage.open({ path, eraseMs: 1_000_000 });
    await fill(storage);
    await empty(storage);
    expect(found(path)).not.toEqual([]);
    await storage.close();
    expect(found(path)).toEqual([]);
    await other.close();
  });

  test("waits for who is still reading it", async () => {
    const path = newFile();
    const storage = await SqliteStorage.open({ path, eraseMs: 10 });
    await fill(storage);
    const reader = connect(path);
    reader.exec("BEGIN");
    expect(reader.prepare("SELECT count(*) AS count FROM records").get()).toMatchObject({ count: 3 });
    await empty(storage);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(found(path)).not.toEqual([]);
    expect(reader.prepare("SELECT count(*) AS count FROM records").get()).toMatchObject({ count: 3 });
    reader.exec("COMMIT");
    await until(() => found(path).length === 0);
    reader.close();
    await storage.close();
  });
});

test("SQLite: a transaction of whoever brought the database is left as it is", async () => {
  const database = connect(newFile());
  const storage = await SqliteStorage.open({ database });
  await storage.write([{ put: "a", value }]);
  database.exec("BEGIN");
  database.exec("CREATE TABLE theirs (x)");
  for (const call of [storage.get("a"), storage.write([{ put: "a", value: Buffer.from("2") }])]) {
    expect(await faultOf(call)).toMatchObject({ code: "storage" });
  }
  expect(database.inTransaction).toBe(true);
  database.exec("COMMIT");
  expect(database.prepare("SELECT count(*) AS rows FROM theirs").get()).toMatchObject({ rows: 0 });
  expect((await storage.get("a"))!.value).toEqual(value);
  await storage.close();
  database.close();
});

test.each(["NORMAL", "FULL"] as const)("SQLite: which writes are synced, by %s", async (synchronous) => {
  const database = connect(newFile());
  const storage = await SqliteStorage.open({ database, synchronous });
  const normal = 1;
  const full = 2;
  for (const sync of [undefined, false, true, false, undefined]) {
    await storage.write([{ put: "a", value }], { sync });
    const expected = sync === false && synchronous === "NORMAL" ? normal : full;
    expect(database.prepare("PRAGMA synchronous").get()).toMatchObject({ synchronous: expected });
  }
  await storage.close();
  database.close();
});

test("SQLite: an open database that was passed stays open, a class is used", async () => {
  const database = connect(newFile());
  const storage = await SqliteStorage.open({ database });
  expect(database.prepare("PRAGMA journal_mode").get()).toMatchObject({ journal_mode: "wal" });
  await storage.close();
  expect(database.prepare("SELECT 1 AS one").get()).toMatchObject({ one: 1 });
  database.close();
  const own = await SqliteStorage.open({ path: newFile(), database: Database as never });
  await own.write([{ put: "a", value }]);
  expect((await own.get("a"))!.value).toEqual(value);
  await own.close();
});
