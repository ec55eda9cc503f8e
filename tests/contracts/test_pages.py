"""The pages every service serves: complete, and made of nothing from outside."""

import re
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from swagger_ui_bundle import swagger_ui_path

from deploy.asyncapi import DOCS
from shared.events import CATALOG
from shared.pages import add_pages

SOURCES = re.compile(r"""(?:src|href)=["']([^"']*)|url\(["']?([^"')]*)|@import\s+["']([^"']*)""")


@pytest.fixture(autouse=True)
def _signin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one signs in, as every service is told."""
    monkeypatch.setenv("I2PCC_AUTH_ISSUER", "http://signin/i2pcc")
    monkeypatch.setenv("I2PCC_AUTH_JWKS_URL", "http://signin/i2pcc/jwks")


def browser(asyncapi: Path = DOCS / "asyncapi.json") -> httpx.AsyncClient:
    """A client of an app that has the pages."""
    app = FastAPI(docs_url=None, openapi_url=None)
    add_pages(app, asyncapi)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")


def sources(text: str) -> set[str]:
    """All that a page or style sheet links to or loads, apart from places on itself."""
    found = {next(filter(None, groups), "") for groups in SOURCES.findall(text)}
    return {source for source in found if source and not source.startswith("#")}


@pytest.mark.parametrize("page", ["/docs", "/events"])
async def test_page_loads_nothing_from_outside(page: str) -> None:
    async with browser() as client:
        response = await client.get(page)
        assert response.status_code == 200
        for source in sources(response.text):
            assert not re.match(r"\w+:|//", source), f"{page} leads outside: {source}"
            assert (await client.get(f"/{source}")).status_code == 200, f"{page} needs {source}"


@pytest.mark.parametrize("page", ["/docs", "/events"])
async def test_page_needs_no_inline_script_or_style(page: str) -> None:
    async with browser() as client:
        text = (await client.get(page)).text
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", text)


async def test_own_style_sheet_loads_nothing() -> None:
    async with browser() as client:
        assert not sources((await client.get("/docs/own/events.css")).text)


async def test_api_page_asks_no_outside_validator() -> None:
    async with browser() as client:
        assert "validatorUrl: null" in (await client.get("/docs/own/docs.js")).text


def test_api_page_understands_openapi_3_1() -> None:
    version = swagger_ui_path.name.removeprefix("swagger-ui-")
    assert int(version.split(".")[0]) >= 5, f"Swagger UI {version} shows no OpenAPI 3.1: use swagger-ui-bundle-v2"


async def test_every_event_and_topic_is_on_the_event_page() -> None:
    async with browser() as client:
        text = (await client.get("/events")).text
    for name, event in CATALOG.items():
        assert f'id="{name}"' in text
        assert event.topic in text
        assert event.copies is None or event.copies in text


async def test_every_link_on_the_event_page_leads_somewhere() -> None:
    async with browser() as client:
        text = (await client.get("/events")).text
    assert set(re.findall(r'href="#([^"]*)"', text)) <= set(re.findall(r'id="([^"]*)"', text))


async def test_event_document_is_served_as_it_is() -> None:
    async with browser() as client:
        response = await client.get("/asyncapi.json")
    assert response.headers["content-type"] == "application/json"
    assert response.content == (DOCS / "asyncapi.json").read_bytes()


@pytest.mark.parametrize("page", ["/events", "/asyncapi.json"])
async def test_missing_document_says_how_to_make_it(page: str, tmp_path: Path) -> None:
    async with browser(tmp_path / "asyncapi.json") as client:
        response = await client.get(page)
    assert response.status_code == 404
    assert "python -m deploy.asyncapi" in response.text


async def test_text_of_the_document_is_escaped(tmp_path: Path) -> None:
    hostile = (DOCS / "asyncapi.json").read_text().replace("A proposal answers a need.", "<script>alert(1)</script>")
    path = tmp_path / "asyncapi.json"
    path.write_text(hostile)
    async with browser(path) as client:
        text = (await client.get("/events")).text
    assert "&lt;script&gt;" in text
    assert "<script>" not in text


def test_pages_are_no_part_of_the_api() -> None:
    app = FastAPI(docs_url=None, openapi_url=None)
    add_pages(app, DOCS / "asyncapi.json")
    assert app.openapi()["paths"] == {}


def test_app_with_pages_from_outside_is_refused() -> None:
    with pytest.raises(ValueError, match="docs_url=None"):
        add_pages(FastAPI(), DOCS / "asyncapi.json")
