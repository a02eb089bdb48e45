# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is sent, the simulator answers as its OpenAPI document says, and never with a 5xx."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings

from simulator import openapi
from support.examples import examples

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host

DIALECTS = ("api", "rest")
SCHEMAS: dict[str, Any] = {dialect: schemathesis.openapi.from_dict(openapi.document(dialect)) for dialect in DIALECTS}
BOUNDED = settings(
    max_examples=examples(20),
    derandomize=True,
    database=None,
    deadline=None,
    # The host is not reset between examples: what they leave behind is part of the input.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def _checks(operation: str) -> list[Any]:
    checks = schemathesis.checks
    chosen = [
        checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]
    # A login has no input but the credentials, and those are always sent.
    return chosen if operation.endswith("token.create") else [*chosen, checks.negative_data_rejection]


def _fuzz(case: Any, fleet: Fleet, host: Host, dialect: str) -> None:
    if host.settings().dialect != dialect:
        host.settings(dialect=dialect)
    case.call_and_validate(
        base_url=host.url,
        auth=(host.username, host.password),
        verify=fleet.ca_path,
        allow_redirects=False,
        checks=_checks(case.operation.definition.raw["operationId"]),
    )


@SCHEMAS["api"].parametrize()  # type: ignore[untyped-decorator] # schemathesis gives it no type
@BOUNDED
def test_fuzz_api(case: Any, fleet: Fleet, host: Host) -> None:
    _fuzz(case, fleet, host, "api")


@SCHEMAS["rest"].parametrize()  # type: ignore[untyped-decorator] # schemathesis gives it no type
@BOUNDED
def test_fuzz_rest(case: Any, fleet: Fleet, host: Host) -> None:
    _fuzz(case, fleet, host, "rest")
