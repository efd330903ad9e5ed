// The charts and tables of the documents, from one run: docs/NAME-performance.svg, and what is between the markers
// `<!-- bench:NAME -->` (any Node line, the last one that ran) or `<!-- bench:NAME:node24 -->` and `<!-- /bench -->`.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/run.mjs";
import { chart } from "./chart.mjs";
import { markdown, table } from "./table.mjs";

const documents = ["README.md", "docs/performance.md"];

/** @param series of the bench: what its chart draws */
export function publish(name, report, series) {
  const { environment } = report;
  const line = `node${environment.node.split(".")[0]}`;
  if (series !== undefined) writeFileSync(join(root, "docs", `${name}-performance.svg`), chart(report, series));
  const caption = `Node ${environment.node}, OpenSSL ${environment.openssl}, ${environment.cpu}, ${environment.processors} processors.`;
  const body = `\n\n${caption}\n\n${markdown(table(report))}\n\n`;
  for (const document of documents) {
    const file = join(root, document);
    const text = readFileSync(file, "utf8");
    const filled = [name, `${name}:${line}`].reduce(
      (text, marker) => fill(text, `<!-- bench:${marker} -->`, body),
      text,
    );
    if (filled !== text) writeFileSync(file, filled);
  }
}

function fill(text, marker, body) {
  const start = text.indexOf(marker);
  if (start < 0) return text;
  const from = start + marker.length;
  const to = text.indexOf("<!-- /bench -->", from);
  if (to < 0) throw new Error(`${marker} has no end`);
  return text.slice(0, from) + body + text.slice(to);
}
