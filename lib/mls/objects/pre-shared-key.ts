/** RFC 9420 §8.4. */
import { enumeration, opaque, select, struct, uint16, uint64, uint8, type Infer } from "../../codec/index.js";

export const PSKType = { external: 1, resumption: 2 } as const;
export type PSKType = (typeof PSKType)[keyof typeof PSKType];

export const ResumptionPSKUsage = { application: 1, reinit: 2, branch: 3 } as const;
export type ResumptionPSKUsage = (typeof ResumptionPSKUsage)[keyof typeof ResumptionPSKUsage];

const pskType = enumeration("PSKType", uint8, PSKType);
const usage = enumeration("ResumptionPSKUsage", uint8, ResumptionPSKUsage);

export const PreSharedKeyID = struct(
  "PreSharedKeyID",
  select("pskType", pskType, {
    external: { pskId: opaque },
    resumption: { usage, pskGroupId: opaque, pskEpoch: uint64 },
  }),
  { pskNonce: opaque },
);
export type PreSharedKeyID = Infer<typeof PreSharedKeyID>;

export const PSKLabel = struct("PSKLabel", { id: PreSharedKeyID, index: uint16, count: uint16 });
export type PSKLabel = Infer<typeof PSKLabel>;
