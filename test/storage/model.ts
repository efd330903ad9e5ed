import type { LogPage, StoredRecord, WriteStep } from "tinymls";
import type { Choice } from "./conformance.js";

interface State {
  records: Record<string, { value: Buffer; revision: number }>;
  logs: Record<string, { first: number; entries: Buffer[] }>; // with those that were truncated
}

const pending = -1;

/** A storage as one would write it without a thought for speed: a write is done on a copy, which is kept if all went well. */
export class Model {
  #state: State = { records: {}, logs: {} };

  /** Steps out of random choices, the guards as what is there now makes them right or wrong. */
  steps(choices: readonly Choice[]): WriteStep[] {
    const named = new Set<string>();
    return choices.flatMap(({ kind, name, value, guard }): WriteStep[] => {
      const onLog = kind === "append" || kind === "truncate";
      const slot = `${onLog ? kind : "record"} ${name}`;
      if (named.has(slot)) return [];
      named.add(slot);
      const log = this.#state.logs[name] ?? { first: 0, entries: [] };
      const right = kind === "append" ? log.entries.length : (this.#state.records[name]?.revision ?? 0);
      const expected = guard === "right" ? right : right + 1;
      const revision = guard === "none" ? {} : { revision: expected };
      if (kind === "put") return [{ put: name, value, ...revision }];
      if (kind === "delete") return [{ delete: name, ...revision }];
      if (kind === "check") return [{ check: name, revision: expected }];
      if (kind === "truncate")
        return [{ truncate: name, before: guard === "wrong" ? 1000 : Math.min(value.length, log.entries.length) }];
      return [{ append: name, entries: [value, value], ...(guard === "none" ? {} : { position: expected }) }];
    });
  }

  /** @returns the names that conflict, if any */
  write(steps: readonly WriteStep[]): string[] | undefined {
    const next = copyOf(this.#state);
    const conflicts: string[] = [];
    // An append comes before the truncate of its log.
    for (const step of [...steps].sort((a, b) => Number("truncate" in a) - Number("truncate" in b))) {
      if ("append" in step) {
        const log = (next.logs[step.append] ??= { first: 0, entries: [] });
        if (step.position !== undefined && step.position !== log.entries.length) conflicts.push(step.append);
        log.entries.push(...step.entries.map((entry) => Buffer.from(entry)));
      } else if ("truncate" in step) {
        const log = (next.logs[step.truncate] ??= { first: 0, entries: [] });
        if (step.before > log.entries.length) conflicts.push(step.truncate);
        log.first = Math.max(log.first, step.before);
      } else {
        const key = "put" in step ? step.put : "delete" in step ? step.delete : step.check;
        if (step.revision !== undefined && step.revision !== (next.records[key]?.revision ?? 0)) conflicts.push(key);
        if ("put" in step) next.records[key] = { value: Buffer.from(step.value), revision: pending };
        if ("delete" in step) delete next.records[key];
      }
    }
    if (conflicts.length > 0) return conflicts;
    this.#state = next;
    return undefined;
  }

  /** The revision that the storage gave to the last write. */
  learn(revision: number): undefined {
    for (const record of Object.values(this.#state.records)) {
      if (record.revision >= revision) throw new Error(`revision ${revision} comes after ${record.revision}`);
      if (record.revision === pending) record.revision = revision;
    }
    return undefined;
  }

  contents(logs: readonly string[]): { records: StoredRecord[]; logs: LogPage[] } {
    const keys = Object.keys(this.#state.records).sort();
    return {
      records: keys.map((key) => ({ key, ...this.#state.records[key]! })),
      logs: logs.map((name) => {
        const { first, entries } = this.#state.logs[name] ?? { first: 0, entries: [] };
        const kept = entries.map((value, position) => ({ position, value })).slice(first);
        return { entries: kept, first, end: entries.length };
      }),
    };
  }
}

function copyOf({ records, logs }: State): State {
  const copy: State = { records: {}, logs: {} };
  for (const [key, record] of Object.entries(records)) copy.records[key] = { ...record };
  for (const [name, { first, entries }] of Object.entries(logs)) copy.logs[name] = { first, entries: [...entries] };
  return copy;
}
