// Saves all collections of a Chroma server to one file, and restores them.
//
// usage: snapshot.mjs save | restore [FILE]
//
// Environment: CHROMA_URL, SNAPSHOT_FOLDER, SNAPSHOT_KEEP. Only the default tenant and database are read.
//
// A file is gzipped lines of JSON: a collection, then its records in batches, and so on; the last line counts the records.
// Ids are listed first and records fetched by id: what existed all the while is in the file, whatever came or went
// meanwhile. A file without its last line is refused. A restore upserts: it replaces records of the same id, and deletes
// nothing.

import { createReadStream, createWriteStream } from "node:fs";
import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";

const collectionsPath = "/api/v2/tenants/default_tenant/databases/default_database/collections";
const fields = ["embeddings", "metadatas", "documents", "uris"];
const batchSize = 200; // records a request: 6 MB of JSON at 1536 dimensions, of the 40 MB that Chroma takes
const pageSize = 500; // collections a request
const timeout = 120_000; // ms a request
const suffix = ".jsonl.gz";
const unfinished = ".unfinished";

const { CHROMA_URL: server, SNAPSHOT_FOLDER: folder, SNAPSHOT_KEEP: keep } = process.env;

// Fault is what is wrong, for the reader of the log.
class Fault extends Error {}

class NotFound extends Fault {}

async function call(path, body) {
  const url = server + collectionsPath + path;
  const request = { signal: AbortSignal.timeout(timeout) };
  if (body !== undefined) {
    Object.assign(request, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
  }
  let answer;
  try {
    answer = await fetch(url, request);
  } catch (e) {
    throw new Fault(`${url}: ${e.cause?.message ?? e.message}`);
  }
  if (answer.ok) return answer.json();
  const kind = answer.status === 404 ? NotFound : Fault;
  throw new kind(`${url}: ${answer.status} ${(await answer.text()).slice(0, 500)}`);
}

async function* collections() {
  for (let offset = 0; ; ) {
    const page = await call(`?limit=${pageSize}&offset=${offset}`);
    if (page.length === 0) return;
    yield* page;
    offset += page.length;
  }
}

async function* batches(collection) {
  const { ids } = await call(`/${collection.id}/get`, { include: [] });
  for (let at = 0; at < ids.length; at += batchSize) {
    const found = await call(`/${collection.id}/get`, { ids: ids.slice(at, at + batchSize), include: fields });
    yield Object.fromEntries(["ids", ...fields].map((field) => [field, found[field]]));
  }
}

async function* written(counted) {
  const line = (value) => JSON.stringify(value) + "\n";
  for await (const collection of collections()) {
    const settings = Object.entries(collection.configuration_json ?? {}).filter(([, value]) => value !== null);
    const { name, metadata } = collection;
    yield line({ collection: { name, metadata, configuration: Object.fromEntries(settings) } });
    try {
      for await (const batch of batches(collection)) {
        yield line({ records: batch });
        counted.records += batch.ids.length;
      }
    } catch (e) {
      if (!(e instanceof NotFound)) throw e; // the collection has been deleted meanwhile
    }
  }
  yield line({ end: counted.records });
}

async function save() {
  for (const leftover of await listed(unfinished)) await rm(leftover); // of a run that was killed; runs never overlap
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const name = join(folder, `chroma-${stamp}${suffix}`);
  const counted = { records: 0 };
  try {
    await pipeline(Readable.from(written(counted)), createGzip(), createWriteStream(name + unfinished, { flags: "wx" }));
    const file = await open(name + unfinished);
    await file.sync();
    await file.close();
    await rename(name + unfinished, name);
  } catch (e) {
    await rm(name + unfinished, { force: true });
    throw e;
  }
  console.log(`${name}: ${counted.records} records, ${(await stat(name)).size} bytes`);
  await prune();
}

async function prune() {
  for (const old of (await listed(suffix)).slice(0, -Number(keep))) {
    await rm(old);
    console.log(`${old}: removed, ${keep} are kept`);
  }
}

// listed is the snapshots with this ending, the oldest first.
async function listed(ending) {
  const names = await readdir(folder);
  return names.filter((name) => name.startsWith("chroma-") && name.endsWith(ending)).sort().map((name) => join(folder, name));
}

async function* lines(name) {
  const text = createGunzip();
  const read = pipeline(createReadStream(name), text);
  read.catch(() => {}); // awaited below
  try {
    for await (const line of createInterface({ input: text })) yield JSON.parse(line);
    await read;
  } catch (e) {
    throw new Fault(`${name} is damaged, want a whole snapshot: ${e.message}`);
  }
}

// check reads the whole file before anything is changed.
async function check(name) {
  let records = 0;
  let end;
  for await (const line of lines(name)) {
    records += line.records?.ids.length ?? 0;
    end = line.end;
  }
  if (end !== records) throw new Fault(`${name} has ${records} records and says ${end}, want a whole snapshot`);
}

async function restore(given) {
  const name = given ?? (await listed(suffix)).at(-1);
  if (name === undefined) throw new Fault(`${folder} has no snapshot, want one to restore`);
  await check(name);
  let records = 0;
  let target;
  for await (const line of lines(name)) {
    if (line.collection) target = (await call("", { ...line.collection, get_or_create: true })).id;
    if (!line.records) continue;
    await call(`/${target}/upsert`, line.records);
    records += line.records.ids.length;
  }
  console.log(`${name}: ${records} records restored`);
}

async function main([command, ...rest]) {
  if (command === "save" && rest.length === 0) return save();
  if (command === "restore" && rest.length <= 1) return restore(rest[0]);
  throw new Fault(`arguments are ${JSON.stringify([command, ...rest])}, want save or restore [FILE]`);
}

main(process.argv.slice(2)).catch((e) => {
  console.error(e instanceof Fault || e.code ? e.message : e);
  process.exitCode = 1;
});
