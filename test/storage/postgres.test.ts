import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { PostgresStorage } from "tinymls/storage/postgres";
import { migrate, migrations } from "#dist/storage/postgres/schema.js";
import { conformance } from "./conformance.js";
import { contents, faultOf, until } from "./observe.js";
import { installed, PostgresServer, serverCommand } from "./postgres-server.js";
import { processes, type SharedStore } from "./processes.js";

const value = Buffer.from("v");
let server: PostgresServer;
let admin: pg.Pool;
let schemas = 0;

const newPool = () => {
  const pool = new pg.Pool({ ...server.address, max: 4 });
  pool.on("error", () => undefined);
  return pool;
};

function create(): Promise<SharedStore> {
  const schema = `s${++schemas}`;
  const opened: { storage: PostgresStorage; pool: pg.Pool }[] = [];
  const { host, user, database } = server.address;
  const connectionString = `postgres://${user}@/${database}?host=${encodeURIComponent(host)}`;
  return Promise.resolve({
    address: { adapter: "postgres", at: JSON.stringify({ connectionString, schema }) },
    open: async () => {
      const pool = newPool();
      const storage = await PostgresStorage.open({ pool, schema });
      opened.push({ storage, pool });
      return storage;
    },
    remove: async () => {
      for (const { storage, pool } of opened) await storage.close().then(() => pool.end());
      await admin.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    },
  });
}

function faults(): void {
  describe("PostgreSQL: faults", () => {
    test("a newer schema is refused, untouched", async () => {
      const storage = await PostgresStorage.open({ pool: admin, schema: "newer" });
      await storage.write([{ put: "a", value }]);
      await admin.query("UPDATE newer.version SET version = 2");
      expect(await faultOf(PostgresStorage.open({ pool: admin, schema: "newer" }))).toMatchObject({
        code: "storage",
        retryable: false,
      });
      expect((await admin.query("SELECT version FROM newer.version")).rows).toEqual([{ version: 2 }]);
      expect((await storage.get("a"))!.value).toEqual(value);
      await storage.close();
    });

    test("a schema migrates forward, what it holds stays; a step that fails leaves all as it was", async () => {
      const storage = await PostgresStorage.open({ pool: admin, schema: "older" });
      await storage.write([{ put: "a", value }]);
      const before = await contents(storage);
      const client = await admin.connect();
      const version = async () => (await client.query("SELECT version FROM older.version")).rows;
      const twice = (schema: string) => `CREATE TABLE ${schema}.more (x int); CREATE TABLE ${schema}.more (x int)`;
      await expect(migrate(client, "older", [...migrations, twice])).rejects.toThrow();
      expect(await version()).toEqual([{ version: migrations.length }]);
      await migrate(client, "older", [...migrations, (schema) => `CREATE TABLE ${schema}.more (x int)`]);
      expect(await version()).toEqual([{ version: migrations.length + 1 }]);
      expect(await contents(storage)).toEqual(before);
      client.release();
      await storage.close();
    });

    test("many that open a new schema at once make it once", async () => {
      const pools = Array.from({ length: 4 }, newPool);
      const opened = await Promise.all(pools.map((pool) => PostgresStorage.open({ pool, schema: "together" })));
      await opened[0]!.write([{ put: "a", value }]);
      for (const storage of opened) expect((await storage.get("a"))!.value).toEqual(value);
      await Promise.all(opened.map((storage) => storage.close()));
      await Promise.all(pools.map((pool) => pool.end()));
    });

    test("a database that may not be written: `storage`, reads go on", async () => {
      const pool = new pg.Pool({ ...server.address, options: "-c default_transaction_read_only=on" });
      const writer = await PostgresStorage.open({ pool: admin, schema: "readonly" });
      await writer.write([{ put: "a", value }]);
      const reader = await PostgresStorage.open({ pool, schema: "readonly" });
      const before = await contents(reader);
      expect(await faultOf(reader.write([{ delete: "a" }]))).toMatchObject({ code: "storage" });
      expect(await contents(reader)).toEqual(before);
      await Promise.all([reader.close(), writer.close()]);
      await pool.end();
    });

    test("the server fails: `storage`, to be tried again; nothing acknowledged is lost, watches hear again", async () => {
      const pool = newPool();
      const storage = await PostgresStorage.open({ pool, schema: "failing" });
      const heard: (readonly string[] | undefined)[] = [];
      await storage.watch("a", (keys) => heard.push(keys));
      await storage.write([{ put: "a", value }]);
      const before = await contents(storage);
      await server.stop("SIGQUIT");
      expect(await faultOf(storage.get("a"))).toMatchObject({ code: "storage", retryable: true });
      expect(await faultOf(storage.write([{ delete: "a" }]))).toMatchObject({ code: "storage", retryable: true });
      expect(await faultOf(PostgresStorage.open({ pool }))).toMatchObject({ code: "storage", retryable: true });
      await server.start();
      expect(await contents(storage)).toEqual(before);
      await until(() => heard.includes(undefined), 10_000);
      heard.length = 0;
      await storage.write([{ put: "a1", value }]);
      await until(() => heard.some((keys) => keys?.includes("a1")));
      await storage.close();
      await pool.end();
    }, 60_000);

    test("more keys than a notification can name: the watch is told to look", async () => {
      const storage = await PostgresStorage.open({ pool: admin, schema: "many" });
      const heard: (readonly string[] | undefined)[] = [];
      await storage.watch("k", (keys) => heard.push(keys));
      await storage.write(Array.from({ length: 100 }, (_, index) => ({ put: "k".repeat(200) + index, value })));
      await until(() => heard.length > 0);
      expect(heard).toEqual([undefined]);
      await storage.close();
    });

    test("options that make no sense", async () => {
      for (const options of [{ schema: "a-b" }, { schema: "" }, { schema: "A" }, { maxConnections: 1 }]) {
        expect(await faultOf(PostgresStorage.open(options))).toMatchObject({ code: "usage" });
      }
    });
  });
}

if (installed) {
  beforeAll(async () => {
    server = new PostgresServer();
    await server.start();
    admin = newPool();
  }, 60_000);
  afterAll(async () => {
    await admin.end();
    await server.remove();
  }, 60_000);
  conformance("PostgreSQL", create);
  processes("PostgreSQL", create);
  faults();
} else {
  test.skip(`PostgreSQL: no server, install it with ${serverCommand}`, () => undefined);
}
