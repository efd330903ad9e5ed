/** Argon2id as it is written, and what is accepted from what is stored: a forged one must not take all memory or days. */
export interface Argon2Costs {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
}

/** 64 MiB, three passes: the second recommended option of RFC 9106 §4, with one lane. */
export const costs: Argon2Costs = { memoryKiB: 64 * 1024, passes: 3, lanes: 1 };

export function costsAcceptable({ memoryKiB, passes, lanes }: Argon2Costs): boolean {
  return lanes >= 1 && lanes <= 16 && passes >= 1 && passes <= 16 && memoryKiB >= 8 * lanes && memoryKiB <= 1024 * 1024;
}
