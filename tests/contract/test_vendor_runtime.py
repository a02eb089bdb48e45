# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator as the vendor's own client runtime sees it.

The runtime knows no binding for the services of a host, so they are declared here, from the reference. It
understands two forms: the older one, in which answers are wrapped and errors carry their type, and the plain one,
in which it takes the type of an error from the HTTP code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any

import pytest
import requests

from contract.samples import ISSUERS
from contract.samples import PROVIDERS
from contract.samples import TOKEN
from contract.samples import issuer
from contract.samples import provider
from contract.vendor_bindings import BOOLEAN
from contract.vendor_bindings import SECRET
from contract.vendor_bindings import TEXT
from contract.vendor_bindings import VOID
from contract.vendor_bindings import many
from contract.vendor_bindings import optional
from contract.vendor_bindings import structure
from support.constants import KEY
from support.constants import KEY_ID

REASON = "vmware-vapi-runtime is not installed"
stub = pytest.importorskip("vmware.vapi.bindings.stub", reason=REASON)
connect = pytest.importorskip("vmware.vapi.lib.connect", reason=REASON)
rest = pytest.importorskip("vmware.vapi.lib.rest", reason=REASON)
security = pytest.importorskip("vmware.vapi.security.user_password", reason=REASON)
binding_errors = pytest.importorskip("vmware.vapi.bindings.error", reason=REASON)
converter = pytest.importorskip("vmware.vapi.data.serializers.cleanjson", reason=REASON)

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host

KMS = "com.vmware.esx.trusted_infrastructure.kms.providers"
TRUST = "com.vmware.esx.authentication.trust.security_token_issuers"
LOGIN = "com.vmware.esx.authentication.token"


def _chains() -> Any:
    return many(structure("test.chain", cert_chain=many(TEXT)))


NATIVE_SPEC = structure("test.native_spec", key_id=TEXT, key_derivation_key=SECRET)
CREATE_PROVIDER = structure("test.create_provider", provider=TEXT, native_spec=optional(NATIVE_SPEC))
PROVIDER_INFO = structure("test.info", type=TEXT, native_info=optional(structure("test.native_info", key_id=TEXT)))
SUMMARY = structure("test.summary", provider=TEXT, available=BOOLEAN, details=many(TEXT))
ISSUER_SPEC = structure("test.create_issuer", issuer_alias=TEXT, issuer=TEXT, signing_cert_chains=_chains())
UPDATE_SPEC = structure("test.update_issuer", issuer=optional(TEXT), signing_cert_chains=optional(_chains()))
ISSUER_INFO = structure("test.issuer_info", issuer=TEXT, signing_cert_chains=_chains())
ISSUER_SUMMARY = structure("test.issuer_summary", summary_type=TEXT, issuer_alias=TEXT, issuer=optional(TEXT))
ALIAS = {"path_variables": {"issuer_alias": "issuer_alias"}}
BODY = {"request_body_parameter": "spec"}

Declared = dict[str, tuple[dict[str, Any], Any, dict[str, Any]]]

SERVICES: dict[str, Declared] = {
    KMS: {
        "list": (
            {"providers": optional(many(TEXT)), "available": optional(BOOLEAN)},
            many(SUMMARY),
            {
                "http_method": "GET",
                "url_template": PROVIDERS,
                "query_parameters": {"providers": "providers", "available": "available"},
            },
        ),
        "create": (
            {"spec": CREATE_PROVIDER},
            VOID,
            {"http_method": "POST", "url_template": PROVIDERS, **BODY},
        ),
        "get": (
            {"provider": TEXT},
            PROVIDER_INFO,
            {
                "http_method": "GET",
                "url_template": PROVIDERS + "/{provider}",
                "path_variables": {"provider": "provider"},
            },
        ),
    },
    TRUST: {
        "list": (
            {"projection": optional(TEXT)},
            many(ISSUER_SUMMARY),
            {"http_method": "GET", "url_template": ISSUERS, "query_parameters": {"projection": "projection"}},
        ),
        "create": ({"spec": ISSUER_SPEC}, VOID, {"http_method": "POST", "url_template": ISSUERS, **BODY}),
        "get": (
            {"issuer_alias": TEXT},
            ISSUER_INFO,
            {"http_method": "GET", "url_template": ISSUERS + "/{issuer_alias}", **ALIAS},
        ),
        "update": (
            {"issuer_alias": TEXT, "spec": UPDATE_SPEC},
            VOID,
            {"http_method": "PATCH", "url_template": ISSUERS + "/{issuer_alias}", **ALIAS, **BODY},
        ),
        "delete": (
            {"issuer_alias": TEXT},
            VOID,
            {"http_method": "DELETE", "url_template": ISSUERS + "/{issuer_alias}", **ALIAS},
        ),
    },
    LOGIN: {
        "create": (
            {},
            structure("test.token", access_token=SECRET),
            {"http_method": "POST", "url_template": TOKEN},
        ),
    },
}


class Runtime:
    """Calls operations of one host through the vendor's runtime."""

    def __init__(self, session: requests.Session, host: Host, wrapped: bool, password: str | None = None) -> None:
        self.connector = connect.get_requests_connector(session=session, msg_protocol="rest", url=host.url)
        context = security.create_user_password_security_context(host.username, password or host.password)
        self.connector.set_security_context(context)
        self.configuration = stub.StubConfiguration(self.connector)
        self.wrapped = wrapped

    def __call__(self, service: str, operation: str, **arguments: Any) -> Any:
        fields, output, metadata = SERVICES[service][operation]

        described = {
            "input_type": structure("operation-input", **fields),
            "output_type": output,
            "errors": {},
            "input_value_validator_list": [],
            "output_validator_list": [],
            "task_type": None,
        }

        declared = rest.OperationRestMetadata(**metadata)
        interface = stub.ApiInterfaceStub(
            service, self.configuration, {operation: described}, {operation: declared}, self.wrapped
        )
        given = {name: arguments.get(name) for name in fields}

        return interface.native_invoke(self.connector.new_context(), operation, given)


@pytest.fixture
def session(fleet: Fleet) -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.trust_env = False
        opened.verify = fleet.ca_path
        yield opened


@pytest.fixture(params=["wrapped", "plain"])
def runtime(request: pytest.FixtureRequest, session: requests.Session, host: Host) -> Runtime:
    wrapped = request.param == "wrapped"
    if wrapped:
        host.settings(dialect="rest", wrap_values=True)
    return Runtime(session, host, wrapped)


def _refusal(runtime: Runtime, service: str, operation: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    """Name and content of the error that the runtime decodes."""
    with pytest.raises(binding_errors.VapiError) as caught:
        runtime(service, operation, **arguments)
    value = caught.value.get_error_value()
    content = json.loads(converter.DataValueConverter.convert_to_json(value))

    if not runtime.wrapped:
        # The plain form: named after the code, the host's own words inside.
        content = content["data"]

    return value.name.removeprefix("com.vmware.vapi.std.errors."), content


def test_providers(runtime: Runtime, host: Host) -> None:
    assert runtime(KMS, "list") == []
    assert runtime(KMS, "create", spec=provider("two words")) is None
    assert runtime(KMS, "create", spec=provider("p2")) is None

    host.put_provider("p2", available=False)

    assert [each["provider"] for each in runtime(KMS, "list")] == ["two words", "p2"]
    assert [each["provider"] for each in runtime(KMS, "list", providers=["p2", "p3"])] == ["p2"]
    assert [each["provider"] for each in runtime(KMS, "list", available=True)] == ["two words"]

    info = runtime(KMS, "get", provider="two words")

    assert (info["type"], info["native_info"]["key_id"]) == ("NATIVE", KEY_ID)
    assert host.providers["p2"].key_derivation_key == KEY


def test_issuers(runtime: Runtime, host: Host, chain: list[str], other_chain: list[str]) -> None:
    runtime(TRUST, "create", spec=issuer(chain))
    assert [(each["issuer_alias"], each["issuer"]) for each in runtime(TRUST, "list")] == [
        ("vc", "https://vc.example.test/")
    ]

    runtime(TRUST, "update", issuer_alias="vc", spec={"signing_cert_chains": [{"cert_chain": other_chain}]})
    info = runtime(TRUST, "get", issuer_alias="vc")

    assert info["issuer"] == "https://vc.example.test/"
    assert info["signing_cert_chains"] == [{"cert_chain": other_chain}]

    runtime(TRUST, "delete", issuer_alias="vc")

    assert host.issuers == {}


def test_token(runtime: Runtime, host: Host) -> None:
    assert runtime(LOGIN, "create")["access_token"].count(".") == 2
    assert [record.authentication for record in host.journal] == ["basic"]


def test_already_exists(runtime: Runtime, host: Host, chain: list[str]) -> None:
    host.put_issuer("old", "https://vc.example.test/")
    name, content = _refusal(runtime, TRUST, "create", spec=issuer(chain))

    assert name == ("already_exists" if runtime.wrapped else "invalid_request")
    assert content["error_type"] == "ALREADY_EXISTS"
    assert content["data"] == {"issuer": "https://vc.example.test/", "issuer_alias": "old"}


def test_not_found(runtime: Runtime) -> None:
    for service, operation, arguments in (
        (KMS, "get", {"provider": "none"}),
        (TRUST, "get", {"issuer_alias": "none"}),
        (TRUST, "delete", {"issuer_alias": "none"}),
    ):
        name, content = _refusal(runtime, service, operation, **arguments)
        assert (name, content["error_type"]) == ("not_found", "NOT_FOUND")


def test_invalid_argument(runtime: Runtime, host: Host) -> None:
    name, content = _refusal(runtime, KMS, "create", spec=provider(key_id="no uuid"))
    assert name == ("invalid_argument" if runtime.wrapped else "invalid_request")
    assert content["error_type"] == "INVALID_ARGUMENT"
    assert host.providers == {}


def test_unauthenticated(runtime: Runtime, session: requests.Session, host: Host) -> None:
    stranger = Runtime(session, host, runtime.wrapped, "wrong")
    for service, operation in ((KMS, "list"), (TRUST, "list"), (LOGIN, "create")):
        name, content = _refusal(stranger, service, operation)
        assert (name, content["error_type"]) == ("unauthenticated", "UNAUTHENTICATED")


def test_what_is_no_json_is_refused(runtime: Runtime, host: Host) -> None:
    host.settings(protocols="none")
    with pytest.raises(Exception, match="unsupported content-type") as caught:
        runtime(KMS, "list")
    assert type(caught.value).__name__ == "HttpProtocolException"
