import { Context, type ContextMetrics } from "../../context/index.js";
import { TinyMlsError } from "../../errors.js";
import { capabilities } from "../../native/capabilities.js";
import type { ClientMetrics } from "../../mls/client-metrics.js";
import { clientFamilies, contextFamilies, processFamilies, type Family, type Sample } from "./families.js";
import { Sources, type Metered } from "./sources.js";
import type { Totals } from "./totals.js";

/** A registry of prom-client, or what works like one. */
export interface MetricsRegistry {
  /** As prom-client names it. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- prom-client's own type knows its classes alone
  registerMetric(metric: any): void;
  /** As prom-client names it. */
  removeSingleMetric(name: string): void;
}

/** A Client, or another object that counts what an MLS client does. */
export type MeteredClient = Metered<ClientMetrics>;

export interface MetricsOptions {
  registry: MetricsRegistry;
  contexts?: Iterable<Context>;
  clients?: Iterable<MeteredClient>;
  /** Different names of Contexts, and of Clients, that become labels; what is beyond is counted as `other`. Default 100. */
  maxNames?: number;
}

export interface RegisteredMetrics {
  /** Reads this Context or Client, too, from the next scrape on. Adding it twice is adding it once. */
  add(source: Context | MeteredClient): void;
  /** Stops reading it. What it counted stays; so it does when it is closed or collected, which needs no call. */
  remove(source: Context | MeteredClient): void;
  /** Takes all metrics out of the registry. */
  unregister(): void;
}

/** A metric in the form in which a registry of prom-client reads one. */
class Collected {
  readonly help: string;
  readonly type: string;
  /** How the values of the processes of a cluster are put together. */
  readonly aggregator: string;
  readonly #read: () => Sample[];
  /** The registry renames counters for OpenMetrics. */
  name: string;

  constructor(family: Family<never>, read: (name: string) => Sample[]) {
    const { name, help, type } = family;
    this.aggregator = family.type === "gauge" ? family.merge : "sum";
    this.name = name;
    this.help = help;
    this.type = type;
    this.#read = () => read(name);
  }

  get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    return Promise.resolve({ name, help, type, aggregator, values: this.#read() });
  }

  /** What is counted natively cannot be set back. */
  reset(): void {}
}

/** What one scrape reads: all of its metrics are of one moment. */
interface Scrape {
  readonly contexts: Totals<ContextMetrics>;
  readonly clients: Totals<ClientMetrics>;
}

/**
 * Exports Contexts and Clients through a prom-client registry. Values are read from native counters when they are scraped; operations do
 * nothing for it. A Context that threads share is registered in one of them. Metrics carry no key, plaintext or identity, and their number is
 * bounded by `maxNames`.
 *
 * @throws TinyMlsError `usage` for wrong options, `conflict` when the registry has these metrics already: use `add` of the first
 * @see docs/observability.md
 */
export function registerMetrics(options: MetricsOptions): RegisteredMetrics {
  const { registry, contexts = [], clients = [], maxNames = 100 } = options ?? {};
  if (typeof registry?.registerMetric !== "function") throw usage("registry must be a registry of prom-client");
  if (!Number.isInteger(maxNames) || maxNames < 1) throw usage("maxNames must be an integer from 1 on");

  const contextSources = new Sources(contextFamilies, "context", maxNames);
  const clientSources = new Sources(clientFamilies, "client", maxNames);
  const sourcesOf = (source: Context | MeteredClient) => {
    if (typeof source?.metrics !== "function") throw usage("a source must be a Context or a Client");
    return (source instanceof Context ? contextSources : clientSources) as Sources<ContextMetrics | ClientMetrics>;
  };

  // The registry asks for all metrics in one turn.
  let scrape: Scrape | undefined;
  const current = () => {
    if (scrape === undefined) {
      scrape = { contexts: contextSources.totals(), clients: clientSources.totals() };
      queueMicrotask(() => (scrape = undefined));
    }
    return scrape;
  };
  const metrics = [
    ...contextFamilies.map((family) => new Collected(family, (name) => current().contexts.samples(name))),
    ...clientFamilies.map((family) => new Collected(family, (name) => current().clients.samples(name))),
    ...processFamilies.map((family) => new Collected(family, processSamples)),
  ];
  const names = metrics.map(({ name }) => name);

  for (const context of contexts) sourcesOf(context).add(context);
  for (const client of clients) sourcesOf(client).add(client);
  registerAll(registry, metrics);
  return {
    add: (source) => sourcesOf(source).add(source),
    remove: (source) => sourcesOf(source).remove(source),
    unregister: () => names.forEach((name) => registry.removeSingleMetric(name)),
  };
}

/** All or none. */
function registerAll(registry: MetricsRegistry, metrics: readonly Collected[]): void {
  metrics.forEach((metric, index) => {
    try {
      registry.registerMetric(metric);
    } catch (cause) {
      metrics.slice(0, index).forEach(({ name }) => registry.removeSingleMetric(name));
      const details = { operation: "registerMetrics", component: "observability", retryable: false, cause };
      throw new TinyMlsError("conflict", `registerMetrics: ${metric.name} is registered already`, details);
    }
  });
}

function processSamples(name: string): Sample[] {
  const family = processFamilies.find((known) => known.name === name)!;
  const [[labels, value]] = [...family.read(capabilities().memory)] as [[Record<string, string>, number]];
  return [{ labels, value }];
}

function usage(message: string): TinyMlsError {
  return new TinyMlsError("usage", `registerMetrics: ${message}`, {
    operation: "registerMetrics",
    component: "observability",
  });
}
