import { readFile, writeFile } from "node:fs/promises";

const body = new FormData();
body.append("image", new Blob([await readFile("photo.jpg")]), "photo.jpg");
body.append("test", "true");

const response = await fetch("https://your.site/api/v2/remove-background", {
  method: "POST",
  headers: { Authorization: "Basic " + btoa("API_ID:API_SECRET") },
  body,
});
if (!response.ok) throw new Error(await response.text());
await writeFile("cut-out.png", Buffer.from(await response.arrayBuffer()));
