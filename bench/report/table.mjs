// The results as a table: plain for the terminal, Markdown for documents.
import { number, times } from "./compare.mjs";

export function table({ results }) {
  const peers = [...new Set(results.flatMap(({ floor, peers }) => (floor === undefined ? [] : Object.keys(peers))))];
  const compared = peers.filter((peer) => results.filter(({ peers }) => peer in peers).length > 1);
  const floors = results.some(({ floor }) => floor !== undefined);
  const head = ["Measure", "tinymls", ...(floors ? ["floor"] : []), ...compared];
  const rows = results.map((result) => {
    const { name, value, unit, floor, peers } = result;
    const others = compared.map((peer) => (peer in peers ? beside(result, peers[peer]) : ""));
    const rest = Object.entries(peers).filter(([peer]) => !compared.includes(peer));
    const notes = rest.map(([peer, value]) => `${peer}: ${quantity(value, unit)}`);
    const label = notes.length > 0 ? `${name} (${notes.join(", ")})` : name;
    const bare = floor === undefined ? "" : beside(result, floor);
    return [label, quantity(value, unit), ...(floors ? [bare] : []), ...others];
  });
  return { head, rows };
}

export function plain({ head, rows }) {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)));
  const line = (row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ");
  return [head, ...rows].map((row) => line(row).trimEnd()).join("\n");
}

/** As prettier lays it out. */
export function markdown({ head, rows }) {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((row) => row[i].length)));
  const cell = (text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]));
  const line = (row) => `| ${row.map(cell).join(" | ")} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

// A figure of another, and how many times as good tinymls is.
const beside = (result, other) => `${quantity(other, result.unit)} (${times(result, other).toFixed(2)}x)`;

function quantity(value, unit) {
  const [scaled, named] = unit === "messages/s" ? rate(value) : [value, unit === "us" ? "µs" : unit];
  return `${number(scaled)} ${named}`;
}

const rate = (value) => (value < 1e6 ? [value / 1e3, "k/s"] : [value / 1e6, "M/s"]);
