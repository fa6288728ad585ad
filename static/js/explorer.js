// Shows the OpenAPI document with Swagger UI, which the page has loaded from this site.

const place = document.querySelector("#explorer");
const dark = matchMedia("(prefers-color-scheme: dark)");

function wearTheme() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

/** Swagger UI leaves its list of servers without a name. */
function nameServers() {
  place.querySelector("#servers")?.setAttribute("aria-label", "Servers");
}

dark.addEventListener("change", wearTheme);
wearTheme();

window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.schema,
  presets: [window.SwaggerUIBundle.presets.apis],
  deepLinking: true,
  docExpansion: "list",
  onComplete: nameServers,
  defaultModelsExpandDepth: -1,
  validatorUrl: null, // the default would send the document to a site that is not ours
  // The API uses no cookies; without this the browser would show its own dialog on a 401.
  requestInterceptor: (request) => Object.assign(request, { credentials: "omit" }),
});
