// Bundles static/src/entries/*.js and *.css into static/built/ with the hash of their content in the name,
// a .gz copy beside each, and manifest.json: {"app.js": "app-HASH.js", ...}. Run by `npm run build`.
//
// Scripts become ES modules with shared chunks, so that two entries on one page share one jQuery:
// load them with <script type="module">.

import { build } from "esbuild";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const sources = path.join(root, "static", "src", "entries");
const built = path.join(root, "static", "built");
const DAY = 24 * 60 * 60 * 1000;

/** The entry files, or an explanation and exit 1 when there are none. */
async function findEntries() {
  const names = await readdir(sources).catch(() => []);
  const entries = names.filter((name) => /\.(js|css)$/.test(name)).sort();
  if (entries.length === 0) {
    console.error("Nothing to build: static/src/entries/ holds no .js or .css file.");
    process.exit(1);
  }
  return entries;
}

/** Runs esbuild; its outputs stay in memory until all of them are known to be good. */
function bundle(entries) {
  return build({
    absWorkingDir: root,
    entryPoints: entries.map((name) => path.join(sources, name)),
    outdir: built,
    entryNames: "[name]-[hash]",
    chunkNames: "chunk-[hash]",
    assetNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2020",
    minify: true,
    legalComments: "linked",
    // Images and fonts stay files: the content security policy then needs no data: source for fonts.
    // Bootstrap draws its small icons with data: images, which esbuild leaves as they are.
    loader: { ".woff2": "file", ".woff": "file", ".png": "file", ".svg": "file" },
    metafile: true,
    write: false,
    logLevel: "warning",
  });
}

/** {"app.js": "app-HASH.js"} for every entry, from esbuild's own account of what it wrote. */
function manifestOf(metafile) {
  const manifest = {};
  for (const [file, output] of Object.entries(metafile.outputs)) {
    if (output.entryPoint) manifest[path.basename(output.entryPoint)] = path.basename(file);
  }
  return Object.fromEntries(Object.entries(manifest).sort());
}

/** Writes a file whole or not at all: a server reading meanwhile sees the old one or the new one. */
async function writeWhole(file, contents) {
  const draft = `${file}.${process.pid}.tmp`;
  await writeFile(draft, contents);
  await rename(draft, file);
}

async function writeOutputs(files) {
  for (const file of files) {
    await writeWhole(file.path, file.contents);
    if (/\.(js|css|svg)$/.test(file.path)) await writeWhole(`${file.path}.gz`, gzipSync(file.contents, { level: 9 }));
  }
}

/** Removes what earlier builds left. A day's grace: a running copy may still be serving their names. */
async function removeOld(keep) {
  for (const name of await readdir(built)) {
    const file = path.join(built, name);
    const isCurrent = keep.has(name.replace(/\.gz$/, ""));
    if (!isCurrent && Date.now() - (await stat(file)).mtimeMs > DAY) await rm(file, { recursive: true });
  }
}

const entries = await findEntries();
const result = await bundle(entries);
const manifest = manifestOf(result.metafile);
await mkdir(built, { recursive: true });
// `./run` keeps a stamp here of what was built; from now on it is not true any more.
await rm(path.join(built, ".stamp"), { force: true });
await writeOutputs(result.outputFiles);
await writeWhole(path.join(built, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
await removeOld(new Set([...result.outputFiles.map((file) => path.basename(file.path)), "manifest.json"]));

for (const [name, file] of Object.entries(manifest)) {
  const gz = await readFile(path.join(built, `${file}.gz`));
  console.log(`static/built/${file}: ${(gz.length / 1000).toFixed(1)} kB gzipped (${name}, without shared chunks)`);
}
