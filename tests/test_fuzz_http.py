"""Whatever is sent to a route, it is answered as the service's OpenAPI document says."""

from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.routes import DOCUMENTS, ROUTES, Route
from tests.world import World

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMAS = {service: schemathesis.openapi.from_dict(document) for service, document in DOCUMENTS.items()}


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """Connections that are kept."""
    with requests.Session() as made:
        yield made


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_every_answer_is_one_that_the_document_tells_of(
    world: World, session: requests.Session, route: Route, mode: GenerationMode
) -> None:
    operation = SCHEMAS[route.service][route.path][route.method]
    browser = world.browser(route.role, route)
    token = await browser.signin.token(browser.person)

    @settings(
        max_examples=30,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode), real=some.booleans())
    def answered(case: Case, real: bool) -> None:
        if real:
            case.path_parameters = {name: world.ids_of(route, "")[name] for name in case.path_parameters}
        case.call_and_validate(
            browser.platform.urls[route.service],
            session=session,
            headers={"Authorization": f"Bearer {token}"},
            checks=CHECKS,
        )

    answered()
