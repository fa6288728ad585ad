// Shows the OpenAPI document with Swagger UI, which the page has loaded from this site.

const place = document.querySelector("#explorer");

window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.schema,
  presets: [window.SwaggerUIBundle.presets.apis],
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  validatorUrl: null, // the default would send the document to a site that is not ours
  // The API takes no cookies; and without this the browser would answer a 401 with a dialog of its own.
  requestInterceptor: (request) => Object.assign(request, { credentials: "omit" }),
});
