import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryStorage, type Storage } from "tinymls";
import { SqliteStorage } from "tinymls/storage/sqlite";

/** A storage that can be opened again, as by another process. */
export interface Place {
  open(): Promise<Storage>;
  remove(): void;
}

export function memoryPlace(): Place {
  const storage = new MemoryStorage();
  return { open: () => Promise.resolve(storage), remove: () => undefined };
}

export function sqlitePlace(): Place & { readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), "tinymls-durable-"));
  return {
    folder,
    open: () => SqliteStorage.open(join(folder, "state.db")),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export const storageKey = { key: Buffer.alloc(32, 7) };
