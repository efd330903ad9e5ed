import importX, { createNodeResolver } from "eslint-plugin-import-x";
import tseslint from "typescript-eslint";

/**
 * The layers of lib/, the lowest first. A layer may import itself and what stands before it, nothing else.
 * Entry points (all other files in lib/ itself) stand above them all.
 */
export const layers = [
  "errors.ts",
  "shapes.ts",
  "native",
  "codec",
  "storage",
  "context",
  "mls/rules.ts",
  "mls/suite",
  "mls/objects",
  "mls/tree",
  "mls/schedule",
  "mls/framing",
  "mls/group",
  "mls/durable",
  "mls", // client.ts and what else stands beside it
  "discovery",
  "observability",
  "cli",
];

const zones = layers.map((layer, index) => ({
  target: `./lib/${layer}`,
  from: "./lib",
  // "mls" as an exception would let its lower folders see client.ts, but no layer below "mls" has it in its list.
  except: layers.slice(0, index + 1).map((path) => `./${path}`),
  message: `Layers of lib/, the lowest first: ${layers.join(" < ")}.`,
}));

/** The import rules alone, for a tree rooted at `root`: layer order and no cycles. */
export const importRules = (root) => [
  {
    files: ["lib/**/*.ts"],
    languageOptions: { parser: tseslint.parser },
    plugins: { "import-x": importX },
    settings: {
      "import-x/resolver-next": [createNodeResolver({ extensionAlias: { ".js": [".ts", ".js"] } })],
      "import-x/parsers": { "@typescript-eslint/parser": [".ts"] },
      "import-x/extensions": [".ts"],
    },
    rules: {
      "import-x/no-restricted-paths": ["error", { basePath: root, zones }],
      "import-x/no-cycle": "error",
      "import-x/no-self-import": "error",
      "import-x/no-unresolved": "error",
    },
  },
];
