// Starts Swagger UI or ReDoc, whichever the page has, over this server's own document.
"use strict";

const swagger = document.getElementById("swagger");
if (swagger) {
  SwaggerUIBundle({
    url: swagger.dataset.spec,
    domNode: swagger,
    deepLinking: true,
    validatorUrl: null,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    tryItOutEnabled: true,
  });
}

const redoc = document.getElementById("redoc");
if (redoc) {
  Redoc.init(redoc.dataset.spec, {
    scrollYOffset: ".bar",
    hideDownloadButtons: true,
    disableSearch: false,
    nativeScrollbars: true,
    theme: { colors: { primary: { main: "#0f766e" } }, typography: { fontFamily: "system-ui, sans-serif", headings: { fontFamily: "system-ui, sans-serif" } } },
  }, redoc);
}
