# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A login that the host refuses in the middle of a run: the password is not sent again, and the run says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.login import TOKEN_CREATE
from ansible_collections.esx.trust.plugins.module_utils._api.login import is_refused_login
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import LIST
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_reading import names_beside
from support.answers import READ
from support.constants import KEY_ID
from support.converging import failure
from support.converging import host_with_leftover
from support.converging import invalid
from support.converging import issuer
from support.converging import operations
from support.converging import refused
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.transport import ScriptedTransport
from support.transport import client_over
from support.transport import failing


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("options", "first_login"),
    [
        ({}, {"access_token": "token-1"}),
        ({"auth_method": "session"}, "s355"),
        ({"saml_token": "H4s="}, {"access_token": "token-1"}),
    ],
)
def test_a_renewal_that_was_refused_is_not_tried_again(
    transport: ScriptedTransport, options: Any, first_login: Any, status: int
) -> None:
    transport.logins = [first_login, status]
    transport.services = [{}, 401]
    client = client_over(transport, **options)
    client.call(READ())

    refusals = [failing(lambda: client.call(READ())) for _turn in range(4)]

    assert {refusal.status for refusal in refusals} == {status}
    assert transport.asked == ["login", "service", "service", "login"]

    (first, *later) = [refusal.failure() for refusal in refusals]

    assert later == [first] * 3
    assert first.get("login_refused", False) is ("saml_token" not in options)


def test_a_forbidden_login_is_reported_unless_the_account_only_lacks_entitlements(transport: ScriptedTransport) -> None:
    """Tasks that follow, and the look at a fleet, learn from this field that they must not send the password."""
    transport.logins = [403]
    assert failing(lambda: client_over(transport).call(READ())).failure()["login_refused"] is True

    message = {"id": "com.vmware.esx.authentication.token.no_entitlements", "default_message": "None."}
    body = json.dumps({"error_type": "UNAUTHORIZED", "messages": [message]}).encode()
    transport.logins = [Answer(403, {}, body)]

    assert "login_refused" not in failing(lambda: client_over(transport).call(READ())).failure()


@pytest.mark.parametrize("auth_method", ["token", "basic"])
def test_a_service_that_forbids_a_request_has_refused_no_login(transport: ScriptedTransport, auth_method: str) -> None:
    transport.services = [403]
    refusal = failing(lambda: client_over(transport, auth_method=auth_method).call(READ()))
    assert "login_refused" not in refusal.failure()


def test_a_password_that_the_first_service_refused_goes_to_no_other_service(transport: ScriptedTransport) -> None:
    """With auth_method basic, each request is a login."""
    transport.services = [401]
    client = client_over(transport, auth_method="basic")

    refusals = [failing(lambda: client.call(READ())).failure() for _turn in range(3)]

    assert transport.asked == ["service"]
    assert refusals == [refusals[0]] * 3
    assert refusals[0]["login_refused"] is True


@pytest.mark.parametrize("answer", ["proven", "tokens only"])
def test_another_service_may_take_a_password_that_is_not_refused_itself(
    transport: ScriptedTransport, answer: str
) -> None:
    message = {"id": "com.vmware.esx.authentication.bad_authn_scheme", "default_message": "Only tokens."}
    body = json.dumps({"error_type": "UNAUTHENTICATED", "messages": [message]}).encode()
    only_tokens = Answer(401, {}, body)
    client = client_over(transport, auth_method="basic")

    transport.services = [{}, 401, {}] if answer == "proven" else [only_tokens, {}]
    if answer == "proven":
        client.call(READ())

    assert failing(lambda: client.call(READ())).failure()["login_refused"] is False

    client.call(READ())


def test_a_look_beside_that_meets_a_refused_password_ends_the_run() -> None:
    client = ScriptedClient(MemoryHost())
    client.fails("list", basic_refused)
    declared = DesiredKmsProvider.from_params(
        {"provider": "p", "key_id": KEY_ID, "key_derivation_key": "A" * 43 + "=", "state": "present"}
    )
    with pytest.raises(Unauthenticated):
        names_beside(client.as_client(), [declared], [None])


def error_at(error: TrustError, operation: Operation) -> TrustError:
    error.operation = operation.id
    return error


@pytest.mark.parametrize(
    ("error", "is_refusal"),
    [
        (error_at(Unauthorized("no"), TOKEN_CREATE), True),
        (error_at(Unauthenticated("no"), TOKEN_CREATE), True),
        (error_at(Unauthorized("no"), LIST), False),
        (error_at(AnswerLost("lost"), TOKEN_CREATE), False),
    ],
)
def test_only_a_refusal_at_the_login_itself_ends_all_further_operations(error: TrustError, is_refusal: bool) -> None:
    assert is_refused_login(error) is is_refusal


def test_each_further_refusal_is_an_error_of_its_own(transport: ScriptedTransport) -> None:
    """A run adds sentences and lists to an error, which do not belong to the others."""
    transport.logins = [401]
    client = client_over(transport)
    errors = [failing(lambda: client.call(READ())) for _turn in range(3)]

    for error in errors:
        error.message += " More."
        error.not_restored.append({})
        error.returned["more"] = 1

    fresh = failing(lambda: client.call(READ()))

    assert "More." not in fresh.message
    assert (fresh.not_restored, fresh.returned) == ([], {})


# A run that ends for another reason, and meets the refusal while it looks at the host again


def basic_refused() -> TrustError:
    error = refused()
    error.operation = LIST.id
    error.login_refused = True

    return error


def login_refused() -> TrustError:
    error = refused()
    error.operation = TOKEN_CREATE.id
    error.login_refused = True

    return error


def test_a_refusal_of_the_look_after_a_failed_step_is_reported() -> None:
    client = ScriptedClient(MemoryHost())
    client.fails("create", invalid)
    client.passes("list")
    client.fails("list", login_refused)
    error = failure(client, issuer())

    assert (error.error_type, error.failure()["login_refused"]) == ("INVALID_ARGUMENT", True)


@pytest.mark.parametrize("refused_call", ["list", "update"])
def test_a_refusal_while_an_issuer_is_put_back_is_reported(refused_call: str) -> None:
    client = ScriptedClient(host_with_leftover())
    client.fails("create", invalid)
    client.passes(refused_call)

    if refused_call == "list":
        # The look after the failed step.
        client.passes(refused_call)

    client.fails(refused_call, login_refused)
    error = failure(client, issuer())

    assert (error.error_type, error.failure()["login_refused"]) == ("INVALID_ARGUMENT", True)
    assert [lost["issuer_alias"] for lost in error.not_restored] == ["leftover"]


def test_a_refusal_of_the_last_look_is_reported_with_the_steps_that_were_done() -> None:
    client = ScriptedClient(MemoryHost())
    client.passes("list")
    client.fails("list", login_refused)
    error = failure(client, issuer())

    assert error.failure()["login_refused"] is True
    assert operations(error) == [("create", "vc")]
    assert "put back" not in error.message


def test_another_failure_does_not_speak_of_logins() -> None:
    client = ScriptedClient(MemoryHost())
    client.fails("create", invalid)
    assert "login_refused" not in failure(client, issuer()).failure()
