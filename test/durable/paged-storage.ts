import type { ListOptions, RecordPage } from "tinymls";
import { FaultyStorage } from "./faulty-storage.js";

/** A storage that reads in small pages, counts what is asked of it, and lets a test act before the next page. */
export class PagedStorage extends FaultyStorage {
  /** Of each call since it was last emptied. */
  calls: string[] = [];
  /** What happens before the second page of the next list. */
  beforeNextPage: (() => Promise<void>) | undefined;
  pageLength = 1000;
  #page = 0;

  override async get(...call: Parameters<FaultyStorage["get"]>): ReturnType<FaultyStorage["get"]> {
    this.calls.push("get");
    return super.get(...call);
  }

  override async read(...call: Parameters<FaultyStorage["read"]>): ReturnType<FaultyStorage["read"]> {
    this.calls.push("read");
    return super.read(...call);
  }

  override async write(...call: Parameters<FaultyStorage["write"]>): Promise<number> {
    this.calls.push("write");
    return super.write(...call);
  }

  override async list(prefix: string, options: ListOptions = {}): Promise<RecordPage> {
    this.calls.push("list");
    this.#page = options.after === undefined ? 1 : this.#page + 1;
    if (this.#page === 2) {
      const act = this.beforeNextPage;
      this.beforeNextPage = undefined;
      await act?.();
    }
    return super.list(prefix, { ...options, limit: Math.min(options.limit ?? this.pageLength, this.pageLength) });
  }
}
