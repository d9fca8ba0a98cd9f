// The peer's server: a CouchDB of express-pouchdb over LevelDB, filled from the bench's import files.
//
//     node server.js FOLDER_WITH_CSV DATA_FOLDER MEMBERS
//
// One document a member, with its purchase lines in it: as few documents as PouchDB's way of
// modelling allows, and so its fastest. Says `listening PORT` once it is filled and serves; a line
// `change N` on its input changes N documents, answered by `changed N`.
"use strict";
const fs = require("fs");
const readline = require("readline");
const PouchDB = require("pouchdb");

const [csv, data, membersText] = process.argv.slice(2);
const members = Number(membersText);
const BATCH = 2000;

async function rows(name, take) {
  const lines = readline.createInterface({ input: fs.createReadStream(`${csv}/${name}.csv`) });
  let header = null;
  for await (const line of lines) {
    const cells = line.split(",");
    if (header === null) header = cells;
    else take(Object.fromEntries(header.map((key, i) => [key, cells[i]])));
  }
}

async function main() {
  fs.mkdirSync(data, { recursive: true });
  const Store = PouchDB.defaults({ prefix: `${data}/` });
  const db = new Store("store");
  const docs = new Map();
  await rows("members", (row) => {
    if (docs.size < members) docs.set(row.member_id, { ...row, _id: row.member_id, lines: [] });
  });
  let lines = 0;
  await rows("purchases", (row) => {
    const doc = docs.get(row.member_id);
    if (!doc) return;
    lines += 1;
    doc.lines.push([row.line_id, row.sold_at, row.drug_id, Number(row.quantity), row.amount]);
  });
  let batch = [];
  for (const doc of docs.values()) {
    batch.push(doc);
    if (batch.length === BATCH) await db.bulkDocs(batch.splice(0));
  }
  if (batch.length) await db.bulkDocs(batch);
  const ids = [...docs.keys()];
  docs.clear();

  const app = require("express")();
  app.use("/", require("express-pouchdb")(Store, { mode: "minimumForPouchDB", inMemoryConfig: true }));
  const server = app.listen(0, "127.0.0.1", () => {
    console.log(`listening ${server.address().port} ${ids.length} ${lines}`);
  });
  let turn = 0;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const count = Number(line.split(" ")[1]);
    turn += 1;
    const keys = Array.from({ length: count }, (_, i) => ids[(turn * count + i) % ids.length]);
    const found = await db.allDocs({ keys, include_docs: true });
    const changed = found.rows.map(({ doc }) => {
      doc.lines.push([`B${turn}-${doc._id}`, "2026-06-30 09:00:00", "D0001", 1, "12.50"]);
      return doc;
    });
    await db.bulkDocs(changed);
    console.log(`changed ${count}`);
  }
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
