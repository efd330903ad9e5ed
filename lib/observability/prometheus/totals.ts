import type { Family, GaugeFamily, Histogram, Sample } from "./families.js";

type Labels = Record<string, string>;

interface Cell {
  readonly labels: Labels;
  value: number;
  histogram?: Histogram;
}

/** The values of one kind of source, put together by the name of the source and the labels of each family. */
export class Totals<S> {
  readonly #families: readonly Family<S>[];
  readonly #label: string;
  readonly #cells = new Map<string, Map<string, Cell>>();

  constructor(families: readonly Family<S>[], label: string) {
    this.#families = families;
    this.#label = label;
    for (const { name } of families) this.#cells.set(name, new Map());
  }

  /** @param lasting what stays when the source is gone: counters and histograms alone */
  add(source: string, metrics: S, lasting = false): void {
    for (const family of this.#families) {
      if (lasting && family.type === "gauge") continue;
      for (const [labels, value] of family.read(metrics)) {
        const cell = this.#cell(family, { [this.#label]: source, ...labels });
        if (typeof value !== "number") merge((cell.histogram ??= empty(value.boundsNs)), value.counts, value.sumNs);
        else cell.value = family.type === "gauge" ? merged(family, cell.value, value) : cell.value + value;
      }
    }
  }

  addAll(other: Totals<S>): void {
    for (const family of this.#families) {
      for (const { labels, value, histogram } of other.#cells.get(family.name)!.values()) {
        const cell = this.#cell(family, labels);
        cell.value += value;
        if (histogram) merge((cell.histogram ??= empty(histogram.bounds)), histogram.counts, histogram.sum);
      }
    }
  }

  samples(family: string): Sample[] {
    return [...this.#cells.get(family)!.values()].flatMap(({ labels, value, histogram }) =>
      histogram === undefined ? [{ labels, value }] : histogramSamples(family, labels, histogram),
    );
  }

  #cell(family: Family<S>, labels: Labels): Cell {
    const cells = this.#cells.get(family.name)!;
    const key = Object.values(labels).join("\0");
    let cell = cells.get(key);
    if (cell === undefined) {
      const value = family.type === "gauge" && family.merge !== "sum" ? NaN : 0;
      cells.set(key, (cell = { labels, value }));
    }
    return cell;
  }
}

function merged({ merge }: GaugeFamily<never>, before: number, value: number): number {
  if (merge === "sum") return before + value;
  if (Number.isNaN(before)) return value;
  return merge === "max" ? Math.max(before, value) : Math.min(before, value);
}

function empty(bounds: readonly number[]): Histogram {
  return { bounds, counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 };
}

function merge(into: Histogram, counts: readonly number[], sum: number): void {
  counts.forEach((count, i) => (into.counts[i]! += count));
  into.sum += sum;
}

/** Prometheus counts what is at most the bound, in seconds. */
function histogramSamples(name: string, labels: Labels, { bounds, counts, sum }: Histogram): Sample[] {
  let below = 0;
  const buckets = bounds.map((bound, i): Sample => {
    below += counts[i]!;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bound / 1e9 }, value: below };
  });
  const all = below + counts[bounds.length]!;
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: all },
    { metricName: `${name}_sum`, labels, value: sum / 1e9 },
    { metricName: `${name}_count`, labels, value: all },
  ];
}
