// The peer's phone: PouchDB over LevelDB, replicating one way from the server.
//
//     node client.js PORT DATA_FOLDER SECONDS_AT_MOST
//
// Prints one line of JSON a step; between steps it waits for a line on its input.
"use strict";
const readline = require("readline");
const PouchDB = require("pouchdb");

const [port, data, secondsText] = process.argv.slice(2);
const limitMs = Number(secondsText) * 1000;
const NOOPS = 30;

function replicate(remote, local) {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    let docs = 0;
    const running = local.replicate.from(remote, { batch_size: 1000, batches_limit: 4 });
    const timer = setTimeout(() => running.cancel(), limitMs);
    running.on("change", (info) => { docs = info.docs_written; });
    running.on("complete", (info) => {
      clearTimeout(timer);
      resolve({ ms: performance.now() - begun, docs: info.docs_written || docs, whole: info.status !== "cancelled" });
    });
    running.on("error", (error) => { clearTimeout(timer); reject(error); });
  });
}

async function main() {
  const remote = new PouchDB(`http://127.0.0.1:${port}/store`);
  const local = new PouchDB(`${data}/phone`);
  const say = (step, values) => console.log(JSON.stringify({ step, ...values }));
  const load = await replicate(remote, local);
  const { rss } = process.memoryUsage();
  say("load", { ...load, peak_mb: Math.round(process.resourceUsage().maxRSS / 1024), rss_mb: Math.round(rss / 1048576) });
  const noops = [];
  for (let i = 0; i < NOOPS && load.whole; i += 1) noops.push((await replicate(remote, local)).ms);
  noops.sort((a, b) => a - b);
  say("noop", { ms: noops[Math.floor(noops.length / 2)] ?? null, max_ms: noops.at(-1) ?? null });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    if (line === "end") break;
    say("pull", await replicate(remote, local));
  }
  say("end", { versions: { pouchdb: PouchDB.version, "express-pouchdb": require("express-pouchdb/package.json").version, node: process.version } });
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
