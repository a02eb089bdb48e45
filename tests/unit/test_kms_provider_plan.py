# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned for a key provider: every row of the table, and what holds in all of them."""

from __future__ import annotations

import base64
import copy
import uuid
from typing import Any
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import CREATE
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import DELETE
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import GET
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import LIST
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import KmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_module import ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_plan import plan
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_reading import find
from ansible_collections.esx.trust.plugins.module_utils._services.kms_providers import KmsProviders
from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.memory import request_of

PARAMS = {"provider": "nkp", "key_id": KEY_ID, "key_derivation_key": KEY, "state": "present"}

names = st.sampled_from(["nkp", "other"])
key_ids = st.sampled_from([KEY_ID, KEY_ID.upper(), OTHER_KEY_ID, KEY_ID.replace("-", "")])
keys = st.binary(min_size=32, max_size=32).map(lambda raw: base64.b64encode(raw).decode())
observations = st.none() | st.builds(
    KmsProvider,
    provider=st.just("nkp"),
    type=st.sampled_from(["NATIVE", "TRUST_AUTHORITY", "NEWER"]),
    key_id=st.none() | key_ids | st.sampled_from(["", "no uuid"]),
)


@st.composite
def declarations(draw: st.DrawFn) -> DesiredKmsProvider:
    state = draw(st.sampled_from(["present", "absent"]))
    return DesiredKmsProvider.from_params(
        {
            "provider": "nkp",
            "state": state,
            "key_id": draw(key_ids if state == "present" else st.none() | key_ids),
            "key_derivation_key": draw(st.none() | keys),
        }
    )


def desired(**changes: Any) -> DesiredKmsProvider:
    return DesiredKmsProvider.from_params({**PARAMS, **changes})


def observe(host: MemoryHost) -> Optional[KmsProvider]:
    return find(ScriptedClient(host).as_client(), "nkp")


def host_with(observed: Optional[KmsProvider]) -> MemoryHost:
    host = MemoryHost()
    if observed:
        host.hold_provider(observed.provider, observed.type, observed.key_id)
    return host


def test_what_is_not_there_is_created() -> None:
    planned = plan(None, desired())
    assert [step.describe() for step in planned.steps] == [
        {"operation": "create", "resource": "kms_provider", "id": "nkp"}
    ]

    assert request_of(planned.steps[0])[2] == {
        "provider": "nkp",
        "native_spec": {"key_id": KEY_ID, "key_derivation_key": KEY},
    }
    assert KEY not in repr(planned)
    assert planned.before == {}
    assert planned.after == {"provider": "nkp", "type": "NATIVE", "key_id": KEY_ID}


@pytest.mark.parametrize("spelling", [KEY_ID, KEY_ID.upper(), KEY_ID.replace("-", ""), f" {KEY_ID}\n"])
@pytest.mark.parametrize("key", [KEY, None])
def test_what_is_there_with_the_same_key_id_is_left_alone(spelling: str, key: Optional[str]) -> None:
    observed = KmsProvider("nkp", "NATIVE", KEY_ID)
    planned = plan(observed, desired(key_id=spelling, key_derivation_key=key))

    assert planned.steps == ()
    assert not planned.conflict
    assert planned.before == planned.after == observed.record()


def test_the_hosts_own_spelling_of_a_key_id_is_no_difference() -> None:
    for spelling in (KEY_ID.upper(), f"{KEY_ID.upper()}\n", f" {KEY_ID} "):
        assert not plan(KmsProvider("nkp", "NATIVE", spelling), desired()).conflict


def test_creating_needs_the_key() -> None:
    planned = plan(None, desired(key_derivation_key=None))
    assert planned.steps == ()
    assert "key_derivation_key" in planned.conflict


def test_a_provider_that_is_listed_and_unknown_is_neither_created_nor_called_missing() -> None:
    planned = plan(None, desired(), ["nkp"])
    assert (planned.status, planned.steps) == ("conflict", ())
    assert "'nkp'" in planned.conflict

    # Nobody wants it to be there.
    unwanted = plan(None, desired(state="absent"), ["nkp"])

    assert (unwanted.status, unwanted.steps, unwanted.conflict) == ("ok", (), "")


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize(
    ("type_", "key_id", "says"),
    [
        ("NATIVE", OTHER_KEY_ID, OTHER_KEY_ID),
        ("NATIVE", "Not-A-UUID", "not-a-uuid"),
        ("TRUST_AUTHORITY", None, "TRUST_AUTHORITY"),
        ("NATIVE", None, "key_id"),
    ],
)
def test_another_key_is_a_conflict_that_says_what_is_there(
    state: str, type_: str, key_id: Optional[str], says: str
) -> None:
    planned = plan(KmsProvider("nkp", type_, key_id), desired(state=state))
    assert planned.steps == ()

    conflict = planned.conflict

    assert says in conflict.replace("Not-A-UUID", "not-a-uuid")
    assert "'nkp'" in conflict

    if type_ == "NATIVE" and key_id:
        assert KEY_ID in conflict
        assert conflict.endswith(". Another key would lock the virtual machines that use this key.")

    assert planned.before == planned.after


def test_absent_deletes_what_is_there() -> None:
    planned = plan(KmsProvider("nkp", "NATIVE", KEY_ID), desired(state="absent", key_id=None))
    assert [step.describe()["operation"] for step in planned.steps] == ["delete"]
    assert request_of(planned.steps[0])[1:] == ({"provider": "nkp"}, None)
    assert planned.after == {}


def test_absent_of_what_is_absent_is_nothing_to_do() -> None:
    planned = plan(None, desired(state="absent", key_id=None, key_derivation_key=None))
    assert (planned.steps, planned.conflict, planned.before, planned.after) == ((), "", {}, {})


@given(observations, declarations())
def test_a_provider_with_another_key_is_never_touched(
    observed: Optional[KmsProvider], declared: DesiredKmsProvider
) -> None:
    if observed is None or declared.key_id is None:
        return
    try:
        same = uuid.UUID(observed.key_id or "") == uuid.UUID(declared.key_id)
    except ValueError:
        same = False

    if observed.type != "NATIVE" or not same:
        planned = plan(observed, declared)
        assert planned.steps == ()
        assert planned.conflict


@given(declarations())
def test_a_provider_that_is_not_native_is_never_touched(declared: DesiredKmsProvider) -> None:
    planned = plan(KmsProvider("nkp", "TRUST_AUTHORITY"), declared)
    assert planned.steps == ()
    assert planned.conflict


@given(observations, declarations())
def test_after_a_plan_is_carried_out_nothing_is_left_to_do(
    observed: Optional[KmsProvider], declared: DesiredKmsProvider
) -> None:
    host = host_with(observed)
    host.hold_provider("bystander", key_id=OTHER_KEY_ID)
    first = plan(observe(host), declared)
    host.apply(first.steps)
    second = plan(observe(host), declared)

    assert second.steps == ()
    assert bool(second.conflict) == bool(first.conflict)
    assert "bystander" in host.key_providers


@given(observations, declarations())
def test_before_and_after_are_what_the_host_holds_before_and_after(
    observed: Optional[KmsProvider], declared: DesiredKmsProvider
) -> None:
    host = host_with(observed)
    planned = plan(observe(host), declared)

    assert planned.before == (observed.record() if observed else {})

    host.apply(planned.steps)
    held = observe(host)

    assert planned.after == (held.record() if held else {})
    assert (planned.before != planned.after) == bool(planned.steps)


@given(observations, declarations())
def test_the_key_is_in_no_repr_and_no_record(observed: Optional[KmsProvider], declared: DesiredKmsProvider) -> None:
    planned = plan(observed, declared)
    if declared.key_derivation_key:
        shown = [repr(planned), repr(declared), *map(repr, planned.steps), repr(planned.after), planned.conflict]
        shown.extend(repr(step.describe()) for step in planned.steps)
        assert not [text for text in shown if declared.key_derivation_key in text]


@pytest.mark.parametrize(
    "key_id",
    [
        *("", "  ", "x", "nkp", "1234-5678", KEY),
        *(KEY_ID[:-1], f"{{{KEY_ID}}}", KEY_ID + "a", KEY_ID.replace("-", "", 1)),
    ],
)
def test_a_key_id_that_is_no_uuid_is_refused_and_masked_because_it_may_be_the_key(key_id: str) -> None:
    with pytest.raises(InvalidInput, match=r"^key_id: is no UUID such as [0-9a-f-]{36}\.$") as caught:
        desired(key_id=key_id)
    assert len(key_id) < 3 or key_id not in caught.value.message
    # Where nearly every text holds it, a mask would hide everything.
    assert ARGUMENTS.misplaced({"key_id": key_id}) == ({key_id} if len(key_id) >= 8 else set())


@pytest.mark.parametrize("key", ["", " ", "no base64!", "AAA", "=", "====", KEY[:20] + "\n" + KEY[20:], KEY + "é", "ä"])
def test_a_key_that_is_no_base64_is_refused_without_being_repeated(key: str) -> None:
    expected = r"^key_derivation_key: is no Base64 of a key \(for a new one: openssl rand -base64 32\)\.$"
    with pytest.raises(InvalidInput, match=expected) as caught:
        desired(key_derivation_key=key)
    assert key.strip() in ("", "=") or key.strip() not in str(caught.value)


@given(st.binary(min_size=1, max_size=80))
def test_a_key_is_of_32_bytes_and_no_other_is_repeated(raw: bytes) -> None:
    key = base64.b64encode(raw).decode()
    if len(raw) == 32:
        assert desired(key_derivation_key=key).key_derivation_key == key

        return

    expected = (
        rf"^key_derivation_key: has {len(raw)} bytes, and a key has 32 \(for a new one: openssl rand -base64 32\)\.$"
    )
    with pytest.raises(InvalidInput, match=expected) as caught:
        desired(key_derivation_key=key)

    assert len(key) <= 4 or key not in str(caught.value)


@given(st.binary(min_size=32, max_size=32), st.booleans())
def test_a_key_in_hexadecimal_is_distinguished_from_one_of_48_bytes(raw: bytes, upper: bool) -> None:
    digits = raw.hex().upper() if upper else raw.hex()
    with pytest.raises(InvalidInput, match=r"^key_derivation_key: is in hexadecimal; ") as caught:
        desired(key_derivation_key=digits)
    assert digits not in str(caught.value)


def test_a_provider_of_another_type_is_not_declared_present() -> None:
    with pytest.raises(InvalidInput, match=r"^type: is TRUST_AUTHORITY"):
        desired(type="TRUST_AUTHORITY", key_id=None)
    assert desired(type="TRUST_AUTHORITY", state="absent").state == "absent"
    assert desired(type="NATIVE") == desired(type=None) == desired()


@pytest.mark.parametrize("held", ["NKP", " nkp", "nk\u200bp", "\uff4ekp"], ids=ascii)
def test_a_look_alike_is_warned_of_where_it_would_be_made(held: str) -> None:
    (warning,) = plan(None, desired(), ["other", held]).warnings
    assert ascii(held) in warning
    assert plan(None, desired(), ["other"]).warnings == ()

    there = KmsProvider("nkp", "NATIVE", KEY_ID)

    assert plan(there, desired(), [held, "nkp"]).warnings == ()


def test_white_space_around_the_key_is_not_sent() -> None:
    assert desired(key_derivation_key=f" {KEY}\n").key_derivation_key == KEY


@pytest.mark.parametrize("name", ["", " ", ".", ".."])
def test_a_name_that_cannot_stand_in_a_path_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"^provider: "):
        desired(provider=name)


# What the host knows and does not know


@pytest.mark.parametrize(
    ("held", "declared", "same"),
    [("Key-ONE", "kEY-one", True), ("one", "one\n", True), ("straße", "STRASSE", False), ("one", "two", False)],
)
def test_key_ids_that_are_no_uuids_are_compared_without_case(held: str, declared: str, same: bool) -> None:
    first, second = (deletion(KmsProvider("nkp", "NATIVE", key_id)) for key_id in (held, declared))
    assert KmsProviders().is_same(first, second) == same


def deletion(held: KmsProvider) -> Step:
    return Step("delete", "kms_provider", held.provider, held)


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
def test_a_host_that_cannot_delete_is_distinguished_from_one_that_refuses_to(error: TrustError, known: bool) -> None:
    error = copy.copy(error)  # what happens to it must not last
    error.operation = DELETE.id
    client = ScriptedClient(MemoryHost())
    client.fails("delete", lambda: error)

    with pytest.raises(TrustError) as caught:
        KmsProviders().perform(client.as_client(), deletion(KmsProvider("nkp", "NATIVE", KEY_ID)))

    assert caught.value is error
    assert (error.message == "no") == known

    if not known:
        answer = " ".join(str(part) for part in (error.status, error.error_type) if part)
        assert error.message.startswith("esx01: the key provider 'nkp' is still there")
        assert error.message.endswith(f"(DELETE was answered with {answer}).")
        assert error.hint.startswith("Remove it with the program that created it, for instance vCenter;")
        assert error.hint.endswith("uses it first.")


@pytest.mark.parametrize("operation", [GET, LIST, CREATE])
def test_only_a_refused_deletion_is_explained_so(operation: Operation) -> None:
    """A login, for example, may be missing too."""
    client = ScriptedClient(MemoryHost())
    client.fails("delete", lambda: ApiError("as it was", operation=operation.id, status=404, error_type="NOT_FOUND"))

    with pytest.raises(ApiError, match="as it was"):
        KmsProviders().perform(client.as_client(), deletion(KmsProvider("nkp", "NATIVE", KEY_ID)))
