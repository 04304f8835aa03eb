// Puts the package together in dist/: the entry from here, and what it stands on from the server's web page.

import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";

const here = (path) => new URL(path, import.meta.url);
const WEB = "../../src/web/";

await rm(here("dist"), { recursive: true, force: true });
await mkdir(here("dist"));
for (const folder of ["stream", "measure"]) await cp(here(`${WEB}${folder}`), here(`dist/${folder}`), { recursive: true });
for (const file of ["index.js", "options.js", "refusal.js"]) {
  const text = await readFile(here(`src/${file}`), "utf8");
  await writeFile(here(`dist/${file}`), text.replaceAll("../../../src/web/", "./"));
}
await cp(here("src/index.d.ts"), here("dist/index.d.ts"));
