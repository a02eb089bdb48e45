# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edges of the two services: what is asked of a host, what is made of its words, and what a person reads."""

from __future__ import annotations

import base64
import copy
import datetime
import json
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.rest import url_path
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile
from ansible_collections.esx.trust.plugins.module_utils._services import issuers_and_profiles
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Certificate
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_options
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import validity_warnings
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import DELETE
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import GET
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import LIST
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import KmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer
from support.certificates import chain
from support.certificates import private_keys
from support.constants import KEY
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.memory import plan_one
from support.memory import request_of

KEY_ID = "12345678-abcd-1234-cdef-123456789abc"
ISSUER = "https://vc/openidconnect/vsphere.local"
CONNECTION: dict[str, Any] = {
    "hostname": "esx01",
    "port": 443,
    "username": "root",
    "password": "VMware1!",
    "auth_method": "token",
    "access_token": None,
    "saml_token": None,
    "validate_certs": True,
    "ca_path": None,
    "thumbprint": None,
    "proxy_host": None,
    "proxy_port": None,
    "timeout": 30,
    "retries": 0,
}


class Told(ScriptedClient):
    """A client whose host answers from a table, and that remembers what it was asked and whom it serves."""

    def __init__(self, answers: dict[Operation, Any]) -> None:
        super().__init__(MemoryHost(), retries=0)
        self.answers = answers
        self.asked: list[Call] = []
        self.given: tuple[Any, ...] = ()
        self.shapes: list[Operation] = []

    def __call__(self, connection: Connection, secrets: Any = ()) -> Told:
        self.given = tuple(secrets)
        return self

    def __enter__(self) -> Told:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def scrub_result(self, result: Mapping[str, Any]) -> dict[str, Any]:
        scrubbed: dict[str, Any] = json.loads(json.dumps(result).replace("secret", "***"))
        return scrubbed

    def wrong_shape(self, operation: Operation) -> UnexpectedAnswer:
        self.shapes.append(operation)
        return super().wrong_shape(operation)

    def _send(self, call: Call) -> Any:
        url_path(call)
        self.asked.append(call)
        answer = self.answers[call.operation]
        if callable(answer):
            answer = answer(call.arguments)
        if isinstance(answer, TrustError):
            answer.operation = call.operation.id
            raise answer
        return answer


def read(monkeypatch: pytest.MonkeyPatch, answers: dict[Operation, Any], **params: Any) -> tuple[dict[str, Any], Told]:
    """esx_kms_provider_info on a host with these answers."""
    told = Told(answers)
    monkeypatch.setattr(kms_provider, "connect", told)
    given = {**CONNECTION, "provider": None, "available": None, **params}
    return kms_provider.run_info(given, False), told


def native(path: Any) -> dict[str, Any]:
    return {"type": "NATIVE", "native_info": {"key_id": KEY_ID}}


# Reading key providers


def test_filters_are_sent_and_also_applied_here(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [{"provider": name, "available": name != "c"} for name in ("b", "a", "c")]
    answers = {LIST: listed, GET: native}
    everything, told = read(monkeypatch, answers)
    assert [each["provider"] for each in everything["kms_providers"]] == ["a", "b", "c"]
    assert told.asked[0] == LIST()
    one, told = read(monkeypatch, answers, provider="b")
    assert [each["provider"] for each in one["kms_providers"]] == ["b"]
    assert told.asked[0] == LIST(filter_spec={"providers": ["b"]})
    assert GET(provider="b") in told.asked
    for available, names in ((True, ["a", "b"]), (False, ["c"])):
        some, told = read(monkeypatch, answers, available=available)
        assert [each["provider"] for each in some["kms_providers"]] == names
        assert told.asked[0] == LIST(filter_spec={"available": available})
    none, _told = read(monkeypatch, answers, provider="b", available=False)
    assert none["kms_providers"] == []


@pytest.mark.parametrize("filters", [{"provider": "b"}, {"provider": "b", "available": True}])
def test_providers_that_do_not_match_are_not_asked_for(
    monkeypatch: pytest.MonkeyPatch, filters: dict[str, Any]
) -> None:
    listed = [{"provider": name, "available": name != "c"} for name in ("a", "b", "c")]
    _found, told = read(monkeypatch, {LIST: listed, GET: native}, **filters)
    assert [call for call in told.asked if call.operation is GET] == [GET(provider="b")]


def test_a_failure_over_another_provider_is_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    def only_b(path: dict[str, str]) -> Any:
        return native(path) if path["provider"] == "b" else ApiError("broken", status=500, error_type="ERROR")

    listed = [{"provider": name, "available": True} for name in ("a", "b")]
    found, _told = read(monkeypatch, {LIST: listed, GET: only_b}, provider="b")
    assert [each["provider"] for each in found["kms_providers"]] == ["b"]


@pytest.mark.parametrize("name", ["", " a", "a\n"])
def test_a_name_to_look_for_must_be_one(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"^provider: "):
        read(monkeypatch, {LIST: []}, provider=name)


@pytest.mark.parametrize(
    ("details", "texts"),
    [
        ([{"localized": "Kaputt, secret", "default_message": "Broken"}], ["Kaputt, ***"]),
        ([{"default_message": "Broken"}, {"localized": "", "default_message": "Really"}], ["Broken", "Really"]),
        ([{"id": "x"}], [""]),
        ([None, "text", {"localized": "So"}], ["So"]),
        (None, []),
        ("text", []),
        ({"localized": "no list"}, []),
    ],
)
def test_details_are_the_host_s_words_without_secrets(
    monkeypatch: pytest.MonkeyPatch, details: Any, texts: list[str]
) -> None:
    found, _told = read(monkeypatch, {LIST: [{"provider": "a", "available": True, "details": details}], GET: native})
    assert found["kms_providers"] == [
        {"provider": "a", "type": "NATIVE", "key_id": KEY_ID, "available": True, "details": texts}
    ]


def test_the_oldest_release_lists_and_does_not_get(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = ApiError("no", status=404, error_type="OPERATION_NOT_FOUND")
    found, _told = read(monkeypatch, {LIST: [{"provider": "a", "available": True}], GET: unknown})
    assert found["kms_providers"] == [{"provider": "a", "type": None, "key_id": None, "available": True, "details": []}]
    assert found["warnings"] == ["esx01: its API does not tell the type and the key_id of 'a'."]


def test_a_provider_that_went_away_meanwhile_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = ApiError("no", status=404, error_type="NOT_FOUND")
    found, _told = read(monkeypatch, {LIST: [{"provider": "a", "available": True}], GET: gone})
    assert found["kms_providers"] == []
    assert found["warnings"] == []


@pytest.mark.parametrize(
    "listed",
    [
        None,
        {},
        [None],
        ["a"],
        [{"provider": "a"}],
        [{"available": True}],
        [{"provider": 5, "available": True}],
        [{"provider": "a", "available": "yes"}],
        [{"provider": "..", "available": True}],
    ],
)
def test_a_list_of_another_form_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, listed: Any) -> None:
    told = Told({LIST: listed, GET: native})
    monkeypatch.setattr(kms_provider, "connect", told)
    with pytest.raises(UnexpectedAnswer):
        kms_provider.run_info({**CONNECTION, "provider": None, "available": None}, False)
    assert told.shapes == [LIST]


@pytest.mark.parametrize(
    ("listed", "error", "absent"),
    [
        ([], ApiError("no", status=404, error_type="NOT_FOUND"), True),
        ([], ApiError("no", status=404, error_type="NOT_FOUND", inferred=True), True),
        ([{"provider": "other", "available": True}], ApiError("no", status=404), True),
        ([{"provider": "a", "available": True}], ApiError("no", status=404), False),
        ([], ApiError("no", status=404, error_type="OPERATION_NOT_FOUND"), False),
        ([], ApiError("no", status=400), False),
        ([], ApiError("no", status=500, error_type="ERROR"), False),
        ([], UnexpectedAnswer("no", status=404), True),
    ],
)
def test_absent_is_what_the_list_of_the_host_says(listed: Any, error: TrustError, absent: bool) -> None:
    error = copy.copy(error)  # what happens to it must not last
    told = Told({GET: error, LIST: listed})
    if absent:
        assert kms_provider.find(told.as_client(), "a") is None
    else:
        with pytest.raises(type(error)) as caught:
            kms_provider.find(told.as_client(), "a")
        assert caught.value is error
    certain = error.error_type == "NOT_FOUND" and not error.inferred
    assert (LIST in [call.operation for call in told.asked]) == (
        not certain and error.status == 404 and error.error_type != "OPERATION_NOT_FOUND"
    )
    assert all(call == LIST(filter_spec={"providers": ["a"]}) for call in told.asked if call.operation is LIST)


# Declaring key providers


def declared(**options: Any) -> DesiredKmsProvider:
    params = {"provider": "nkp", "key_id": KEY_ID, "key_derivation_key": KEY, "state": "present", **options}
    return DesiredKmsProvider.from_params(params)


def test_the_key_is_a_secret_of_the_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told({GET: native})
    monkeypatch.setattr(kms_provider, "connect", told)
    params = {**CONNECTION, "provider": "nkp", "key_id": KEY_ID, "key_derivation_key": KEY, "state": "present"}
    done = kms_provider.run(params, False)
    assert KEY in told.given
    assert done["changed"] is False
    assert done["diff"]["before_header"] == done["diff"]["after_header"] == "esx01 kms_provider nkp"


def test_another_key_is_a_conflict_that_says_why() -> None:
    plan = kms_provider.plan(KmsProvider("nkp", "NATIVE", "Not-A-UUID"), declared())
    assert plan.conflict is not None
    assert plan.conflict.endswith(". Another key would lock the virtual machines that use this one.")
    assert "not-a-uuid" in plan.conflict.lower()
    assert KEY_ID in plan.conflict


def test_key_ids_that_are_no_uuids_are_compared_without_case() -> None:
    assert kms_provider._same_key_id("Key-ONE", "kEY-one")
    assert not kms_provider._same_key_id("straße", "STRASSE")
    assert not kms_provider._same_key_id("one", "two")


@pytest.mark.parametrize("key_id", ["x", KEY, f"{KEY_ID}0", KEY_ID.replace("-", "", 1)])
def test_what_is_no_uuid_is_refused_and_masked(key_id: str) -> None:
    with pytest.raises(InvalidInput, match=r"^key_id: is no UUID such as [0-9a-f-]{36}\.$") as caught:
        declared(key_id=key_id)
    assert key_id not in caught.value.message
    assert kms_provider.ARGUMENTS.misplaced({"key_id": key_id}) == ({key_id} if len(key_id) >= 8 else set())


@pytest.mark.parametrize("key", ["", "====", "not base64", "ä"])
def test_what_is_no_key_is_refused(key: str) -> None:
    expected = r"^key_derivation_key: is no Base64 of a key \(for a new one: openssl rand -base64 32\)\.$"
    with pytest.raises(InvalidInput, match=expected):
        declared(key_derivation_key=key)


def test_a_key_of_another_length_is_refused() -> None:
    expected = r"^key_derivation_key: has 5 bytes, and a key has 32 \(for a new one: openssl rand -base64 32\)\.$"
    with pytest.raises(InvalidInput, match=expected):
        declared(key_derivation_key=base64.b64encode(b"short").decode())


@pytest.mark.parametrize(
    ("error", "known"),
    [
        (ApiError("no", status=404, error_type="NOT_FOUND"), False),
        (ApiError("no", status=404, error_type="OPERATION_NOT_FOUND"), False),
        (ApiError("no", status=405, error_type="INVALID_REQUEST"), False),
        (ApiError("no", status=400, error_type="UNSUPPORTED"), False),
        (UnexpectedAnswer("no", status=400), False),
        (UnexpectedAnswer("no", status=404), False),
        (UnexpectedAnswer("no", status=405), False),
        (UnexpectedAnswer("no", status=501), False),
        (UnexpectedAnswer("no", status=500), True),
        (UnexpectedAnswer("no", status=200), True),
        (ApiError("no", status=404), True),
        (ApiError("no", status=400, error_type="RESOURCE_IN_USE"), True),
        (ApiError("no", status=500, error_type="ERROR"), True),
    ],
)
def test_a_host_that_cannot_delete_is_told_from_one_that_does_not(error: TrustError, known: bool) -> None:
    error = copy.copy(error)  # what happens to it must not last
    error.operation = DELETE.id
    step = Step("delete", "kms_provider", "nkp", KmsProvider("nkp", "NATIVE", KEY_ID))
    explained = kms_provider.KmsProviders((declared(state="absent"),)).explain(error, step, "esx01")
    assert explained is error
    assert (explained.message == "no") == known
    if not known:
        answer = " ".join(str(part) for part in (error.status, error.error_type) if part)
        assert explained.message.startswith("esx01: the key provider 'nkp' is still there")
        assert explained.message.endswith(f"(DELETE was answered with {answer}).")
        assert explained.hint.startswith("It can only be removed by what put it there, for instance vCenter;")
        assert explained.hint.endswith("uses it first.")


@pytest.mark.parametrize("operation", [GET, LIST, kms_provider.CREATE])
def test_only_a_refused_deletion_is_explained_so(operation: Operation) -> None:
    step = Step("delete", "kms_provider", "nkp", KmsProvider("nkp", "NATIVE", KEY_ID))
    error = ApiError("as it was", operation=operation.id, status=404, error_type="NOT_FOUND")
    assert kms_provider.KmsProviders((declared(),)).explain(error, step, "esx01").message == "as it was"


# Issuers


@contextmanager
def issuers(monkeypatch: pytest.MonkeyPatch, *held: dict[str, Any]) -> Iterator[Told]:
    told = Told({token_issuer.LIST: list(held), client_profile.LIST: []})
    monkeypatch.setattr(issuers_and_profiles, "connect", told)
    yield told


def issuer(chains: list[list[str]], **options: Any) -> dict[str, Any]:
    declared_chains = [{"cert_chain": pems} for pems in chains]
    return {
        **CONNECTION,
        "issuer_alias": "vc",
        "issuer": ISSUER,
        "signing_cert_chains": declared_chains,
        "chains_mode": "exact",
        "issuer_conflict": "fail",
        "state": "present",
        **options,
    }


def test_a_diff_shows_certificates_and_not_their_text(monkeypatch: pytest.MonkeyPatch) -> None:
    with issuers(monkeypatch):
        done = issuers_and_profiles.run_token_issuer(issuer([chain(2)]), True)
    assert done["diff"]["before"] == {}
    assert set(done["diff"]["after"]) == {"issuer_alias", "issuer", "certificates"}
    assert done["diff"]["after"]["certificates"] == done["token_issuer"]["certificates"]
    assert "signing_cert_chains" in done["token_issuer"]
    assert done["diff"]["after_header"] == "esx01 token_issuer vc"


def test_an_expired_certificate_is_warned_of_by_the_clock_of_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    chains = [chain(1)]

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            assert tz is datetime.timezone.utc
            return cls(2100, 1, 1, tzinfo=tz)

    monkeypatch.setattr(datetime, "datetime", Clock)
    with issuers(monkeypatch):
        (warning,) = issuers_and_profiles.run_token_issuer(issuer(chains), True)["warnings"]
    assert " expired on 20" in warning


@pytest.mark.parametrize("own", [False, True])
def test_a_conflict_says_which_ways_there_are(own: bool) -> None:
    (held,) = chains_from_options("x", [{"cert_chain": chain(1, subject="held")}])
    observed = [TokenIssuer("leftover", ISSUER, (held,))]
    if own:
        observed.append(TokenIssuer("vc", "https://another", (held,)))
    desired = DesiredTokenIssuer.from_params(issuer([chain(1)]))
    conflict = plan_one(observed, desired).conflict
    said, ways = ", and 'vc' holds another issuer", "issuer_conflict can be rename"
    if not own:
        said, ways = " with other certificates", "issuer_conflict can be adopt or rename"
    assert conflict == f"the issuer {ISSUER!r} is saved under the alias 'leftover'{said}; {ways}."


def test_a_removal_keeps_the_warning_that_the_issuer_stays_trusted() -> None:
    (held,) = chains_from_options("x", [{"cert_chain": chain(1, subject="held")}])
    observed = [
        TokenIssuer("leftover", ISSUER, (held,)),
        TokenIssuer("vc", "https://another", (held,)),
    ]
    desired = DesiredTokenIssuer("vc", ISSUER, state="absent")
    plan = plan_one(observed[:1], desired)
    assert plan.steps == ()
    assert "stays trusted" in plan.warnings[0]
    assert "holds the issuer 'https://another'" in (plan_one(observed, desired).conflict or "")


@pytest.mark.parametrize("mode", ["exact", "merge"])
def test_renaming_onto_an_alias_with_the_same_chains_in_another_order_changes_only_the_issuer(mode: str) -> None:
    one, two = chains_from_options("x", [{"cert_chain": chain(1, subject=name)} for name in ("one", "two")])
    observed = [
        TokenIssuer("leftover", ISSUER, (one, two)),
        TokenIssuer("vc", "https://another", (two, one)),
    ]
    desired = DesiredTokenIssuer("vc", ISSUER, (one, two), "present", mode, "rename")
    _marking, change, _removal = plan_one(observed, desired).steps
    assert (change.action, change.id) == ("update", "vc")
    assert request_of(change)[2] == {"issuer": ISSUER}


# Names in URLs


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is empty."),
        ("..", "'..' cannot be the name of anything in a URL."),
        ("\ud800", "is no valid Unicode text."),
    ],
)
def test_a_name_that_no_url_can_hold_is_refused_by_its_option(name: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        url_path(GET(provider=name))
    assert caught.value.message == f"provider: {reason}"


# Certificates


def test_a_certificate_is_valid_to_the_last_second() -> None:
    moment = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    exact = "2026-01-01T00:00:00Z"
    alone = Certificate("00", "", not_before=exact, not_after=exact)
    assert validity_warnings([Chain((alone,))], moment) == []
    second = datetime.timedelta(seconds=1)
    (after,) = validity_warnings([Chain((alone,))], moment + second)
    (before,) = validity_warnings([Chain((alone,))], moment - second)
    assert after == f"The certificate (no subject) (SHA-256 00) expired on {exact}."
    assert before == f"The certificate (no subject) (SHA-256 00) is not valid before {exact}."


def test_an_encrypted_private_key_without_its_label_is_still_one() -> None:
    pem = private_keys()["encrypted pkcs8"]
    body = "".join(line for line in pem.splitlines() if "-----" not in line)
    with pytest.raises(InvalidInput, match="holds a private key") as caught:
        chains_from_options("x", [{"cert_chain": [body]}])
    assert body not in caught.value.message


@pytest.mark.parametrize(("text", "masked"), [("1234567", set()), ("12345678", {"12345678"})])
def test_what_is_no_certificate_is_masked_unless_it_is_short(text: str, masked: set[str]) -> None:
    options = {"signing_cert_chains": [{"cert_chain": [text]}]}
    assert token_issuer.ARGUMENTS.misplaced(options) == masked
