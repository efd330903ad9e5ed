import { expect, test } from "@jest/globals";
import { TinyMlsError, errorCodes } from "tinymls";

test("storage, conflict and missing are retryable unless said otherwise, the others are not", () => {
  const retryable = errorCodes.filter((code) => new TinyMlsError(code, "").retryable);
  expect(retryable).toEqual(["missing", "conflict", "storage"]);
  expect(new TinyMlsError("storage", "full", { retryable: false }).retryable).toBe(false);
});

test("an error is an Error with its code, its place and its cause", () => {
  const cause = new Error("below");
  const error = new TinyMlsError("malformed", "no", { offset: 3, path: "a.b", cause });
  expect(error).toBeInstanceOf(Error);
  expect({ ...error }).toMatchObject({ code: "malformed", offset: 3, path: "a.b", fatal: false });
  expect(error.cause).toBe(cause);
});
