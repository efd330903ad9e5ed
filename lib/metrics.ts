/** `tinymls/metrics`: Contexts and Clients in a prom-client registry. */
export {
  registerMetrics,
  type MeteredClient,
  type MetricsOptions,
  type MetricsRegistry,
  type RegisteredMetrics,
} from "./observability/prometheus/index.js";
export { metricNames } from "./observability/prometheus/families.js";
export type { ClientMetrics } from "./mls/client-metrics.js";
export type { ReceivedKind } from "./mls/group/counters.js";
export { TinyMlsError, type ErrorCode } from "./errors.js";
