// The storages that are measured: each in a folder of its own that goes with the process.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryStorage } from "tinymls";
import { SqliteStorage } from "tinymls/storage/sqlite";
import { postgres } from "./postgres.mjs";

export const storageKey = { key: Buffer.alloc(32, 7) };

/**
 * @typedef {object} Store
 * @property {string} name
 * @property {() => Promise<import("tinymls").Storage>} open a new storage with nothing in it
 */

const folder = mkdtempSync(join(tmpdir(), "tinymls-bench-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const file = () => join(folder, `${++files}.db`);

/** @returns {Promise<Store[]>} those that this machine has */
export async function stores() {
  const server = await postgres();
  return [
    { name: "MemoryStorage", open: async () => new MemoryStorage() },
    { name: "SQLite", open: () => SqliteStorage.open(file()) },
    { name: "SQLite, synchronous FULL", open: () => SqliteStorage.open({ path: file(), synchronous: "FULL" }) },
    ...(server === undefined ? [] : [{ name: "PostgreSQL", open: () => server.open() }]),
  ];
}

/** A storage that adds up what is written to it: names, values and entries. */
export function counting(storage) {
  const counted = {
    octets: 0,
    writes: 0,
    get: (key) => storage.get(key),
    list: (prefix, options) => storage.list(prefix, options),
    read: (log, from, limit) => storage.read(log, from, limit),
    watch: (prefix, listener) => storage.watch(prefix, listener),
    close: () => storage.close(),
    write(steps, options) {
      ++counted.writes;
      for (const { put, append, value, entries = [] } of steps) {
        counted.octets += (put ?? append ?? "").length + (value?.byteLength ?? 0);
        for (const entry of entries) counted.octets += entry.byteLength;
      }
      return storage.write(steps, options);
    },
  };
  return counted;
}
