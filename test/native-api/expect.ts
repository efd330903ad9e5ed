import { expect } from "@jest/globals";
import { liveHandles, TinyMlsError, type ErrorCode } from "tinymls/crypto";

/** The error that `run` ends in; fails where it ends well or in another kind of error. */
export function refusal(run: () => unknown): TinyMlsError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(TinyMlsError);
    return error as TinyMlsError;
  }
  throw new Error("nothing was refused");
}

/** `run` is refused with `code`, and leaves no native object behind. */
export function refuses(code: ErrorCode, run: () => unknown): void {
  const before = liveHandles();
  expect(refusal(run).code).toBe(code);
  expect(liveHandles()).toBe(before);
}
