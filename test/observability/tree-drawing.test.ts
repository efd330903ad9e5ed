import { describe, expect, test } from "@jest/globals";
import { renderTree } from "#dist/observability/tree-drawing/index.js";
import {
  CredentialType,
  decode,
  LeafNodeSource,
  NodeType,
  RatchetTree,
  type Credential,
  type Node,
} from "tinymls/messages";
import { testEntries } from "../kat/vectors.js";

const key = (value: number) => new Uint8Array(32).fill(value);
const identity = (name: string): Credential => ({
  credentialType: CredentialType.basic,
  identity: new TextEncoder().encode(name),
});

function leaf(credential: Credential, renewed = false): Node {
  const capabilities = { versions: [1], cipherSuites: [1], extensions: [], proposals: [], credentials: [1] };
  const lifetime = { notBefore: 0n, notAfter: 1n };
  const common = {
    encryptionKey: key(1),
    signatureKey: key(2),
    credential,
    capabilities,
    extensions: [],
    signature: key(3),
  };
  const source = renewed
    ? ({ leafNodeSource: LeafNodeSource.update } as const)
    : ({ leafNodeSource: LeafNodeSource.keyPackage, lifetime } as const);
  return { nodeType: NodeType.leaf, leafNode: { ...common, ...source } };
}

function parent(unmergedLeaves: number[] = []): Node {
  return { nodeType: NodeType.parent, parentNode: { encryptionKey: key(4), parentHash: key(5), unmergedLeaves } };
}

/** The text of all elements of a name, in order; refuses what is not well-formed XML. */
function contents(svg: string, element: string): string[] {
  const open: { name: string; text: string }[] = [];
  const found: string[] = [];
  for (const [token] of svg.matchAll(/<[^>]*>|[^<]+/g)) {
    if (!token.startsWith("<")) {
      if (!/^([^&]|&(amp|lt|gt|quot|#39);)*$/.test(token)) throw new Error(`a bare & in ${token}`);
      const inner = open.at(-1);
      if (inner) inner.text += token;
      continue;
    }
    const parts = /^<(\/?)([a-z]+)((?: [a-zA-Z-:]+="[^"<]*")*)(\/?)>$/.exec(token);
    if (!parts) throw new Error(`no tag: ${token}`);
    const [, closing, name, , empty] = parts;
    if (!closing && !empty) open.push({ name: name!, text: "" });
    if (!closing) continue;
    const last = open.pop();
    if (last?.name !== name) throw new Error(`</${name}> closes <${last?.name}>`);
    if (name === element)
      found.push(last!.text.replaceAll("&lt;", "<").replaceAll("&quot;", '"').replaceAll("&amp;", "&"));
  }
  if (open.length > 0) throw new Error(`<${open[0]!.name}> is not closed`);
  return found;
}

const count = (svg: string, part: string) => svg.split(part).length - 1;

describe("a small tree", () => {
  // Leaf 3 is cut off at the end, leaf 2 is blank.
  const nodes = [
    leaf(identity("alice")),
    parent(),
    leaf(identity("bob"), true),
    parent([2]),
    null,
    null,
    leaf(identity("dave")),
  ];

  test("shows every node with its details", () => {
    const svg = renderTree(nodes, { title: "Team <1>" });
    expect(contents(svg, "text")).toEqual(expect.arrayContaining(["alice", "bob", "dave", "0", "1", "2", "3", "1"]));
    expect(contents(svg, "title")).toEqual(
      [
        "Team <1>",
        "node 3: unmerged leaves 2, encryption key " + "04".repeat(32),
        "node 1: no unmerged leaves, encryption key " + "04".repeat(32),
        'leaf 0: basic "alice", encryption key ' + "01".repeat(32),
        'leaf 1: basic "bob", encryption key ' + "01".repeat(32),
        "node 5: blank",
        "leaf 2: blank",
        'leaf 3: basic "dave", encryption key ' + "01".repeat(32),
      ].map((title) => title.replaceAll(">", "&gt;")),
    );
    expect(contents(svg, "text")[1]).toContain("3 members on 4 leaves, 2 of 3 parents not blank");
    expect(count(svg, 'class="edge"')).toBe(6);
    expect(count(svg, 'class="leaf fresh"')).toBe(1);
    expect(count(svg, 'class="leaf"')).toBe(2);
    expect(count(svg, 'class="blank"')).toBe(2);
  });

  test("is folded to the columns that there are", () => {
    const svg = renderTree(nodes, { maxColumns: 2 });
    expect(contents(svg, "title").slice(2)).toEqual([
      "leaves 0-1: 2 members, 1 of 1 parents not blank",
      "leaves 2-3: 1 members, 0 of 1 parents not blank",
    ]);
    expect(contents(renderTree(nodes, { maxColumns: 1 }), "title").slice(1)).toEqual([
      "leaves 0-3: 3 members, 2 of 3 parents not blank",
    ]);
  });
});

test("trees of no node and of one", () => {
  expect(contents(renderTree([]), "title")).toEqual(["Ratchet tree", "leaf 0: blank"]);
  expect(contents(renderTree([leaf(identity("solo"))]), "text")).toContain("solo");
});

test("names are text, never markup, and fit their boxes", () => {
  const names = ['<script>alert("1")</script>', "a&b", "x\u0000y", "\u202eevil", "a name that is far too long", "]]>"];
  const nodes = names.flatMap((name, index) => (index === 0 ? [leaf(identity(name))] : [null, leaf(identity(name))]));
  const svg = renderTree(nodes);
  const said = contents(svg, "text");
  expect(svg).not.toContain("<script");
  expect(said).toEqual(expect.arrayContaining(["<script&gt;al…", "a&b", "780079", "a name tha…", "]]&gt;"]));
  // eslint-disable-next-line no-control-regex -- what XML cannot hold
  expect(svg).not.toMatch(/[\u0000-\u0008\u202e]/);
  const x509 = renderTree([leaf({ credentialType: CredentialType.x509, certificates: [] })]);
  expect(contents(x509, "text")).toContain("x509");
});

test("a node that cannot stand where it stands is marked", () => {
  const svg = renderTree([parent(), leaf(identity("up")), leaf(identity("bob"))]);
  expect(count(svg, 'class="misplaced"')).toBe(2);
});

test("thousands of leaves fold into a drawing of bounded size", () => {
  const nodes = Array.from({ length: 2 * 5000 - 1 }, (_, index) =>
    index % 2 === 0 ? leaf(identity(`member ${index / 2}`)) : index % 4 === 1 ? null : parent([0]),
  );
  const svg = renderTree(nodes);
  const folded = contents(svg, "title").filter((title) => title.startsWith("leaves "));
  expect(svg.length).toBeLessThan(60_000);
  expect(folded.length).toBeLessThanOrEqual(64);
  const members = folded.map((title) => Number(/: (\d+) members/.exec(title)![1]));
  expect(members.reduce((sum, each) => sum + each, 0)).toBe(5000);
  // The right part of the 8192 leaves is empty, and takes few columns.
  expect(members.filter((each) => each === 0).length).toBeLessThan(8);
});

test.each([0, 1025, 1.5, NaN])("maxColumns of %p is refused", (maxColumns) => {
  expect(() => renderTree([], { maxColumns })).toThrow(expect.objectContaining({ code: "usage" }));
});

testEntries<{ tree: string }>("mls/tree-validation.json", ({ tree }) => {
  const nodes = decode(RatchetTree, Buffer.from(tree, "hex"));
  const members = nodes.filter((node, index) => node !== null && index % 2 === 0).length;
  const svg = renderTree(nodes, { maxColumns: 1024 });
  expect(count(svg, 'class="leaf"') + count(svg, 'class="leaf fresh"')).toBe(members);
  expect(contents(svg, "title")[0]).toBe("Ratchet tree");
});
