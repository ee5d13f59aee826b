// A classic script, run after the bundle: `validatorUrl: null`, or the page would send our document to a site elsewhere.
globalThis.SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  validatorUrl: null,
  deepLinking: true,
  tryItOutEnabled: true,
});
