import { storageLimits, type WriteStep } from "../../storage/port.js";

/** Room for the steps that are not about these records. */
export const mostSteps = storageLimits.steps - 16;
const mostOctets = storageLimits.writeLength - 2 ** 20;
const stepsOfBatch = 256;

/**
 * The chunks that have to be written before the others, in batches, since all would be too much for one write. The rest of them comes after
 * those in the order given.
 */
export function earlyBatches(chunks: readonly WriteStep[], others: readonly WriteStep[]): WriteStep[][] {
  const total = [...chunks, ...others].reduce((sum, step) => sum + lengthOf(step), 0);
  if (chunks.length + others.length <= mostSteps - 64 && total <= mostOctets) return [];
  const batches: WriteStep[][] = [];
  let room = 0;
  for (const step of chunks) {
    if (batches.length === 0 || batches.at(-1)!.length >= stepsOfBatch || room < lengthOf(step)) {
      batches.push([]);
      room = mostOctets / 2;
    }
    batches.at(-1)!.push(step);
    room -= lengthOf(step);
  }
  return batches.slice(0, -1);
}

function lengthOf(step: WriteStep): number {
  return "put" in step ? step.value.byteLength : 0;
}
