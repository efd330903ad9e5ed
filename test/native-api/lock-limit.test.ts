// A process whose lock limit is too low for its secrets: it goes on and says so, or refuses where that was asked for.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";

const script = fileURLToPath(new URL("./lock-limit.js", import.meta.url));

/** The command under a limit of so many KiB. The capability to lock beyond any limit, which root has, is taken away. */
function limited(kibibytes: number, command: readonly string[]) {
  const shell = ["sh", "-c", `ulimit -l ${kibibytes} && exec "$@"`, "sh", ...command];
  const root = process.getuid?.() === 0;
  const [name = "", ...args] = root ? ["setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock", ...shell] : shell;
  return spawnSync(name, args, { encoding: "utf8" });
}

function run(kibibytes: number, task: string): unknown {
  const { status, signal, stdout, stderr } = limited(kibibytes, [process.execPath, script, task]);
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
  return JSON.parse(stdout);
}

const possible = process.platform === "linux" && limited(0, ["true"]).status === 0;

const reason = "the lock limit binds no process here, or setpriv of util-linux is missing";
if (!possible) test.skip(`a lock limit that is too low: ${reason}`, () => undefined);
else
  describe.each([0, 256])("with a lock limit of %d KiB", (kibibytes) => {
    test("secrets go on in unlocked memory, which capabilities() counts", () => {
      expect(run(kibibytes, "lenient")).toEqual({ opened: true, counted: true, withinLimit: true, emptied: true });
    });

    test("strict memory is refused with a typed error, and what is there stays", () => {
      expect(run(kibibytes, "strict")).toEqual({
        refusals: { secret: "internal", buffer: "internal", large: "internal", context: "internal" },
        filled: true,
        unchanged: true,
        stillOpens: true,
        goesOn: true,
      });
    });
  });
