import { relative } from "node:path";

// A jest reporter for the vector tests: how many entries of each file passed. A file of vectors is a `describe` of its own; an
// entry is a test whose name starts with the file's and a number.
export default class VectorCounts {
  #files = new Map();
  #absent = [];
  #broken = [];

  onTestResult({ path }, { testResults, testExecError }) {
    // A test file that does not load has no tests, and its vectors no line.
    if (testExecError) this.#broken.push(`could not run: ${relative(process.cwd(), path)}: ${testExecError.message}`);
    for (const { ancestorTitles, title, status } of testResults) {
      const [file] = ancestorTitles;
      if (title.includes("not found, fetch it with")) this.#absent.push(title);
      if (file === undefined || !new RegExp(`^${escape(file)} \\d+`).test(title)) continue;
      const counts = this.#files.get(file) ?? { passed: 0, failed: 0, skipped: 0 };
      counts[status === "passed" ? "passed" : status === "failed" ? "failed" : "skipped"]++;
      this.#files.set(file, counts);
    }
  }

  onRunComplete() {
    const rows = [...this.#files].sort(([a], [b]) => (a < b ? -1 : 1));
    const width = Math.max(...rows.map(([file]) => file.length), 5);
    const total = { passed: 0, failed: 0, skipped: 0 };
    const line = (name, { passed, failed, skipped }) =>
      `${name.padEnd(width)}  ${String(passed).padStart(6)} passed  ${String(failed).padStart(4)} failed  ${String(skipped).padStart(5)} skipped`;
    for (const [file, counts] of rows) {
      console.log(line(file, counts));
      for (const key of Object.keys(total)) total[key] += counts[key];
    }
    console.log(line("total", total));
    for (const title of this.#absent) console.log(`skipped: ${title}`);
    for (const line of this.#broken) console.log(line);
  }
}

function escape(text) {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}
