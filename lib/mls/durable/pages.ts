import { storageLimits, type Storage, type StoredRecord } from "../../storage/port.js";

/** Reads all records whose keys begin with a prefix, a page at a time. */
export async function eachPage(
  storage: Storage,
  prefix: string,
  use: (records: readonly StoredRecord[]) => void | Promise<void>,
  limit: number = storageLimits.page,
): Promise<void> {
  let after: string | undefined;
  do {
    const page = await storage.list(prefix, after === undefined ? { limit } : { limit, after });
    await use(page.records);
    after = page.next;
  } while (after !== undefined);
}
