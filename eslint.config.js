import js from "@eslint/js";
import { fileURLToPath } from "node:url";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";
import { importRules } from "./eslint.layers.js";

const root = fileURLToPath(new URL(".", import.meta.url));

export default defineConfig(
  { ignores: ["dist/", "build/", ".test-build/", "prebuilds/", "coverage/", "**/node_modules/"] },
  js.configs.recommended,
  {
    files: ["**/*.{js,mjs}"],
    languageOptions: { globals: nodeGlobals() },
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { project: ["./tsconfig.json", "./test/tsconfig.json"], tsconfigRootDir: root },
    },
    rules: {
      eqeqeq: "error",
      // A wire struct and its type share a name: `const LeafNode` and `type LeafNode` (TypeScript checks real clashes).
      "no-redeclare": "off",
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    files: ["test/**/*.ts"],
    rules: {
      // Tests look into untyped results (JSON vectors, node:v8) and call async doors that need no await inside.
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/require-await": "off",
      // Takes `as never`, the way to pass a wrong type on purpose, for needless.
      "@typescript-eslint/no-unnecessary-type-assertion": "off",
    },
  },
  ...importRules(root),
);

function nodeGlobals() {
  const names = ["process", "console", "Buffer", "URL", "performance", "setTimeout", "setInterval", "clearTimeout"];
  names.push("clearInterval", "setImmediate", "fetch", "TextEncoder", "TextDecoder", "structuredClone", "AbortSignal");
  return Object.fromEntries(names.map((name) => [name, "readonly"]));
}
