import { TinyMlsError } from "../../errors.js";
import {
  CredentialType,
  LeafNodeSource,
  NodeType,
  type Credential,
  type RatchetTree,
} from "../../mls/objects/index.js";
import { firstLeaf, leafIndex } from "../../mls/tree/math.js";
import { credentialText } from "../describe/credential.js";
import { octets, printable } from "../describe/outline.js";
import { layOut, type Census, type Item, type Layout } from "./layout.js";

export interface TreeDrawingOptions {
  /** Leaves and folded subtrees side by side, at most: 1 to 1024, 64 when not given. */
  readonly maxColumns?: number;
  /** The heading; "Ratchet tree" when not given. */
  readonly title?: string;
}

const column = 84;
const row = 72;
const margin = 24;
const head = 64;

const style = `
text { font: 12px system-ui, sans-serif; fill: #1c2733; text-anchor: middle; }
.title { font-size: 16px; font-weight: 600; text-anchor: start; }
.note { fill: #5b6b7a; font-size: 11px; }
.left { text-anchor: start; }
.edge { stroke: #9aa8b5; stroke-width: 1.5; fill: none; }
.leaf { fill: #dceeff; stroke: #2b6cb0; stroke-width: 1.5; }
.fresh { fill: #e3f6e5; stroke: #2f855a; }
.parent { fill: #2b6cb0; stroke: #1a4a80; }
.unmerged { fill: #f6ad55; stroke: #b7791f; }
.blank { fill: #ffffff; stroke: #9aa8b5; stroke-dasharray: 3 3; }
.misplaced { fill: #fed7d7; stroke: #c53030; stroke-width: 2; }
.folded { fill: #f1f4f7; stroke: #7b8a99; }`;

/**
 * Draws a ratchet tree as one SVG document without scripts or references: leaves with their identities, blank nodes dashed, the
 * number of unmerged leaves on a parent, details in tooltips. A large tree is folded: its lowest subtrees become triangles that tell how
 * many members they hold. Nothing is verified; a node that cannot stand where it stands is drawn in red.
 * @param nodes a decoded `RatchetTree` (RFC 9420 §12.4.3.3); null where blank
 */
export function renderTree(nodes: RatchetTree, options: TreeDrawingOptions = {}): string {
  const { maxColumns = 64, title = "Ratchet tree" } = options;
  if (!Number.isInteger(maxColumns) || maxColumns < 1 || maxColumns > 1024) {
    throw new TinyMlsError("usage", "maxColumns is an integer from 1 to 1024", { operation: "renderTree" });
  }
  const layout = layOut(nodes, maxColumns);
  const width = Math.max(760, layout.columns * column) + 2 * margin;
  const height = head + layout.rows * row + 2 * margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${style}\n</style>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    text(margin, 30, title, "title"),
    text(margin, 50, summary(layout), "note left"),
    ...edges(layout.root),
    ...shapes(layout.root, nodes),
    "</svg>",
    "",
  ].join("\n");
}

function summary({ census }: Layout): string {
  const parents = `${census.parents} of ${census.leaves - 1} parents not blank`;
  return `${census.members} members on ${census.leaves} leaves, ${parents}. Green: renewed by a commit or update. Orange: unmerged leaves. Dashed: blank.`;
}

const left = (item: Item) => margin + (item.x + 0.5) * column;
const top = (item: Item) => head + margin + item.y * row;

function edges(item: Item): string[] {
  const [x, y] = [left(item), top(item)];
  return item.children.flatMap((child) => [
    `<path class="edge" d="M${x} ${y}L${left(child)} ${top(child)}"/>`,
    ...edges(child),
  ]);
}

function shapes(item: Item, nodes: RatchetTree): string[] {
  return [shapeOf(item, nodes), ...item.children.flatMap((child) => shapes(child, nodes))];
}

function shapeOf(item: Item, nodes: RatchetTree): string {
  if (item.folded) return foldedShape(item, item.folded);
  const node = nodes[item.node] ?? null;
  const isLeaf = item.node % 2 === 0;
  if (node === null) return isLeaf ? blankLeaf(item) : circle(item, "blank", `node ${item.node}: blank`, "");
  if ((node.nodeType === NodeType.leaf) !== isLeaf)
    return circle(item, "misplaced", `node ${item.node}: misplaced`, "!");
  return node.nodeType === NodeType.leaf ? leafShape(item, node.leafNode) : parentShape(item, node.parentNode);
}

function leafShape(item: Item, leaf: (RatchetTree[number] & { nodeType: 1 })["leafNode"]): string {
  const fresh = leaf.leafNodeSource === LeafNodeSource.keyPackage ? "" : " fresh";
  const about = `leaf ${leafIndex(item.node)}: ${credentialText(leaf.credential)}, encryption key ${octets(leaf.encryptionKey)}`;
  return leafBox(item, `leaf${fresh}`, about, shortName(leaf.credential));
}

function blankLeaf(item: Item): string {
  return leafBox(item, "blank", `leaf ${leafIndex(item.node)}: blank`, "");
}

function leafBox(item: Item, kind: string, about: string, name: string): string {
  const [x, y] = [left(item), top(item)];
  const box = `<rect class="${kind}" x="${x - 38}" y="${y - 14}" width="76" height="28" rx="6"/>`;
  return group(about, [box, text(x, y + 4, name), text(x, y + 28, `${leafIndex(item.node)}`, "note")]);
}

function parentShape(item: Item, parent: (RatchetTree[number] & { nodeType: 2 })["parentNode"]): string {
  const unmerged = parent.unmergedLeaves;
  const listed = `${unmerged.slice(0, 50).join(", ")}${unmerged.length > 50 ? ", ..." : ""}`;
  const who = unmerged.length === 0 ? "no unmerged leaves" : `unmerged leaves ${listed}`;
  const about = `node ${item.node}: ${who}, encryption key ${octets(parent.encryptionKey)}`;
  return circle(
    item,
    unmerged.length === 0 ? "parent" : "unmerged",
    about,
    unmerged.length === 0 ? "" : `${unmerged.length}`,
  );
}

function circle(item: Item, kind: string, about: string, label: string): string {
  const [x, y] = [left(item), top(item)];
  return group(about, [`<circle class="${kind}" cx="${x}" cy="${y}" r="11"/>`, text(x, y + 4, label)]);
}

function foldedShape(item: Item, { leaves, members, parents }: Census): string {
  const [x, y] = [left(item), top(item)];
  const first = firstLeaf(item.node);
  const range = `${first}-${first + leaves - 1}`;
  const about = `leaves ${range}: ${members} members, ${parents} of ${leaves - 1} parents not blank`;
  const kind = members === 0 ? "blank" : "folded";
  return group(about, [
    `<path class="${kind}" d="M${x} ${y - 14}L${x + 36} ${y + 22}L${x - 36} ${y + 22}Z"/>`,
    text(x, y + 16, members === 0 ? "" : `${members}`),
    text(x, y + 36, range, "note"),
  ]);
}

function group(about: string, content: readonly string[]): string {
  return `<g><title>${escapeXml(about)}</title>${content.join("")}</g>`;
}

function text(x: number, y: number, content: string, kind?: string): string {
  if (content === "") return "";
  return `<text${kind === undefined ? "" : ` class="${kind}"`} x="${x}" y="${y}">${escapeXml(content)}</text>`;
}

const longestName = 11;

/** A name that fits its box. */
function shortName(credential: Credential): string {
  if (credential.credentialType !== CredentialType.basic) {
    return credential.credentialType === CredentialType.x509 ? "x509" : "custom";
  }
  const name = [...(printable(credential.identity) ?? octets(credential.identity))];
  return name.length > longestName ? `${name.slice(0, longestName - 1).join("")}…` : name.join("");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Also takes out what XML 1.0 has no way to write. */
function escapeXml(content: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what must go
  const allowed = content.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu, "\ufffd");
  return allowed.replace(/[&<>"']/g, (character) => entities[character]!);
}
