// Handles that an earlier file of this worker left to the garbage collector must not be collected while this one counts: they go now.
// What is left over all the same can only make a count smaller, so tests that wait compare counts of live handles by `<=`; within
// synchronous code no finalizer runs, and counts are exact.
import { beforeAll } from "@jest/globals";
import { collectOnce } from "./native-api/collect.js";

beforeAll(async () => {
  for (let round = 0; round < 3; round++) await collectOnce();
});
