import { storageLimits, type Storage, type StoredRecord } from "../../storage/port.js";
import { mostSteps } from "./early-writes.js";
import { versionOf } from "./stored-record.js";

/**
 * Deletes what an erasure that took more than one write has left of a set of records. Those of a set that is made anew under the same
 * prefix have later versions.
 *
 * @throws TinyMlsError `conflict` where another process sweeps or writes the same records
 */
export async function sweep(storage: Storage, prefix: string, version: number): Promise<void> {
  const limit = Math.min(storageLimits.page, mostSteps);
  const isLeft = (record: StoredRecord): boolean => record.key !== `${prefix}lease` && isUpTo(record, version);
  let after: string | undefined;
  do {
    const page = await storage.list(prefix, { limit, ...(after && { after }) });
    const deletes = page.records.filter(isLeft).map(({ key, revision }) => ({ delete: key, revision }));
    if (deletes.length > 0) await storage.write(deletes);
    after = page.next;
  } while (after !== undefined);
}

/** Whether a record is of such a version. What is no record of a set is of no use to anyone. */
function isUpTo(record: StoredRecord, version: number): boolean {
  try {
    return versionOf(record) <= version;
  } catch {
    return true;
  }
}
