import { errorCodes } from "../../errors.js";
import type { ContextMetrics, LatencyHistogram } from "../../context/index.js";
import type { ClientMetrics } from "../../mls/client-metrics.js";
import { receivedKinds } from "../../mls/group/counters.js";

/** One time series of a scrape. */
export interface Sample {
  readonly metricName?: string;
  readonly labels: Record<string, string | number>;
  readonly value: number;
}

export interface Histogram {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum: number;
}

/** What a family reads of one source: its labels beside the name of the source, and the value. */
type Reading<S, V> = (metrics: S) => Iterable<readonly [labels: Record<string, string>, value: V]>;

interface Common<S, V> {
  readonly name: string;
  readonly help: string;
  readonly read: Reading<S, V>;
}

/** Sources of one name are added up, also those that are closed. */
export interface CounterFamily<S> extends Common<S, number> {
  readonly type: "counter";
}

/** Sources of one name that are open are put together. */
export interface GaugeFamily<S> extends Common<S, number> {
  readonly type: "gauge";
  readonly merge: "sum" | "max" | "min";
}

export interface HistogramFamily<S> extends Common<S, LatencyHistogram> {
  readonly type: "histogram";
}

export type Family<S> = CounterFamily<S> | GaugeFamily<S> | HistogramFamily<S>;

const prefix = "tinymls_";

function counter<S>(name: string, help: string, read: Reading<S, number>): CounterFamily<S> {
  return { type: "counter", name: `${prefix}${name}`, help, read };
}

function gauge<S>(
  name: string,
  help: string,
  read: (metrics: S) => number,
  merge: GaugeFamily<S>["merge"] = "sum",
): GaugeFamily<S> {
  return { type: "gauge", name: `${prefix}${name}`, help, merge, read: (metrics) => [[{}, read(metrics)]] };
}

const none = {};

export const contextFamilies: readonly Family<ContextMetrics>[] = [
  counter("context_operations_total", "Frames sealed and opened.", ({ sealed, opened }) => [
    [{ operation: "seal" }, sealed.operations],
    [{ operation: "open" }, opened.operations],
  ]),
  counter("context_bytes_total", "Octets of plaintext sealed and opened.", ({ sealed, opened }) => [
    [{ operation: "seal" }, sealed.bytes],
    [{ operation: "open" }, opened.bytes],
  ]),
  counter("context_failures_total", "Operations refused, by the code of the error.", ({ failures }) =>
    errorCodes.map((code) => [{ code }, failures[code]] as const),
  ),
  counter("context_replays_total", "Frames refused because they were seen before.", ({ replays }) => [[none, replays]]),
  counter("context_rotations_total", "Epochs begun after the first.", ({ rotations }) => [[none, rotations]]),
  counter("context_expired_epochs_total", "Epochs whose keys were erased.", ({ expiredEpochs }) => [
    [none, expiredEpochs],
  ]),
  {
    type: "histogram",
    name: `${prefix}context_operation_duration_seconds`,
    help: "Time of a sample of the operations (one in 64), measured natively.",
    read: ({ sealed, opened }) => [
      [{ operation: "seal" }, sealed.latency],
      [{ operation: "open" }, opened.latency],
    ],
  },
  gauge("context_open", "Contexts that are open.", () => 1),
  gauge("context_epoch_age_seconds", "Age of the current epoch; the oldest.", (m) => m.epochAgeMs / 1000, "max"),
  gauge(
    "context_next_rotation_seconds",
    "Time until the epoch is replaced; the longest. Below zero: it is overdue.",
    (m) => m.nextRotationMs / 1000,
    "max",
  ),
  gauge("context_retained_epochs", "Epochs of which frames can be opened.", (m) => m.retainedEpochs),
  gauge("context_retained_steps", "Ratchet steps of which frames can be opened.", (m) => m.retainedSteps),
  gauge("context_state_bytes", "Octets of the ratchet trees.", (m) => m.stateBytes),
];

export const clientFamilies: readonly Family<ClientMetrics>[] = [
  counter("client_received_total", "MLS messages received, by what became of them.", ({ received }) =>
    receivedKinds.map((kind) => [{ kind }, received[kind]] as const),
  ),
  counter("client_rejected_total", "MLS messages rejected, by the code of the error.", ({ rejected }) =>
    errorCodes.map((code) => [{ code }, rejected[code] ?? 0] as const),
  ),
  counter("client_sent_total", "MLS messages made.", ({ sent }) => [[none, sent]]),
  counter("client_epochs_total", "Commits merged.", ({ epochs }) => [[none, epochs]]),
  gauge("client_open", "Clients that are open.", () => 1),
  gauge("client_groups", "Groups that are open.", ({ groups }) => groups),
  gauge("client_pending_commits", "Commits neither confirmed nor discarded.", (m) => m.pendingCommits),
];

export interface ProcessMemory {
  readonly lockedBytes: number;
  readonly unlockedBytes: number;
  readonly inUseBytes: number;
}

export const processFamilies: readonly Family<ProcessMemory>[] = [
  gauge("locked_memory_bytes", "Memory for secrets that is locked, of the process.", (m) => m.lockedBytes),
  gauge("unlocked_memory_bytes", "Memory for secrets that could not be locked.", (m) => m.unlockedBytes),
  gauge("secret_memory_in_use_bytes", "Memory that secrets take.", (m) => m.inUseBytes),
];

/** Every name that is exported, the parts of histograms included: what alerts and dashboards can be written with. */
export const metricNames: readonly string[] = [...contextFamilies, ...clientFamilies, ...processFamilies].flatMap(
  ({ type, name }) => (type === "histogram" ? ["_bucket", "_sum", "_count"].map((part) => name + part) : [name]),
);
