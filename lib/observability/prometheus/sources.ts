import type { Family } from "./families.js";
import { Totals } from "./totals.js";

/** What can be registered. */
export interface Metered<S> {
  metrics(): S;
}

interface Entry<S> {
  readonly source: WeakRef<Metered<S>>;
  readonly label: string;
  last: S;
}

/** A name for the sources that have none, and one for those beyond the limit of names. */
export const unnamed = "unnamed";
export const others = "other";

/**
 * The sources of one kind. They are held weakly; when one is closed or collected, what it counted stays in the sums of its name, so
 * that counters never decrease.
 */
export class Sources<S extends { readonly name: string | undefined; readonly closed: boolean }> {
  readonly #families: readonly Family<S>[];
  readonly #label: string;
  readonly #maxNames: number;
  readonly #names = new Set<string>();
  readonly #entries = new Map<object, Entry<S>>();
  readonly #keys = new WeakMap<Metered<S>, object>();
  readonly #gone: Totals<S>;

  constructor(families: readonly Family<S>[], label: string, maxNames: number) {
    this.#families = families;
    this.#label = label;
    this.#maxNames = maxNames;
    this.#gone = new Totals(families, label);
  }

  add(source: Metered<S>): void {
    if (this.#keys.has(source)) return;
    const last = source.metrics();
    const key = {};
    this.#keys.set(source, key);
    this.#entries.set(key, { source: new WeakRef(source), label: this.#labelOf(last.name), last });
  }

  /** Stops reading it; what it counted stays. */
  remove(source: Metered<S>): void {
    const key = this.#keys.get(source);
    const entry = key && this.#entries.get(key);
    if (!entry) return;
    entry.last = source.metrics();
    this.#retire(key, entry);
    this.#keys.delete(source);
  }

  /** Reads all sources now. */
  totals(): Totals<S> {
    const totals = new Totals(this.#families, this.#label);
    for (const [key, entry] of this.#entries) {
      const source = entry.source.deref();
      if (source !== undefined) entry.last = source.metrics();
      if (source === undefined || entry.last.closed) this.#retire(key, entry);
      else totals.add(entry.label, entry.last);
    }
    totals.addAll(this.#gone);
    return totals;
  }

  #retire(key: object, { label, last }: Entry<S>): void {
    this.#gone.add(label, last, true);
    this.#entries.delete(key);
  }

  // Each name is a time series: there must not be one for each session of a server.
  #labelOf(name = unnamed): string {
    if (this.#names.has(name)) return name;
    if (this.#names.size >= this.#maxNames) return others;
    this.#names.add(name);
    return name;
  }
}
