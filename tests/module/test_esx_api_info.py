# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""esx_api_info against simulated hosts of every kind: what it finds out, and what it must not do for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.plugin_utils import _probe
from support.certificates import chain
from support.constants import KEY
from support.constants import KEY_ID
from support.modules import fault

pytestmark = pytest.mark.not_quick

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

PACKAGE = "com.vmware.esx"
KMS = f"{PACKAGE}.trusted_infrastructure.kms.providers"
STI = f"{PACKAGE}.authentication.trust.security_token_issuers"
PROFILES = f"{PACKAGE}.authentication.client_profiles"
TOKEN = f"{PACKAGE}.authentication.token"
FORMS = ("rest", "jsonrpc", "both")


@pytest.fixture
def _filled(host: Host) -> None:
    host.put_provider("schluessel", type="NATIVE", key_id=KEY_ID, key_derivation_key=KEY)
    host.put_issuer("kronprinz", "https://vc1.example.com/oidc", [chain(2)])
    host.put_client_profile(type="LOCAL_USER", name="hausmeister", grants=[])


def api_of(modules: Modules, **options: Any) -> dict[str, Any]:
    ran = modules.run("esx_api_info", **options)
    assert not ran.failed, ran.output
    assert not ran.changed

    api: dict[str, Any] = ran.result["api"]

    assert modules.host.writes == []

    return api


def known(api: dict[str, Any], service: str) -> dict[str, Any]:
    """What is known of a service: of itself, and of its operations by their names."""
    (service_found,) = (each for each in api["services"] if each["service"] == service)
    return {
        "service": service_found["known"],
        **{each["operation"]: each["known"] for each in service_found["operations"]},
    }


def passwords_sent(host: Host) -> int:
    return sum(record.authentication == "basic" for record in host.journal)


@pytest.mark.usefixtures("_filled")
@pytest.mark.parametrize("form", FORMS)
def test_what_a_host_speaks_and_offers(modules: Modules, host: Host, form: str) -> None:
    host.settings(protocols=form)
    api = api_of(modules)

    assert api["api_protocol"] == ("jsonrpc" if form == "jsonrpc" else "rest")
    assert (api["rest"], api["jsonrpc"]) == (form != "jsonrpc", form != "rest")
    assert [api["logins"][name]["works"] for name in ("token", "basic")] == [True, True]
    assert [each["works"] for each in api["logins"]["basic"]["services"]] == [True] * 3
    assert "session" not in api["logins"]

    carried = "securityCtx oauth" if form == "jsonrpc" else "Authorization Bearer"

    assert api["token"] == {"format": "jwt", "lifetime": 600, "claims": ["exp", "iat", "sub"], "carried_in": carried}
    assert api["certificates"]["full_projection"] is True
    assert api["certificates"]["chain_lengths"] == [2]

    everything = dict.fromkeys(("service", "list", "create", "get", "update", "delete"), True)

    if form == "rest":
        asked = {**everything, "create": None, "update": None, "delete": None}
        assert api["introspection"] == "none"
        assert known(api, STI) == asked
        assert known(api, KMS)["delete"] is None
    else:
        assert api["introspection"] == "without_credentials"
        assert known(api, STI) == everything
        assert known(api, PROFILES) == everything
        assert known(api, KMS)["delete"] is False

        as_declared = [op["input_as_declared"] for described in api["services"] for op in described["operations"]]

        assert False not in as_declared
        assert as_declared.count(True) == 14

    assert known(api, TOKEN) == {"service": True, "create": True}


@pytest.mark.usefixtures("_filled")
@pytest.mark.parametrize("form", FORMS)
def test_the_result_names_nothing_and_nobody(modules: Modules, host: Host, form: str) -> None:
    host.put_account("verwalter", host.password)
    host.settings(protocols=form, echo_requests=True)
    ran = modules.run("esx_api_info", username="verwalter", validate_certs=False, ca_path=None)
    output = json.dumps(ran.result.get("api")) + ran.warnings
    names = ("schluessel", "kronprinz", "vc1.example.com", "hausmeister", "verwalter", host.address, host.name)
    for secret in (*names, KEY_ID, KEY, host.password, *host.tokens):
        assert secret not in output

    assert "validate_certs" in ran.warnings


def test_names_as_fields_are_hidden(modules: Modules, host: Host) -> None:
    """A host may answer with a map whose keys are names."""
    host.put_provider("schluessel", type="NATIVE", key_id=KEY_ID)
    body = {"schluessel": 1, "schluesselchen": 2, "vc1.example.com": 3, host.username: 4, KEY: 5}
    host.queue(fault(kind="answer", operation="*client_profiles.list", status=200, body=body, times=None))
    (fields,) = [answer["fields"] for answer in api_of(modules)["answers"] if answer["question"] == "client profiles"]

    assert fields == ["(hidden): number", "(hidden)chen: number", "(strange): number", "(hidden): number"]


def test_definitions_that_differ_are_reported(modules: Modules, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    from simulator.models import NativeProviderCreateSpec

    host.settings(protocols="jsonrpc")
    monkeypatch.setattr(NativeProviderCreateSpec, "structure", f"{KMS}.native_spec")
    from simulator import jsonrpc_declarations

    jsonrpc_declarations.input_of.cache_clear()

    try:
        api = api_of(modules)
    finally:
        jsonrpc_declarations.input_of.cache_clear()

    (service,) = (each for each in api["services"] if each["service"] == KMS)
    (create,) = (each for each in service["operations"] if each["operation"] == "create")

    assert create["input_as_declared"] is False
    assert f"host: {KMS}.native_spec.key_id: plain" in create["differences"]
    assert f"collection: {KMS}.native_provider_create_spec.key_id: plain" in create["differences"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("auth_method", ["token", "basic"])
def test_a_wrong_password_is_sent_once(modules: Modules, host: Host, form: str, auth_method: str) -> None:
    host.settings(protocols=form)
    ran = modules.run("esx_api_info", password="wrong", auth_method=auth_method)

    assert ran.failed
    assert ran.result["failure"]["code"] == "unauthenticated"
    assert ran.result["failure"]["login_refused"] is True
    assert (host.login_attempts, host.failed_logins) == (1, 1)

    api = ran.result["api"]

    assert api["logins"][auth_method] == {"works": False, "reason": "refused"}
    assert api["api_protocol"] == ("jsonrpc" if form == "jsonrpc" else "rest")
    # What can be known without a login is known.
    assert api["introspection"] == ("none" if form == "rest" else "without_credentials")
    assert known(api, KMS)["service"] is (None if form == "rest" else True)
    # Over REST a JSON-RPC host is sent the password too, and does not look at it.
    assert passwords_sent(host) == (2 if form == "jsonrpc" else 1)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("auth_method", ["token", "basic"])
@pytest.mark.parametrize("service", ["kms.providers.get", "security_token_issuers", "client_profiles"])
def test_a_password_that_one_service_refuses_goes_to_no_other(
    modules: Modules, host: Host, form: str, auth_method: str, service: str
) -> None:
    """A host may count each refusal, although the password is right."""
    host.settings(protocols=form)
    host.put_provider("schluessel", type="NATIVE", key_id=KEY_ID)
    host.queue(fault(kind="status", operation=f"*{service}*", error_type="UNAUTHENTICATED", times=None))
    modules.run("esx_api_info", auth_method=auth_method)

    refused = [record for record in host.journal if record.fault and record.authentication in ("basic", "user_pass")]

    assert len(refused) <= 1

    if auth_method == "basic":
        assert len(refused) == 1


@pytest.mark.parametrize("form", FORMS)
def test_a_locked_down_host(modules: Modules, host: Host, form: str) -> None:
    host.settings(protocols=form, lockdown=True)
    ran = modules.run("esx_api_info")

    assert ran.result["failure"]["code"] == "unauthenticated"
    assert "lockdown" in ran.message
    assert host.login_attempts == 1
    assert ran.result["api"]["logins"]["token"]["reason"] == "refused"


def test_a_host_that_speaks_neither(modules: Modules, host: Host) -> None:
    host.behave_as("esx-7.0")
    ran = modules.run("esx_api_info")

    assert ran.result["failure"]["code"] == "unexpected_answer"

    api = ran.result["api"]

    assert (api["api_protocol"], api["rest"], api["jsonrpc"]) == (None, False, False)
    assert {(answer["status"], answer["body"]) for answer in api["answers"]} == {(400, "empty")}
    assert host.login_attempts == 0
    assert passwords_sent(host) == 2


@pytest.mark.parametrize(
    ("host_profile", "rest_answer"),
    [
        ("esx-8.0.2-jsonrpc", (400, "json")),
        ("esx-9.1-jsonrpc", (400, "text: Unsupported content type")),
    ],
)
def test_the_profiles_of_the_simulator(
    modules: Modules, host: Host, host_profile: str, rest_answer: tuple[int, str]
) -> None:
    host.behave_as(host_profile)
    api = api_of(modules)

    assert (api["rest"], api["jsonrpc"]) == (False, True)

    basic = [(each["service"], each["works"], each["reason"]) for each in api["logins"]["basic"]["services"]]

    assert basic == [(KMS, True, "accepted"), (STI, False, "tokens_only")]

    answers = {(each["question"], each["api_protocol"]): (each["status"], each["body"]) for each in api["answers"]}

    assert answers["unknown path", "rest"] == rest_answer

    errors = {each["question"]: each["error"] for each in api["answers"] if each["api_protocol"] == "jsonrpc"}

    assert errors["unknown service"] == errors["unknown operation"] == "OPERATION_NOT_FOUND"
    assert host.failed_logins == 0


def test_introspection_with_the_token(modules: Modules, host: Host) -> None:
    host.settings(protocols="jsonrpc", introspection="authenticated", provider_delete="supported")
    api = api_of(modules)

    assert api["introspection"] == "with_the_login"
    assert known(api, KMS)["delete"] is True

    asked = [record.authentication for record in host.journal if record.operation is None]

    assert "bearer" in asked


def test_without_introspection_the_services_are_asked(modules: Modules, host: Host) -> None:
    host.settings(protocols="jsonrpc", introspection="absent", client_profiles_service=False, provider_get=False)
    api = api_of(modules)

    assert api["introspection"] == "none"
    assert known(api, PROFILES) == dict.fromkeys(("create", "get", "update", "delete")) | {
        "service": False,
        "list": False,
    }
    assert known(api, KMS) == {"service": True, "list": True, "get": False, "create": None, "delete": None}


def test_questions_about_what_there_is_carry_no_credentials(modules: Modules, host: Host) -> None:
    host.settings(protocols="both")
    questions = ("without credentials", "unknown path", "unknown operation", "unknown service", "introspection")
    answers = [each for each in api_of(modules)["answers"] if each["question"] in questions]

    assert len(answers) >= 7
    assert {each["credentials"] for each in answers} == {"none"}


@pytest.mark.parametrize("form", FORMS)
def test_a_host_without_a_token_service(modules: Modules, host: Host, form: str) -> None:
    host.settings(protocols=form, token_service=False)
    api = api_of(modules)

    assert api["logins"]["token"] == {"works": False, "reason": "not_offered"}
    assert api["logins"]["basic"]["works"] is True
    assert known(api, TOKEN)["service"] is False
    assert known(api, STI)["get"] is True


def test_a_host_that_takes_no_token(modules: Modules, host: Host) -> None:
    host.settings(bearer_on_services=False)
    api = api_of(modules)

    assert api["logins"]["basic"]["works"] is True
    assert known(api, KMS)["get"] is True


@pytest.mark.of_rest
def test_basic_is_given_up_after_one_refusal(modules: Modules, host: Host) -> None:
    host.settings(basic_on_services=False)
    api = api_of(modules)

    assert api["logins"]["basic"] == {
        "works": False,
        "reason": "refused",
        "services": [{"service": KMS, "works": False, "reason": "refused"}],
    }

    assert passwords_sent(host) == 2


def test_an_account_that_nothing_is_granted_to(modules: Modules, host: Host) -> None:
    host.settings(protocols="jsonrpc", token_needs_entitlements=True)
    host.put_account("guest", "Guest-Pass-1", ())
    ran = modules.run("esx_api_info", username="guest", password="Guest-Pass-1")

    assert ran.failed
    assert ran.result["api"]["logins"]["token"] == {"works": False, "reason": "no_entitlements"}
    assert host.login_attempts == 1

    report = _probe.build([ran.result], [{}], None, "2026-01-31T08:00:00Z")

    assert report["hosts"][0]["outcome"] == "account may not do this"
    assert not any(name in json.dumps(report) for name in ("guest", "Guest-Pass-1"))


@pytest.mark.of_rest
def test_other_ways_to_log_in(modules: Modules, host: Host) -> None:
    host.settings(session_service=True)
    token = host.create_token()
    api = api_of(modules, access_token=token)

    assert api["logins"] == {
        "token": {"works": True, "reason": "given"},
        "basic": {"works": None, "reason": "not_asked"},
    }
    assert host.login_attempts == 0

    api = api_of(modules, auth_method="session")

    assert [api["logins"][name]["works"] for name in ("session", "token", "basic")] == [True] * 3
    assert host.open_sessions == 0

    api = api_of(modules, auth_method="basic")

    assert api["logins"]["token"]["works"] is True

    ran = modules.run("esx_api_info", access_token="no-token-of-this-host")

    assert ran.result["failure"]["code"] == "unauthenticated"
    assert ran.result["api"]["logins"]["token"] == {"works": False, "reason": "refused"}


@pytest.mark.parametrize("style", ["pem_crlf", "base64", "escaped", "one_line"])
@pytest.mark.parametrize("projection", [True, False])
def test_how_certificates_come_back(modules: Modules, host: Host, style: str, projection: bool) -> None:
    host.settings(certificate_format=style, projection_supported=projection)
    host.put_issuer("a", "https://a", [chain(1), chain(2)])
    certificates = api_of(modules)["certificates"]

    forms = {
        "pem_crlf": "pem, CRLF",
        "base64": "base64",
        "escaped": "pem, line ends written out",
        "one_line": "pem, one line",
    }

    assert certificates["forms"] == [forms[style]]
    assert certificates["full_projection"] is projection
    assert certificates["chain_lengths"] == ([1, 2])


def test_a_host_that_is_not_there_is_no_finding(modules: Modules) -> None:
    ran = modules.run("esx_api_info", port=1, retries=0)
    assert ran.result["failure"]["code"] == "unreachable"
    assert "api" not in ran.result


def test_a_host_that_dies_on_the_way_is_not_asked_for_ever(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="reset_before", operation="*.get", times=None))
    host.queue(fault(kind="reset_before", operation="*issuers.list", times=None))
    api = api_of(modules, retries=0)
    lost = [answer for answer in api["answers"] if answer["status"] is None]

    assert 1 <= len(lost) <= 2
    assert api["introspection"] == "none"
