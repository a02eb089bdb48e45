# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run that failed half-way does and says: what was sent, what is in doubt, what is missing on the host now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field

import pytest

from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._engine.host import Host
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import one_issuer
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import KmsProviders
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from support.certificates import chain
from support.constants import KEY
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.memory import api_error

KEY_ID = "12345678-abcd-1234-cdef-123456789abc"
OTHER_KEY_ID = "99999999-abcd-1234-cdef-123456789abc"
ISSUER = "https://vc/openidconnect/vsphere.local"
OLD, NEW = chain(subject="old"), chain(subject="new")
AGAIN = "Run the task again now: until then the host does not have it."


def provider() -> Host:
    params = {"provider": "nkp", "key_id": KEY_ID, "key_derivation_key": KEY, "state": "present"}
    return Host((KmsProviders((DesiredKmsProvider.from_params(params),)),), single=True)


def issuer() -> Host:
    params = {
        "issuer_alias": "vc",
        "issuer": ISSUER,
        "signing_cert_chains": [{"cert_chain": NEW}],
        "chains_mode": "exact",
        "issuer_conflict": "rename",
        "state": "present",
    }
    return one_issuer(DesiredTokenIssuer.from_params(params))


def renaming() -> ScriptedClient:
    """A host where declaring `issuer()` takes a deletion and a creation."""
    host = MemoryHost()
    host.hold_issuer("leftover", ISSUER, [OLD])
    return ScriptedClient(host, retries=0)


def failure(client: ScriptedClient, declaration: Host) -> TrustError:
    with pytest.raises(TrustError) as caught:
        converge(client.as_client(), declaration, check_mode=False)
    return caught.value


def operations(error: TrustError) -> list[tuple[str, str]]:
    return [(entry["operation"], entry["id"]) for entry in error.operations]


def broken() -> TrustError:
    return api_error("INTERNAL_SERVER_ERROR", 500)


def passes(client: ScriptedClient, call: str) -> None:
    """Nothing happens to the next such call."""
    client.is_raced(call, lambda host: None)


# What was sent


def test_a_conflict_at_first_sight_says_that_nothing_was_sent() -> None:
    host = MemoryHost()
    host.hold_provider("nkp", key_id=OTHER_KEY_ID)
    assert failure(ScriptedClient(host), provider()).message.endswith(". Nothing was sent.")


@pytest.mark.parametrize("trouble", ["lost", "refused"])
def test_a_conflict_after_a_write_does_not_say_that_nothing_was_sent(trouble: str) -> None:
    client = ScriptedClient(MemoryHost())
    if trouble == "lost":
        client.loses_request("create")
        passes(client, "get")
        client.is_raced("get", lambda host: host.hold_provider("nkp", key_id=OTHER_KEY_ID))
    else:
        client.is_raced("create", lambda host: host.hold_provider("nkp", key_id=OTHER_KEY_ID))
    error = failure(client, provider())
    assert error.code == "conflict"
    assert "othing was sent" not in error.message
    assert error.message.endswith(".")
    assert error.operations == []


def test_a_race_in_the_middle_of_a_renaming_is_renamed_too() -> None:
    client = renaming()
    client.retries_left = 3

    def race(host: MemoryHost) -> None:
        host.hold_issuer("elsewhere", ISSUER, [OLD])
        host.hold_issuer("vc", "https://another", [OLD])

    client.is_raced("create", race)
    done = converge(client.as_client(), issuer(), check_mode=False)
    assert [(step.action, step.id) for step in done.steps] == [
        ("update", "leftover"),
        ("update", "elsewhere"),
        ("update", "vc"),
        ("delete", "leftover"),
        ("delete", "elsewhere"),
    ]
    assert list(client.memory.issuers) == ["vc"]


# What is explained


@dataclass(frozen=True)
class Recording(Host):
    """A host that remembers what it was asked to explain."""

    explained: list[tuple[TrustError, Step, str]] = field(default_factory=list)

    def explain(self, error: TrustError, step: Step, host: str) -> TrustError:
        self.explained.append((error, step, host))
        return super().explain(error, step, host)


@pytest.mark.parametrize("error_type", ["INVALID_ARGUMENT", "UNAUTHORIZED", "SERVICE_UNAVAILABLE"])
@pytest.mark.parametrize("looks", [True, False])
def test_a_refused_write_is_explained_as_what_it_is(error_type: str, looks: bool) -> None:
    refusal: TrustError = api_error(error_type)
    if error_type == "UNAUTHORIZED":
        refusal = Unauthorized("esx01: no.", status=403, error_type=error_type)
    client = ScriptedClient(MemoryHost(), retries=0)
    client.fails("create", lambda: refusal)
    passes(client, "get")
    if not looks:
        client.fails("get", broken)
    declaration = Recording(provider().resources, single=True)
    assert failure(client, declaration) is refusal
    assert {(error, step.action, step.id, host) for error, step, host in declaration.explained} == {
        (refusal, "create", "nkp", "esx01")
    }


def test_a_doubt_that_stays_is_told_with_both_reasons() -> None:
    client = ScriptedClient(MemoryHost(), retries=0)
    client.loses_request("create")
    passes(client, "get")
    client.fails("get", broken)
    error = failure(client, provider())
    assert error.message == (
        "esx01: the answer was lost (reset). Reading again failed too, so nobody knows whether the create of"
        " kms_provider 'nkp' was carried out: esx01: failed (500 INTERNAL_SERVER_ERROR)."
    )
    assert error.hint == "Run the task again; it looks at the host first."


# What is missing now


def test_what_could_not_be_put_back_is_said_behind_the_cause_with_what_to_do() -> None:
    client = renaming()

    def refusal() -> TrustError:
        error = api_error("INVALID_ARGUMENT")
        error.hint = "As it was."
        return error

    client.fails("create", refusal)
    passes(client, "update")
    client.fails("update", refusal, times=9)
    error = failure(client, issuer())
    assert error.message == ("esx01: failed (400 INVALID_ARGUMENT). The token_issuer 'leftover' could not be put back.")
    assert error.hint == f"As it was. {AGAIN}"


def doubtful(lose: Callable[[ScriptedClient], None]) -> ScriptedClient:
    """The answer to the marking is lost, and so is the look after it."""
    client = renaming()
    lose(client)
    passes(client, "list")
    client.fails("list", broken)
    return client


def test_a_marking_in_doubt_that_happened_is_put_back() -> None:
    client = doubtful(lambda client: client.loses_answer("update"))
    error = failure(client, issuer())
    assert error.message.endswith(" The token_issuer 'leftover' was put back as it was.")
    assert client.memory.issuers["leftover"]["issuer"] == ISSUER
    assert client.calls == ["list", "update", "list", "list", "update"]


def test_a_marking_in_doubt_that_did_not_happen_needs_nothing() -> None:
    client = doubtful(lambda client: client.loses_request("update"))
    error = failure(client, issuer())
    assert "put back" not in error.message
    assert error.not_restored == []
    assert error.operations == []
    assert client.calls == ["list", "update", "list", "list"]


def test_what_cannot_be_looked_at_is_handed_over_whole() -> None:
    client = renaming()
    client.loses_answer("update")
    passes(client, "list")
    client.fails("list", broken, times=9)
    error = failure(client, issuer())
    assert error.message.endswith(" The token_issuer 'leftover' could not be put back.")
    (lost,) = error.not_restored
    assert (lost["issuer_alias"], lost["issuer"]) == ("leftover", ISSUER)
    assert client.writes == ["update"]
