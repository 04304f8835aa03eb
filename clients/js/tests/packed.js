// The package as `npm pack` makes it, unpacked elsewhere.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const folder = mkdtempSync(join(tmpdir(), "framegate-js-"));
after(() => rmSync(folder, { recursive: true }));
const names = execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], {
  cwd: fileURLToPath(new URL("..", import.meta.url)),
  encoding: "utf8",
}).trim();
execFileSync("tar", ["-xzf", names.split("\n").at(-1)], { cwd: folder });
export const packed = await import(pathToFileURL(join(folder, "package/dist/index.js")));

