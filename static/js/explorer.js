// Shows the OpenAPI document with Swagger UI, which the page has loaded from this site.

const place = document.querySelector("#explorer");
const dark = matchMedia("(prefers-color-scheme: dark)");

function wearTheme() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

/** What Swagger UI leaves without a name, and headings that skip a level below the page's own. */
function mend() {
  place.querySelector("#servers")?.setAttribute("aria-label", "Servers");
  place.querySelector(".close-modal")?.setAttribute("aria-label", "Close");
  for (const field of place.querySelectorAll("tr :is(select, textarea, input[type=file]):not([aria-label])")) {
    const { paramName, propertyName } = field.closest("tr").dataset;
    const name = paramName ?? propertyName;
    if (name) field.setAttribute("aria-label", name);
  }
  for (const code of place.querySelectorAll("pre.microlight")) code.tabIndex = 0; // it can be moved sideways
  for (const heading of place.querySelectorAll("h3, h4, h5")) {
    heading.setAttribute("aria-level", Number(heading.tagName[1]) - 1);
  }
}

/** Parts in place of Swagger UI's own: its layout is a second main part, its links lie in buttons. */
function accessible({ React: { createElement } }) {
  const block = (className, ...children) => createElement("div", { className }, ...children);
  return {
    components: {
      AccessibleLayout({ getComponent, specSelectors }) {
        const part = (name) => createElement(getComponent(name, true));
        if (specSelectors.loadingStatus() !== "success") return block("swagger-ui", part("errors"));
        const bar = block("schemes wrapper", part("ServersContainer"), part("AuthorizeBtnContainer"));
        return block(
          "swagger-ui",
          block("wrapper", part("InfoContainer")),
          block("scheme-container", bar),
          part("errors"),
          block("wrapper", part("operations")),
        );
      },
      DeepLink: ({ text }) => createElement("span", null, text),
    },
  };
}

dark.addEventListener("change", wearTheme);
wearTheme();
new MutationObserver(mend).observe(place, { childList: true, subtree: true });

window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.schema,
  presets: [window.SwaggerUIBundle.presets.apis],
  plugins: [accessible],
  layout: "AccessibleLayout",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  validatorUrl: null, // the default would send the document to a site that is not ours
  // The API uses no cookies; without this the browser would show its own dialog on a 401.
  requestInterceptor: (request) => Object.assign(request, { credentials: "omit" }),
});
