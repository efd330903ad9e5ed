import { MemoryStorage } from "tinymls";
import { conformance } from "./conformance.js";

conformance("memory", () => {
  const storage = new MemoryStorage();
  return Promise.resolve({ open: () => Promise.resolve(storage), remove: () => storage.close() });
});
