# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a host about its key providers, and what is made of what it says."""

from __future__ import annotations

import copy
from typing import Any
from typing import Optional

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.rest import url_path
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import GET
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import LIST
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_module import INFO_ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_module import run_info
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_reading import find
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_reading import find_to_remove
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_reading import list_providers
from ansible_collections.esx.trust.plugins.module_utils._services.kms_providers import KmsProviders
from support.constants import KEY_ID
from support.memory import MemoryHost
from support.memory import ScriptedClient

NATIVE = {"type": "NATIVE", "native_info": {"key_id": KEY_ID}}
#: A host that holds a and b, which can be used, and c, which cannot.
LISTED = [{"provider": name, "available": name != "c"} for name in ("b", "a", "c")]


class AnsweringClient(ScriptedClient):
    """A client whose host answers LIST and GET with given values or errors, and that remembers what it was asked."""

    def __init__(self, listed: Any, got: Any = NATIVE) -> None:
        super().__init__(MemoryHost(), retries=0)
        self._answers: dict[Operation, Any] = {LIST: listed, GET: got}
        self.asked: list[Call] = []
        self.shapes: list[Operation] = []

    def wrong_shape(self, operation: Operation) -> UnexpectedAnswer:
        self.shapes.append(operation)
        return super().wrong_shape(operation)

    def _send(self, call: Call) -> Any:
        url_path(call)  # raises where a name cannot stand in a URL, as the codec does
        self.asked.append(call)
        answer = self._answers[call.operation]
        if callable(answer):
            answer = answer(**call.arguments)

        if isinstance(answer, TrustError):
            answer.operation = call.operation.id
            raise answer

        return answer


def read(client: AnsweringClient, **filters: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """The records of the providers that match, and the warnings."""
    return list_providers(client.as_client(), **filters)


@pytest.mark.parametrize(
    ("filters", "sent", "names"),
    [
        ({}, None, ["a", "b", "c"]),
        ({"name": "b"}, {"providers": ["b"]}, ["b"]),
        ({"available": True}, {"available": True}, ["a", "b"]),
        ({"available": False}, {"available": False}, ["c"]),
        ({"name": "b", "available": True}, {"providers": ["b"], "available": True}, ["b"]),
        ({"name": "b", "available": False}, {"providers": ["b"], "available": False}, []),
    ],
)
def test_filters_are_sent_and_also_applied_to_what_a_host_lists_all_the_same(
    filters: dict[str, Any], sent: Optional[dict[str, Any]], names: list[str]
) -> None:
    client = AnsweringClient(LISTED)
    records, _warnings = read(client, **filters)

    assert [record["provider"] for record in records] == names
    assert client.asked[0] == LIST(filter_spec=sent)

    # Only what matches is asked for.
    asked_for = [call for call in client.asked if call.operation is GET]

    assert sorted(call.arguments["provider"] for call in asked_for) == names


def test_a_failure_over_another_provider_than_that_looked_for_is_not_met() -> None:
    def only_b(provider: str) -> Any:
        return NATIVE if provider == "b" else ApiError("broken", status=500, error_type="ERROR")

    records, _warnings = read(AnsweringClient(LISTED, only_b), name="b")
    assert [record["provider"] for record in records] == ["b"]


@pytest.mark.parametrize("name", ["", " a", "a\n"])
def test_a_name_to_look_for_must_be_the_name_of_a_provider(name: str) -> None:
    params = {option: each.get("default") for option, each in INFO_ARGUMENTS.options.items()}
    with pytest.raises(InvalidInput, match=r"^provider: "):
        run_info({**params, "hostname": "esx01", "username": "root", "password": "x", "provider": name}, False)


@pytest.mark.parametrize(
    ("details", "texts"),
    [
        ([{"localized": "Kaputt", "default_message": "Broken"}], ["Kaputt"]),
        ([{"default_message": "Broken"}, {"localized": "", "default_message": "Really"}], ["Broken", "Really"]),
        ([{"id": "x"}], [""]),
        ([None, "text", {"localized": "So"}], ["So"]),
        (None, []),
        ("text", []),
        ({"localized": "no list"}, []),
    ],
)
def test_details_are_the_words_of_the_host(details: Any, texts: list[str]) -> None:
    records, _warnings = read(AnsweringClient([{"provider": "a", "available": True, "details": details}]))
    assert records == [{"provider": "a", "type": "NATIVE", "key_id": KEY_ID, "available": True, "details": texts}]


def test_the_oldest_release_lists_providers_without_their_key_ids() -> None:
    unknown = ApiError("no", status=404, error_type="OPERATION_NOT_FOUND")
    records, warnings = read(AnsweringClient([{"provider": "a", "available": True}], unknown))

    assert records == [{"provider": "a", "type": None, "key_id": None, "available": True, "details": []}]
    assert warnings == ["esx01: its API does not return the type and the key_id of 'a'."]


def test_a_provider_that_went_away_meanwhile_is_left_out() -> None:
    gone = ApiError("no", status=404, error_type="NOT_FOUND")
    assert read(AnsweringClient([{"provider": "a", "available": True}], gone)) == ([], [])


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
def test_a_list_of_another_form_is_one_clear_error(listed: Any) -> None:
    client = AnsweringClient(listed)
    with pytest.raises(UnexpectedAnswer):
        read(client)
    assert client.shapes == [LIST]


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
def test_a_provider_is_absent_if_the_host_says_so_or_does_not_list_it(
    listed: Any, error: TrustError, absent: bool
) -> None:
    error = copy.copy(error)  # what happens to it must not last
    client = AnsweringClient(listed, error)

    if absent:
        assert find(client.as_client(), "a") is None
    else:
        with pytest.raises(type(error)) as caught:
            find(client.as_client(), "a")
        assert caught.value is error

    certain = error.error_type == "NOT_FOUND" and not error.inferred
    looks = not certain and error.status == 404 and error.error_type != "OPERATION_NOT_FOUND"
    lists = [call for call in client.asked if call.operation is LIST]

    assert lists == ([LIST(filter_spec={"providers": ["a"]})] if looks else [])


@pytest.mark.parametrize("status", [404, None], ids=["REST", "JSON-RPC"])
def test_the_oldest_release_lists_what_cannot_be_removed(status: Optional[int]) -> None:
    def unknown() -> ApiError:
        return ApiError("no", status=status, error_type="OPERATION_NOT_FOUND")

    other = AnsweringClient([{"provider": "other", "available": True}], unknown())
    assert find_to_remove(other.as_client(), "a") is None

    with pytest.raises(ApiError):
        find_to_remove(AnsweringClient([{"provider": "a", "available": True}], unknown()).as_client(), "a")

    with pytest.raises(ApiError):
        find_to_remove(AnsweringClient([], ApiError("no", status=403, error_type="UNAUTHORIZED")).as_client(), "a")


def test_only_what_is_declared_absent_needs_no_key_id() -> None:
    unknown = ApiError("no", status=404, error_type="OPERATION_NOT_FOUND")
    client = AnsweringClient([], unknown).as_client()

    assert KmsProviders((DesiredKmsProvider("a", state="absent"),)).observe(client).found == {"a": None}

    with pytest.raises(ApiError):
        KmsProviders((DesiredKmsProvider("a", key_id=KEY_ID),)).observe(client)
