// validatorUrl: without null the page sends the API's address to an outside validator.
const ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger",
  deepLinking: true,
  validatorUrl: null,
  oauth2RedirectUrl: new URL("docs/assets/oauth2-redirect.html", document.baseURI).href,
});
ui.initOAuth({ clientId: "i2pcc", scopes: "openid", usePkceWithAuthorizationCodeGrant: true });
