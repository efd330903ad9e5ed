// Tests run as compiled: tsc -p test writes .test-build/, which mirrors the tree.
export default {
  roots: ["<rootDir>/.test-build/test"],
  testMatch: ["**/*.test.js"],
  testEnvironment: "node",
  setupFilesAfterEnv: ["<rootDir>/.test-build/test/setup.js"],
  transform: {},
  coverageProvider: "v8",
};
