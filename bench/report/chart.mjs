// Groups of bars on a logarithmic scale, as SVG. Higher is better.

const width = 860;
const height = 400;
const plot = { left: 64, right: 16, top: 76, bottom: 36 };
const colours = ["#1a7f5a", "#9aa5b1", "#d08a2e", "#4c78a8", "#8f6bb3", "#c2566b"];

/**
 * @param report the JSON of a run
 * @param series `{ title, axis, groups: [{ result, label, scale }] }`: `scale` makes a figure of `result` that is better when
 *   it is higher
 */
export function chart({ environment, results }, { title, axis, groups }) {
  const shown = groups.flatMap(({ result, label, scale }) => {
    const found = results.find(({ name }) => name === result);
    return found === undefined ? [] : [{ label, bars: barsOf(found, scale) }];
  });
  const names = [...new Set(shown.flatMap(({ bars }) => bars.map(({ name }) => name)))];
  const values = shown.flatMap(({ bars }) => bars.map(({ value }) => value));
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.ceil(Math.log10(Math.max(...values)));
  const bottom = height - plot.bottom;
  const y = (value) => bottom - ((Math.log10(value) - low) / (high - low)) * (bottom - plot.top);

  const where = `Node ${environment.node}, OpenSSL ${environment.openssl}, ${environment.cpu}. ${axis}, logarithmic: higher is better.`;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(16, 24, title, `font-size="16" font-weight="bold"`),
    text(16, 42, where, `fill="#5b6570"`),
    ...legend(names),
    ...grid(low, high, y),
  ];
  const step = (width - plot.left - plot.right) / shown.length;
  for (const [i, { label, bars }] of shown.entries()) {
    const left = plot.left + i * step;
    const bar = (step * 0.84) / names.length;
    for (const { name, value } of bars) {
      const slot = names.indexOf(name);
      const top = y(value);
      const x = (left + step * 0.08 + slot * bar).toFixed(1);
      const shape = `x="${x}" y="${top.toFixed(1)}" width="${(bar - 2).toFixed(1)}" height="${(bottom - top).toFixed(1)}"`;
      parts.push(
        `<rect ${shape} fill="${colours[slot % colours.length]}"><title>${escape(name)}: ${digits(value)}</title></rect>`,
      );
    }
    parts.push(text((left + step / 2).toFixed(1), height - 14, label, `text-anchor="middle"`));
  }
  return `${parts.join("\n")}\n</svg>\n`;
}

function barsOf({ value, floor, peers }, scale) {
  const others = Object.entries(peers).map(([name, value]) => ({ name, value: scale(value) }));
  const bare = floor === undefined ? [] : [{ name: "floor (bare OpenSSL)", value: scale(floor) }];
  return [{ name: "tinymls", value: scale(value) }, ...bare, ...others];
}

function legend(names) {
  let x = 16;
  return names.flatMap((name, i) => {
    const at = x;
    x += 24 + name.length * 6.6;
    return [
      `<rect x="${at}" y="52" width="10" height="10" fill="${colours[i % colours.length]}"/>`,
      text((at + 14).toFixed(1), 61, name),
    ];
  });
}

function grid(low, high, y) {
  return Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)).flatMap((value) => {
    const at = y(value).toFixed(1);
    return [
      `<path d="M${plot.left} ${at}H${width - plot.right}" stroke="#dde2e7"/>`,
      text(plot.left - 6, Number(at) + 4, digits(value), `text-anchor="end" fill="#5b6570"`),
    ];
  });
}

const text = (x, y, content, attributes = "") =>
  `<text x="${x}" y="${y}"${attributes && ` ${attributes}`}>${escape(content)}</text>`;
const escape = (content) => content.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
const digits = (value) => Number(value.toPrecision(3)).toLocaleString("en-US");
