import { readFile, writeFile } from "node:fs/promises";

// In pixels of the upright photo, from its upper left corner.
const hints = {
  keep: [[100, 80]],
  remove: [{ points: [[10, 20], [60, 25]], radius: 5 }],
};
const body = new FormData();
body.append("image", new Blob([await readFile("photo.jpg")]), "photo.jpg");
body.append("hints", JSON.stringify(hints));
body.append("test", "true");

const response = await fetch("https://your.site/api/v2/remove-background", {
  method: "POST",
  headers: { Authorization: "Basic " + btoa("API_ID:API_SECRET") },
  body,
});
if (!response.ok) throw new Error(await response.text());
await writeFile("cut-out.png", Buffer.from(await response.arrayBuffer()));
