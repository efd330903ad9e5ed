import { isUint8Array } from "node:util/types";
import { addon, type Bytes } from "../native/addon.js";

interface ContextCalls {
  contextCreate(
    suite: number,
    ratchet: number,
    fips: number,
    peers: number,
    ratchetPeriod: number,
    stateLifetime: number,
    minKeyRotation: number,
    maxKeyAge: number,
    maxOperations: number,
    maxEpochSkip: number,
    maxStepAhead: number,
    replayWindow: number,
    timingJitterMicros: number,
    secret: number | undefined,
    firstEpoch?: number,
    firstAge?: number,
  ): number;
  contextAdopt(context: number, epoch: number, secret: number, age: number, delay: number, reason: number): number;
  contextSeal: (context: number, plaintext: Bytes, out: Bytes, aad?: Bytes) => number;
  contextOpen: (context: number, frame: Bytes, out: Bytes, aad?: Bytes) => number;
  contextBatch(context: number, ...arrays: BatchArrays): number;
  contextProcess(context: number, ...arrays: BatchArrays): Promise<number> | number;
  contextShare(context: number, out: Bytes): number;
  contextAttach(token: Bytes): number;
  contextRotate(context: number, entropy: number | undefined): number;
  contextStir(context: number, entropy: number): number;
  contextCollect(context: number): number;
  contextClose(context: number): number;
  contextEpoch(context: number): number;
  contextClosed(context: number): number;
  contextMetrics(context: number, out: Bytes): number;
  contextEvents(context: number, out: Bytes): number;
}

/** Kinds, lengths, joined input, room for the joined output, answers: native/bind/keyring_batch.cc. */
export type BatchArrays = [kinds: Bytes, lengths: Bytes, input: Bytes, output: Bytes, answers: Bytes];

export const native = addon<ContextCalls>();

/** What the addon adds to the octets written when there are events to fetch. */
export const news = 2 ** 40;

/** The faults that are known without asking the addon: native/core/fault.h. */
export const [usageFault, closedFault] = [-2, -8];

/** The octets of an array of numbers, in native byte order. */
export function octetsOf(numbers: Float64Array | Uint32Array): Bytes {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

// The addon has so many functions that to look one up takes as long as half a call.
const { contextSeal, contextOpen } = native;

/** One frame. That `input` and `out` are Uint8Arrays is asked here, where it costs less than in the addon. */
type Frame = (context: number, input: Bytes, out: Bytes, aad: Bytes | undefined) => number;

export const sealFrame: Frame = (context, plaintext, out, aad) => {
  if (!isUint8Array(plaintext) || !isUint8Array(out)) return usageFault;
  // Telling the addon of an argument that is not there costs it more than not to pass one.
  return aad === undefined ? contextSeal(context, plaintext, out) : contextSeal(context, plaintext, out, aad);
};

export const openFrame: Frame = (context, frame, out, aad) => {
  if (!isUint8Array(frame) || !isUint8Array(out)) return usageFault;
  return aad === undefined ? contextOpen(context, frame, out) : contextOpen(context, frame, out, aad);
};
