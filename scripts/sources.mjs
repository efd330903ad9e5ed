// The C++ sources of the addon, one a line, for binding.gyp: the folders are the list.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

export const sources = ["native/core", "native/bind"].flatMap((folder) =>
  readdirSync(`${root}/${folder}`)
    .filter((file) => file.endsWith(".cc"))
    .sort()
    .map((file) => `${folder}/${file}`),
);

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(sources.join("\n"));
