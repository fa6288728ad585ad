import { writeFile } from "node:fs/promises";

const response = await fetch("https://your.site/api/v2/remove-background", {
  method: "POST",
  headers: { Authorization: "Basic " + btoa("API_ID:API_SECRET") },
  body: new URLSearchParams({
    "image.url": "https://example.com/photo.jpg",
    test: "true",
  }),
});
if (!response.ok) throw new Error(await response.text());
await writeFile("cut-out.png", Buffer.from(await response.arrayBuffer()));
