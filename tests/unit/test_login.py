# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a login is made, with which headers, and what a person reads about one that was refused."""

from __future__ import annotations

import copy
import json
from typing import Any
from typing import Optional

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.login import TOKEN_CREATE
from ansible_collections.esx.trust.plugins.module_utils._api.login import Login
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._module.perform import perform
from ansible_collections.esx.trust.plugins.module_utils._module.perform import scrubbed
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS
from support.answers import READ
from support.transport import JSON
from support.transport import ScriptedTransport
from support.transport import client_over
from support.transport import failing
from support.transport import is_sentence
from support.transport import lost

BASIC = "Basic cm9vdDpWTXdhcmUxIQ=="
NO_ENTITLEMENTS = Answer(
    401,
    {},
    b'{"error_type": "UNAUTHENTICATED", "messages": [{"id": "com.vmware.esx.authentication.token.no_entitlements"}]}',
)
NO_SESSIONS = "ESX hosts have no session service; use auth_method token or basic."


@pytest.mark.parametrize(
    ("options", "login", "answer", "service"),
    [
        ({}, BASIC, {"access_token": "t0k"}, {"Authorization": "Bearer t0k"}),
        ({"saml_token": "H4s="}, 'SIGN token="H4s="', {"access_token": "t0k"}, {"Authorization": "Bearer t0k"}),
        ({"auth_method": "session"}, BASIC, "s355", {"vmware-api-session-id": "s355"}),
        ({"auth_method": "basic"}, None, None, {"Authorization": BASIC}),
        ({"access_token": "ready"}, None, None, {"Authorization": "Bearer ready"}),
    ],
)
def test_each_login_has_its_headers(
    transport: ScriptedTransport, options: Any, login: Any, answer: Any, service: Any
) -> None:
    transport.logins = [answer]
    client_over(transport, **options).call(READ())
    *logins, (method, _path, headers, body) = transport.sent

    assert (method, headers, body) == ("GET", service, None)
    assert [headers for _method, _path, headers, _body in logins] == (
        [{**JSON, "Authorization": login}] if login else []
    )


@pytest.mark.parametrize("token", [None, 5, "", "  ", "tök", "two\nlines", "\x7f", {"access_token": 1}, ["t"]])
def test_a_token_that_no_header_can_carry_is_refused(transport: ScriptedTransport, token: Any) -> None:
    transport.logins = [{"access_token": token}]
    error = failing(lambda: client_over(transport).call(READ()))

    assert isinstance(error, UnexpectedAnswer)
    assert error.operation == TOKEN_CREATE.id
    assert "esx01" in error.message
    assert TOKEN_CREATE.path in error.message
    assert transport.asked == ["login"]


@pytest.mark.parametrize(("auth_method", "answer"), [("session", {"access_token": "t"}), ("token", {"token": "t"})])
def test_a_login_in_the_form_of_the_other_service_is_unexpected(
    transport: ScriptedTransport, auth_method: str, answer: Any
) -> None:
    transport.logins = [answer]
    error = failing(lambda: client_over(transport, auth_method=auth_method).call(READ()))

    assert isinstance(error, UnexpectedAnswer)
    assert "not of the form that the API documents" in error.message
    assert len(transport.sent) == 1


# How often


@pytest.mark.parametrize("auth_method", ["token", "session"])
def test_a_login_that_is_never_accepted_is_made_twice(transport: ScriptedTransport, auth_method: str) -> None:
    transport.logins = ["s1"] if auth_method == "session" else transport.logins
    transport.services = [401]
    client = client_over(transport, auth_method=auth_method)

    assert isinstance(failing(lambda: client.call(READ())), Unauthenticated)
    assert transport.asked == ["login", "service"] * 2
    assert isinstance(failing(lambda: client.call(READ())), Unauthenticated)
    assert transport.asked == ["login", "service", "login", "service", "service"]


def test_each_login_that_was_accepted_may_expire(transport: ScriptedTransport) -> None:
    transport.logins = [{"access_token": f"token-{number}"} for number in range(1, 9)]
    client = client_over(transport)

    for number in range(1, 5):
        transport.services = [401, {}] if number > 1 else [{}]
        client.call(READ())
        assert transport.sent[-1][2]["Authorization"] == f"Bearer token-{number}"

    assert transport.asked.count("login") == 4


def test_after_success_only_one_more_login_is_made(transport: ScriptedTransport) -> None:
    client = client_over(transport)
    client.call(READ())
    transport.services = [401]
    for _turn in range(3):
        failing(lambda: client.call(READ()))

    assert transport.asked.count("login") == 2


@pytest.mark.parametrize("options", [{"auth_method": "basic"}, {"access_token": "ready"}])
def test_what_cannot_be_renewed_is_refused_once(transport: ScriptedTransport, options: Any) -> None:
    transport.services = [401]
    failing(lambda: client_over(transport, **options).call(READ()))
    assert transport.asked == ["service"]


def test_a_password_that_was_good_before_may_be_sent_again(transport: ScriptedTransport) -> None:
    transport.services = [{}, 401]
    client = client_over(transport, auth_method="basic")
    client.call(READ())
    failing(lambda: client.call(READ()))
    failing(lambda: client.call(READ()))

    assert transport.asked == ["service"] * 3


def test_a_refused_token_may_be_sent_again_because_it_locks_no_account(transport: ScriptedTransport) -> None:
    transport.services = [401]
    client = client_over(transport, access_token="ready")
    failing(lambda: client.call(READ()))
    failing(lambda: client.call(READ()))

    assert transport.asked == ["service"] * 2


def test_a_login_without_an_answer_is_made_once_more(transport: ScriptedTransport) -> None:
    transport.logins = [lost()]
    assert isinstance(failing(lambda: client_over(transport, retries=9).call(READ())), AnswerLost)
    assert transport.asked == ["login"] * 2


def test_a_password_over_which_the_host_failed_is_not_in_doubt(transport: ScriptedTransport) -> None:
    """The host said so itself: it was no refusal."""
    transport.services = [500, lost(), {"thing": 1}]
    assert client_over(transport, auth_method="basic", retries=3).call(READ()) == {"thing": 1}
    assert len(transport.sent) == 3


@pytest.mark.parametrize(("status", "may_be_repeated"), [(None, True), (500, True), (503, True), (502, False)])
def test_only_an_answer_of_the_host_itself_leaves_no_doubt_about_a_password(
    status: Optional[int], may_be_repeated: bool
) -> None:
    """Over JSON-RPC an error of the host has no code. Other codes may come from a proxy, which hides the answer."""
    login = Login(Connection("esx01", username="root", password="VMware1!"), LOGIN_HINTS)
    first = ApiError("no", status=status, error_type="INTERNAL_SERVER_ERROR", outcome_unknown=True)
    second = lost()
    for error in (first, second):
        login.failed(error, login.given)

    assert second.retriable is may_be_repeated


def test_a_login_that_the_host_was_too_busy_for_is_made_again(transport: ScriptedTransport) -> None:
    transport.logins = [503, 503, 503, {"access_token": "t"}]
    client_over(transport).call(READ())
    assert transport.asked == ["login"] * 4 + ["service"]


def test_once_logged_in_lost_answers_are_no_matter_of_the_login(transport: ScriptedTransport) -> None:
    client = client_over(transport, retries=3)
    client.call(READ())
    transport.services = [lost(), lost(), lost(), {}]
    client.call(READ())

    assert transport.asked == ["login"] + ["service"] * 5


# What a person is told


@pytest.mark.parametrize(
    ("options", "logins", "services", "words"),
    [
        ({"access_token": "t"}, None, [401], ["access_token", "new one"]),
        ({"saml_token": "H4s="}, [401], None, ["saml_token", "trust"]),
        (
            {},
            [401],
            None,
            ["'root'", "not tried again", "Check the password", "lockdown", "vCenter", "Security Profile"],
        ),
        ({"auth_method": "session"}, [401], None, ["'root'", "not tried again"]),
        (
            {"auth_method": "basic"},
            None,
            [401],
            ["'root'", "not tried again", "Check the password", "take only tokens"],
        ),
        ({}, None, [401], ["then refused it", "IDENTITY_MGMT", "SECURITY_MGMT", "auth_method basic"]),
        ({"auth_method": "session"}, ["s"], [401], ["then refused it", "IDENTITY_MGMT"]),
        ({"saml_token": "H4s="}, None, [401], ["then refused it"]),
        ({}, [NO_ENTITLEMENTS], None, ["password of 'root' may be right", "no client profile"]),
        ({"saml_token": "H4s=", "username": None}, [NO_ENTITLEMENTS], None, ["saml_token may be", "no client profile"]),
    ],
)
def test_a_refused_login_is_explained(
    transport: ScriptedTransport, options: Any, logins: Any, services: Any, words: list[str]
) -> None:
    transport.logins = logins or transport.logins
    transport.services = services or transport.services
    error = failing(lambda: client_over(transport, **options).call(READ()))

    assert isinstance(error, Unauthenticated)
    assert is_sentence(error.hint)
    assert [word for word in words if word not in error.hint] == []

    if "saml_token" in options:
        assert "basic" not in error.hint
        assert "password" not in error.hint


def test_a_saml_token_cannot_be_sent_in_another_way(transport: ScriptedTransport) -> None:
    transport.logins = [ApiError("no", status=404, error_type="NOT_FOUND")]
    error = failing(lambda: client_over(transport, saml_token="H4s=").call(READ()))

    assert is_sentence(error.hint)
    assert "token service" in error.hint
    assert "basic" not in error.hint


def test_a_password_that_the_token_service_refused_is_no_matter_of_the_other_services(
    transport: ScriptedTransport,
) -> None:
    transport.logins = [401]
    assert "take only tokens" not in failing(lambda: client_over(transport).call(READ())).hint


@pytest.mark.parametrize(
    ("auth_method", "reason", "words"),
    [
        ("token", "token.no_entitlements", ["'root'", "IDENTITY_MGMT", "SECURITY_MGMT"]),
        ("basic", "bad_authn_scheme", ["tokens", "auth_method token"]),
    ],
)
def test_a_reason_that_the_host_gives_for_a_refusal_decides_what_to_do(
    transport: ScriptedTransport, auth_method: str, reason: str, words: list[str]
) -> None:
    message = {"id": f"com.vmware.esx.authentication.{reason}", "default_message": "No."}
    body = json.dumps({"error_type": "UNAUTHENTICATED", "messages": [message]}).encode()
    transport.logins = transport.services = [Answer(401, {}, body)]
    error = failing(lambda: client_over(transport, auth_method=auth_method).call(READ()))

    assert is_sentence(error.hint)
    assert [word for word in words if word not in error.hint] == []
    assert "Check the password" not in error.hint


@pytest.mark.parametrize(
    ("auth_method", "answer", "hint"),
    [
        ("token", ApiError("no", status=404, error_type="NOT_FOUND"), "auth_method basic"),
        ("token", ApiError("no", status=404, error_type="OPERATION_NOT_FOUND"), "auth_method basic"),
        ("token", ApiError("no", status=405, error_type="INVALID_REQUEST"), "auth_method basic"),
        ("token", ApiError("no", status=400, error_type="UNSUPPORTED"), "auth_method basic"),
        ("session", ApiError("no", status=404, error_type="NOT_FOUND"), NO_SESSIONS),
        ("session", UnexpectedAnswer("JSON-RPC", status=400), NO_SESSIONS),
    ],
)
def test_a_missing_login_service_is_explained(
    transport: ScriptedTransport, auth_method: str, answer: Any, hint: str
) -> None:
    transport.logins = [copy.copy(answer)]
    error = failing(lambda: client_over(transport, auth_method=auth_method).call(READ()))

    assert hint in error.hint
    assert is_sentence(error.hint)
    assert ("session service" in error.hint) == (auth_method == "session")


@pytest.mark.parametrize("auth_method", ["token", "session"])
def test_a_login_service_that_forbids_the_login_is_not_missing(transport: ScriptedTransport, auth_method: str) -> None:
    transport.logins = [403]
    error = failing(lambda: client_over(transport, auth_method=auth_method).call(READ()))

    assert "Give the account the entitlement" in error.hint
    assert "service" not in error.hint


@pytest.mark.parametrize("answer", [ApiError("no", status=400, error_type="INVALID_ARGUMENT"), UnexpectedAnswer("no")])
def test_other_failures_of_a_login_keep_their_own_hint(transport: ScriptedTransport, answer: TrustError) -> None:
    answer = copy.copy(answer)
    answer.hint = "As it was."
    transport.logins = [answer]

    assert failing(lambda: client_over(transport).call(READ())).hint == "As it was."


def test_a_failed_run_does_not_show_the_token_of_its_login(transport: ScriptedTransport) -> None:
    """A host can have quoted the token in anything that the run has read, such as the name of what was deleted."""
    token = "a-token-of-a-login"
    transport.logins = [{"access_token": token}]

    def run(_params: Any, _check_mode: bool) -> dict[str, Any]:
        with client_over(transport) as client:
            client.call(READ())
            error = TrustError("esx01: the deletion failed.")
            error.operations = [{"operation": "delete", "resource": "token_issuer", "id": f"alias-{token}"}]
            raise error

    result, secrets = perform(run, {}, check_mode=False, diff=False, written={}, arguments=ARGUMENTS)

    assert token in str(result)
    assert token not in str(scrubbed(ARGUMENTS, result, [], secrets))
