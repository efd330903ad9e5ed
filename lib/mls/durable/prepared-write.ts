import type { WriteOptions, WriteStep } from "../../storage/port.js";

export interface RecordWriteOptions extends WriteOptions {
  /** Steps that are done with the changes. */
  readonly also?: readonly WriteStep[];
  /** Whether no one who knows the records as they were may write them any more, even if nothing changes. */
  readonly claims?: boolean;
}

/** A write that is ready to be made: together with others, if wanted. */
export interface PreparedWrite {
  readonly steps: readonly WriteStep[];
  /** To be called with the revision, once the steps were written. */
  readonly written: (revision: number) => void;
}

export interface PreparedErasure extends PreparedWrite {
  /** Otherwise it leaves records that nothing lists, to be swept. */
  readonly isWhole: boolean;
}
