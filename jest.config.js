// Tests run as compiled: tsc -p test writes .test-build/, which mirrors the tree.
export default {
  roots: ["<rootDir>/.test-build/test"],
  testMatch: ["**/*.test.js"],
  testEnvironment: "node",
  transform: {},
  coverageProvider: "v8",
  // Jest leaves one core idle by default, which is half of a small machine.
  maxWorkers: "100%",
  // A test that failed may leave a process or a connection behind; the run ends all the same.
  forceExit: true,
  // No test is about time; a busy machine may take long over any of them.
  testTimeout: 60_000,
  reporters: ["default", "<rootDir>/scripts/refusal-record.mjs"],
};
