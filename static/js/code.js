/** "Show as code": the panel's options as a request to the API. */

const PATH = "/api/v2/remove-background";

/** The API's parameters for the panel's result; there is none for a background picture. */
export function parametersOf({ background, crop, marginText, targetText, alignment, format, quality }) {
  const opaque = background.kind === "colour";
  const lossy = ["jpeg", "webp", "zip"].includes(format) || (format === "auto" && opaque);
  const all = {
    "background.color": opaque ? background.colour.toUpperCase() : "",
    "result.crop_to_foreground": crop ? "true" : "",
    "result.margin": marginText === "0" ? "" : marginText,
    "result.target_size": targetText,
    "result.vertical_alignment": targetText && alignment !== "middle" ? alignment : "",
    "output.format": format === "auto" ? "" : format,
    "output.jpeg_quality": lossy && quality !== 75 ? String(quality) : "",
  };
  return Object.entries(all).filter(([, value]) => value);
}

/** name of language -> program text. */
export function samples(options, extension) {
  const url = location.origin + PATH;
  const parameters = parametersOf(options);
  const result = `cut-out.${extension}`;
  return {
    curl: curl(url, parameters, result),
    python: python(url, parameters, result),
    javascript: javascript(url, parameters, result),
  };
}

function curl(url, parameters, result) {
  const fields = parameters.map(([name, value]) => `  -F ${quoted(`${name}=${value}`)} \\\n`);
  return `curl --fail-with-body -u API_ID:API_SECRET \\\n  -F image=@photo.jpg \\\n${fields.join("")}  ${url} -o ${result}\n`;
}

function quoted(value) {
  return /^[\w.=-]+$/.test(value) ? value : `'${value}'`;
}

function python(url, parameters, result) {
  const fields = parameters.map(([name, value]) => `            "${name}": "${value}",\n`).join("");
  const data = fields ? `        data={\n${fields}        },\n` : "";
  return `import requests

with open("photo.jpg", "rb") as photo:
    response = requests.post(
        "${url}",
        auth=("API_ID", "API_SECRET"),
        files={"image": photo},
${data}        timeout=180,
    )
response.raise_for_status()
with open("${result}", "wb") as result:
    result.write(response.content)
`;
}

function javascript(url, parameters, result) {
  const fields = parameters.map(([name, value]) => `body.append("${name}", "${value}");\n`).join("");
  return `import { openAsBlob } from "node:fs";
import { writeFile } from "node:fs/promises";

const body = new FormData();
body.append("image", await openAsBlob("photo.jpg"), "photo.jpg");
${fields}const response = await fetch("${url}", {
  method: "POST",
  headers: { Authorization: "Basic " + btoa("API_ID:API_SECRET") },
  body,
});
if (!response.ok) throw new Error(await response.text());
await writeFile("${result}", Buffer.from(await response.arrayBuffer()));
`;
}
