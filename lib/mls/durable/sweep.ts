import { storageLimits, type Storage, type StoredRecord, type WriteStep } from "../../storage/port.js";
import { mostSteps } from "./early-writes.js";
import { eachPage } from "./pages.js";

/**
 * Deletes all records of a set that is over.
 * @param condition a step that is done with each write
 * @throws TinyMlsError `conflict` where it does not hold, or another process sweeps the same records
 */
export async function sweep(storage: Storage, prefix: string, condition: WriteStep): Promise<void> {
  const limit = Math.min(storageLimits.page, mostSteps);
  const erase = async (records: readonly StoredRecord[]): Promise<void> => {
    const deletes = records.map(({ key, revision }) => ({ delete: key, revision }));
    if (deletes.length > 0) await storage.write([condition, ...deletes]);
  };
  await eachPage(storage, prefix, erase, limit);
}
