import { errorCodes, type ErrorCode } from "../errors.js";
import { faultCode } from "./faults.js";
import { native, octetsOf } from "./addon.js";

/** A histogram of a sample of the operations: one in 64 is timed. */
export interface LatencyHistogram {
  /** Upper bounds of the buckets, inclusive, in nanoseconds. */
  readonly boundsNs: readonly number[];
  /** Operations per bucket, not cumulative; the last one, beyond the bounds, has one bucket more than there are bounds. */
  readonly counts: readonly number[];
  /** The sum of the times, in nanoseconds. */
  readonly sumNs: number;
  /** The number of operations timed. */
  readonly count: number;
}

export interface OperationMetrics {
  /** Operations that succeeded. */
  readonly operations: number;
  /** Octets of plaintext. */
  readonly bytes: number;
  readonly latency: LatencyHistogram;
}

/** What a Context counted since it was created, all of its threads together. Read from native atomics; the counters never decrease. */
export interface ContextMetrics {
  readonly name: string | undefined;
  readonly closed: boolean;
  readonly sealed: OperationMetrics;
  readonly opened: OperationMetrics;
  /** Refused operations, by the code of the error. */
  readonly failures: Readonly<Record<ErrorCode, number>>;
  /** Frames refused because they were seen before; part of `failures.invalid`. */
  readonly replays: number;
  readonly epoch: number;
  readonly epochAgeMs: number;
  readonly nextRotationMs: number;
  readonly uptimeMs: number;
  readonly rotations: number;
  readonly expiredEpochs: number;
  /** Epochs of which frames can still be opened, the current one included. */
  readonly retainedEpochs: number;
  /** Steps of which frames can still be opened, and the nodes of the ratchet trees that stand for them and for later ones. */
  readonly retainedSteps: number;
  readonly retainedNodes: number;
  /** Octets of the ratchet trees. */
  readonly stateBytes: number;
  /** Threads that hold this Context. */
  readonly threads: number;
  /** Of the whole process: memory for secrets that is locked, that could not be, and that is in use. */
  readonly lockedBytes: number;
  readonly unlockedBytes: number;
  readonly secretBytesInUse: number;
}

const firstBoundBits = 7;
const bounds = Array.from({ length: 20 }, (_, i) => 2 ** (firstBoundBits + i));
const statusLength = 15;
const operationLength = 3 + bounds.length + 1;
const faults = 15;
const replayed = 10;

// Read at once and never kept, so that one will do for the thread.
const numbers = new Float64Array(statusLength + 2 * operationLength + faults);
const octets = octetsOf(numbers);

/** The metrics of a native key ring, or minus the fault. */
export function readMetrics(handle: number, name: string | undefined): ContextMetrics | number {
  const answer = native.contextMetrics(handle, octets);
  if (answer < 0) return answer;
  const failures = Object.fromEntries(errorCodes.map((code) => [code, 0])) as Record<ErrorCode, number>;
  const byFault = numbers.subarray(statusLength + 2 * operationLength);
  for (let fault = 1; fault < faults; ++fault) failures[faultCode(fault)] += byFault[fault]!;
  const at = (index: number) => numbers[index]!;
  return {
    name,
    closed: at(0) === 1,
    sealed: operationAt(statusLength),
    opened: operationAt(statusLength + operationLength),
    failures,
    replays: byFault[replayed]!,
    epoch: at(1),
    epochAgeMs: at(2),
    uptimeMs: at(3),
    nextRotationMs: at(4),
    rotations: at(5),
    expiredEpochs: at(6),
    retainedEpochs: at(7),
    retainedNodes: at(8),
    retainedSteps: at(9),
    stateBytes: at(10),
    threads: at(11),
    lockedBytes: at(12),
    unlockedBytes: at(13),
    secretBytesInUse: at(14),
  };
}

function operationAt(start: number): OperationMetrics {
  const counts = [...numbers.subarray(start + 3, start + operationLength)];
  return {
    operations: numbers[start]!,
    bytes: numbers[start + 1]!,
    latency: { boundsNs: bounds, counts, sumNs: numbers[start + 2]!, count: counts.reduce((sum, n) => sum + n, 0) },
  };
}
