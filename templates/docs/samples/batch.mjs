import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const batches = "https://your.site/api/v2/batches";
const headers = { Authorization: "Basic " + btoa("API_ID:API_SECRET") };

async function ask(address, options = {}) {
  const response = await fetch(address, { headers, ...options });
  if (!response.ok) throw new Error(await response.text());
  return response;
}

const body = new FormData();
body.append("zip", new Blob([await readFile("photos.zip")]), "photos.zip");
body.append("test", "true");
let batch = await (await ask(batches, { method: "POST", body })).json();
const address = `${batches}/${batch.id}`;

while (!["done", "cancelled"].includes(batch.state)) {
  await sleep(2000);
  batch = await (await ask(address)).json();
  console.log(`${Math.round(100 * batch.progress)} % done, ${batch.creditsCharged} credits charged`);
}

for (const item of batch.items) {
  if (item.state === "failed") console.log(item.name, item.error.message);
}

const results = await ask(`${address}/results.zip`);
await writeFile("cut-outs.zip", Buffer.from(await results.arrayBuffer()));
