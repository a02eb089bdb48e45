# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run that failed half-way does and says: what was sent, what is in doubt, what is missing on the host now."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils import _kms_provider
from ansible_collections.esx.trust.plugins.module_utils import _token_issuer
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._converge import Declaration
from ansible_collections.esx.trust.plugins.module_utils._converge import converge
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._plan import Step
from builders import chain
from builders.memory import MemoryHost
from builders.memory import ScriptedClient
from builders.memory import api_error

KEY = base64.b64encode(bytes(range(32))).decode()
KEY_ID = "12345678-abcd-1234-cdef-123456789abc"
OTHER_KEY_ID = "99999999-abcd-1234-cdef-123456789abc"
ISSUER = "https://vc/openidconnect/vsphere.local"
OLD, NEW = chain(subject="old"), chain(subject="new")
MEND = "Mend this at once: until then the host does without it."


def provider() -> Declaration:
    params = {"provider": "nkp", "key_id": KEY_ID, "key_derivation_key": KEY, "state": "present"}
    return _kms_provider._Declared(_kms_provider.DesiredKmsProvider.from_params(params))


def issuer() -> Declaration:
    params = {
        "issuer_alias": "vc",
        "issuer": ISSUER,
        "signing_cert_chains": [{"cert_chain": NEW}],
        "chains_mode": "exact",
        "issuer_conflict": "rename",
        "state": "present",
    }
    return _token_issuer._Declared(_token_issuer.DesiredTokenIssuer.from_params(params))


def renaming() -> ScriptedClient:
    """A host where declaring `issuer()` takes a deletion and a creation."""
    host = MemoryHost()
    host.hold_issuer("leftover", ISSUER, [OLD])
    return ScriptedClient(host, retries=0)


def failure(client: ScriptedClient, declaration: Declaration) -> TrustError:
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
        ("delete", "leftover"),
        ("delete", "elsewhere"),
        ("update", "vc"),
    ]


# What is explained


class Recording:
    """A declaration that remembers what it was asked to explain."""

    def __init__(self, inner: Declaration) -> None:
        self._inner = inner
        self.explained: list[tuple[TrustError, Step, str]] = []

    def observe(self, client: Client) -> Any:
        return self._inner.observe(client)

    def plan(self, observed: Any) -> Plan:
        return self._inner.plan(observed)

    def explain(self, error: TrustError, step: Step, host: str) -> TrustError:
        self.explained.append((error, step, host))
        return self._inner.explain(error, step, host)

    def after(self, step: Step) -> Declaration:
        return self

    def restored(self, observed: Any, step: Step) -> bool:
        return self._inner.restored(observed, step)

    def misses(self, observed: Any, step: Step) -> bool:
        return self._inner.misses(observed, step)


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
    declaration = Recording(provider())
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


def test_what_could_not_be_put_back_is_handed_over_whole() -> None:
    client = renaming()
    held = [OLD[0].strip()]
    client.fails("create", lambda: api_error("INVALID_ARGUMENT"), times=9)
    error = failure(client, issuer())
    assert error.message == (
        "esx01: failed (400 INVALID_ARGUMENT)."
        " The token_issuer 'leftover' was deleted to be replaced and could not be put back."
    )
    assert error.hint == MEND
    (lost,) = error.not_restored
    assert (lost["issuer_alias"], lost["issuer"]) == ("leftover", ISSUER)
    assert [[text.strip() for text in each["cert_chain"]] for each in lost["signing_cert_chains"]] == [held]
    assert operations(error) == [("delete", "leftover")]


def test_what_to_do_about_the_cause_is_still_said() -> None:
    client = renaming()

    def refusal() -> TrustError:
        error = api_error("INVALID_ARGUMENT")
        error.hint = "As it was."
        return error

    client.fails("create", refusal, times=9)
    assert failure(client, issuer()).hint == f"As it was. {MEND}"


def test_what_was_put_back_is_said_behind_the_cause() -> None:
    client = renaming()
    client.fails("create", lambda: api_error("INVALID_ARGUMENT"))
    error = failure(client, issuer())
    assert error.message == (
        "esx01: failed (400 INVALID_ARGUMENT). The token_issuer 'leftover', deleted to be replaced, was put back."
    )
    assert error.not_restored == []
    assert operations(error) == [("delete", "leftover"), ("create", "leftover")]
    assert list(client.memory.issuers) == ["leftover"]


def doubtful(lose: Callable[[ScriptedClient], None]) -> ScriptedClient:
    """The answer to the deletion is lost, and so is the look after it."""
    client = renaming()
    lose(client)
    passes(client, "list")
    client.fails("list", broken)
    return client


def test_a_deletion_in_doubt_that_happened_is_put_back() -> None:
    client = doubtful(lambda client: client.loses_answer("delete"))
    error = failure(client, issuer())
    assert error.message.endswith(" The token_issuer 'leftover', deleted to be replaced, was put back.")
    assert list(client.memory.issuers) == ["leftover"]
    assert client.calls == ["list", "delete", "list", "list", "create"]


def test_a_deletion_in_doubt_that_did_not_happen_needs_nothing() -> None:
    client = doubtful(lambda client: client.loses_request("delete"))
    error = failure(client, issuer())
    assert "put back" not in error.message
    assert error.not_restored == []
    assert error.operations == []
    assert client.calls == ["list", "delete", "list", "list", "list"]


def test_a_deletion_in_doubt_that_happens_late_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    client = doubtful(lambda client: client.loses_request("delete"))
    monkeypatch.setattr(client, "pause", client.memory.issuers.clear, raising=False)
    error = failure(client, issuer())
    assert error.message.endswith("was put back.")
    assert list(client.memory.issuers) == ["leftover"]


@pytest.mark.parametrize("certain", [True, False])
def test_only_a_deletion_in_doubt_is_waited_for(monkeypatch: pytest.MonkeyPatch, certain: bool) -> None:
    client = renaming() if certain else doubtful(lambda client: client.loses_request("delete"))
    client.fails("create", lambda: api_error("INVALID_ARGUMENT"))
    waited: list[bool] = []
    monkeypatch.setattr(client, "pause", lambda: waited.append(True), raising=False)
    failure(client, issuer())
    assert waited == ([] if certain else [True])


def test_a_deletion_in_doubt_that_cannot_be_put_back_is_called_doubtful() -> None:
    client = renaming()
    client.loses_answer("delete")
    passes(client, "list")
    client.fails("list", broken, times=9)
    client.fails("create", broken, times=9)
    error = failure(client, issuer())
    assert error.message.endswith(
        " The token_issuer 'leftover' may have been deleted to be replaced and could not be put back."
    )
    assert error.hint.endswith(MEND)
    assert [lost["issuer_alias"] for lost in error.not_restored] == ["leftover"]
    assert client.calls.count("create") == 2


def test_an_account_that_may_not_put_back_is_not_asked_twice() -> None:
    client = renaming()
    client.fails("create", lambda: Unauthorized("esx01: no.", status=403, error_type="UNAUTHORIZED"), times=9)
    error = failure(client, issuer())
    assert "was deleted to be replaced and could not be put back." in error.message
    assert client.calls.count("create") == 2


def test_what_somebody_else_put_back_is_not_claimed() -> None:
    client = renaming()
    client.fails("create", lambda: api_error("INVALID_ARGUMENT"))
    client.is_raced("create", lambda host: host.hold_issuer("leftover", ISSUER, [OLD]))
    error = failure(client, issuer())
    assert "put back" not in error.message
    assert operations(error) == [("delete", "leftover")]
