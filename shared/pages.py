"""The pages every service serves about itself: its HTTP API and the platform's events; nothing comes from outside."""

import json
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.staticfiles import StaticFiles
from swagger_ui_bundle import swagger_ui_path

from shared.event_view import EventPage, Json
from shared.settings import Auth

SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
"""A page runs, shows and asks what its own service has; data: is for Swagger UI's icons."""

_templates = Environment(
    loader=PackageLoader("shared"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def add_pages(app: FastAPI, asyncapi: Path) -> None:
    """Serve /docs (Swagger UI), /events and /asyncapi.json (the document at `asyncapi`).

    Raises ValueError when the app still has FastAPI's own /docs, which loads its assets from outside, or its own
    /openapi.json, which does not say where one signs in.
    """
    if app.docs_url is not None or app.openapi_url is not None:
        raise ValueError("make the app with docs_url=None and openapi_url=None: its pages are served here")
    app.get("/docs/assets/oauth2-redirect.html", include_in_schema=False)(_signed_in)
    app.mount("/docs/assets", StaticFiles(directory=swagger_ui_path))
    app.mount("/docs/own", StaticFiles(packages=[("shared", "templates/static")]))
    _add_api_page(app)
    _add_event_pages(app, asyncapi)


def _add_api_page(app: FastAPI) -> None:
    @app.get("/openapi.json", include_in_schema=False)
    def api_document() -> JSONResponse:
        """The service's HTTP API, for tools; where one signs in is known once the service runs."""
        document = app.openapi()
        signin = {"type": "openIdConnect", "openIdConnectUrl": f"{Auth().issuer}/.well-known/openid-configuration"}
        document["components"]["securitySchemes"] = dict.fromkeys(document["components"]["securitySchemes"], signin)
        return JSONResponse(document)

    @app.get("/docs", include_in_schema=False)
    def api_page() -> HTMLResponse:
        """The service's HTTP API, to read and to try."""
        issuer = urlsplit(Auth().issuer)
        signin = f"{issuer.scheme}://{issuer.netloc}"
        policy = SAFE["Content-Security-Policy"].replace("connect-src 'self'", f"connect-src 'self' {signin}")
        headers = {"Content-Security-Policy": policy, "Cross-Origin-Opener-Policy": "same-origin-allow-popups"}
        return HTMLResponse(_templates.get_template("docs.html").render(title=app.title), headers=headers)


def _signed_in() -> FileResponse:
    """Where sign-in comes back to: it hands the code to the page that opened it, so it keeps that opener."""
    headers = SAFE | {"Cross-Origin-Opener-Policy": "unsafe-none"}
    return FileResponse(swagger_ui_path / "oauth2-redirect.html", headers=headers)


def _add_event_pages(app: FastAPI, asyncapi: Path) -> None:
    @app.get("/events", include_in_schema=False)
    def event_page() -> HTMLResponse:
        """The events, to read."""
        if not asyncapi.exists():
            return _missing()
        return HTMLResponse(render("events.html", json.loads(asyncapi.read_bytes())), headers=SAFE)

    @app.get("/asyncapi.json", include_in_schema=False)
    def event_document() -> Response:
        """The events, for tools."""
        return FileResponse(asyncapi, media_type="application/json") if asyncapi.exists() else _missing()


def _missing() -> HTMLResponse:
    return HTMLResponse(_templates.get_template("missing.html").render(), 404, SAFE)


def render(template: str, document: Json) -> str:
    """The AsyncAPI document through a template of shared/templates."""
    return _templates.get_template(template).render(info=document["info"], page=EventPage(document))
