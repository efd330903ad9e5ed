import { storageLimits, type Storage, type StoredRecord } from "../../storage/port.js";

/** All records whose keys begin with a prefix, a page at a time. */
export async function* pages(
  storage: Storage,
  prefix: string,
  limit: number = storageLimits.page,
): AsyncGenerator<readonly StoredRecord[]> {
  let after: string | undefined;
  do {
    const page = await storage.list(prefix, { limit, ...(after && { after }) });
    yield page.records;
    after = page.next;
  } while (after !== undefined);
}
