import { expect } from "@jest/globals";
import { TinyMlsError, type ErrorCode } from "tinymls/crypto";
import { heldHandles } from "../held-handles.js";

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
  const before = heldHandles();
  expect(refusal(run).code).toBe(code);
  expect(heldHandles()).toBe(before);
}
