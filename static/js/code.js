/** "Show as code": the panel's options as a request to the API. */

import { parametersOf, shadowOf } from "./parameters.js";

const PATH = "/api/v2/remove-background";

/**
 * name of language -> program text; `recipe` is the site's recipe that the options are, or null;
 * `model` the network, "" for the default.
 */
export function samples(options, extension, recipe, model) {
  const url = location.origin + PATH;
  const chosen = model ? [["model", model]] : [];
  const asked = recipe ? [["recipe", recipe.name], ...shadowOf(options)] : parametersOf(options);
  const parameters = [...chosen, ...asked];
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
