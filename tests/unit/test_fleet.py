# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role asks about all hosts at once: the same key for the same provider, and nothing of a key told."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest
from ansible.errors import AnsibleUndefinedVariable

from ansible_collections.esx.trust.plugins.filter.fleet import FilterModule
from ansible_collections.esx.trust.plugins.filter.fleet import fleet_differences
from ansible_collections.esx.trust.plugins.filter.fleet import fleet_entries
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_keys import differences
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_keys import keys
from ansible_collections.esx.trust.plugins.plugin_utils._purge import refusal_of
from ansible_collections.esx.trust.plugins.plugin_utils._rotation import issuers as rotation_issuers
from ansible_collections.esx.trust.plugins.plugin_utils._rotation import missing
from ansible_collections.esx.trust.plugins.plugin_utils._rotation import mode
from ansible_collections.esx.trust.plugins.plugin_utils._rotation import ready
from ansible_collections.esx.trust.plugins.plugin_utils._rotation import run
from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY
from support.constants import OTHER_KEY_ID


def declared(key_id: Any = KEY_ID, key: Any = KEY, **more: Any) -> list[dict[str, Any]]:
    return [{"provider": "site-a", "key_id": key_id, "key_derivation_key": key, **more}]


def compared(*declarations: Any) -> list[str]:
    return differences({f"esx{number:02d}": keys(given) for number, given in enumerate(declarations, 1)})


@pytest.mark.parametrize(
    "providers",
    [
        declared(),
        declared(key_id=KEY_ID.upper()),
        declared(key_id=f"  {KEY_ID} "),
        declared(key_id=KEY_ID.replace("-", "")),
        declared(key=f"{KEY}\n"),
        declared(key=None),
        declared(key=""),
        declared(key_id=None),
        declared(state="present"),
        declared(key_id=OTHER_KEY_ID, key=OTHER_KEY, state="absent"),
        [{**declared(key_id=OTHER_KEY_ID, key=OTHER_KEY)[0], "provider": "site-b"}],
        [],
        None,
        "no list",
        ["no mapping", None, {}, {"provider": ""}],
        # What newer and older cores leave of a template that cannot be resolved from outside.
        declared(key="{{ site_key }}", key_id="{{ site_key_id }}"),
        [{**declared(key=OTHER_KEY)[0], "provider": "{{ name }}"}],
    ],
)
def test_what_is_no_difference(providers: Any) -> None:
    assert compared(declared(), providers) == []


def test_another_key_under_the_same_key_id() -> None:
    (sentence,) = compared(declared(), declared(key=OTHER_KEY), declared())
    assert sentence == ("The key provider 'site-a' is given different keys: one to esx01, esx03; another to esx02.")


@pytest.mark.parametrize("state", [None, "", " \n", "present"], ids=repr)
def test_an_entry_without_a_state_is_compared(state: Any) -> None:
    (sentence,) = compared(declared(), declared(key=OTHER_KEY, state=state))
    assert "different keys" in sentence


def test_another_key_id() -> None:
    (sentence,) = compared(declared(), declared(key_id=OTHER_KEY_ID))
    assert sentence == "The key provider 'site-a' is given different key_ids: one to esx01; another to esx02."


def test_another_key_that_is_no_base64() -> None:
    """The module refuses it; if hosts are told different things is seen before."""
    (sentence,) = compared(declared(key="not base64!"), declared(key="neither this!"))
    assert "different keys" in sentence
    assert "base64" not in sentence


def test_both_differ_in_two_providers() -> None:
    differing = declared(key_id=OTHER_KEY_ID, key=OTHER_KEY)
    more = [{**entry, "provider": "site-b"} for entry in declared()]
    sentences = compared([*declared(), *more], [*differing, {**differing[0], "provider": "site-b"}])

    assert [sentence.split(":")[0] for sentence in sentences] == [
        "The key provider 'site-a' is given different key_ids",
        "The key provider 'site-a' is given different keys",
        "The key provider 'site-b' is given different key_ids",
        "The key provider 'site-b' is given different keys",
    ]


def test_one_host_that_names_a_provider_twice() -> None:
    (sentence,) = compared([*declared(), *declared(key=OTHER_KEY)])
    assert "one to esx01; another to esx01" in sentence


def test_many_hosts_are_counted_and_not_listed() -> None:
    (sentence,) = compared(*[declared()] * 30, *[declared(key=OTHER_KEY)] * 6)
    assert "one to esx01, esx02, esx03, esx04, esx05 and 25 more;" in sentence
    assert "another to esx31, esx32, esx33, esx34, esx35, esx36." in sentence


def test_nothing_of_a_key_is_kept_or_shown() -> None:
    kept = repr(keys(declared())) + " ".join(compared(declared(), declared(key=OTHER_KEY)))
    for secret in (KEY, KEY.rstrip("="), base64.b64decode(KEY).hex(), OTHER_KEY):
        assert secret not in kept


def test_a_key_in_the_place_of_the_name_is_neither_kept_nor_shown() -> None:
    """The module refuses it."""
    first = declared()
    second = declared(key=OTHER_KEY)
    first[0]["provider"] = second[0]["provider"] = KEY

    assert keys(first) == {}
    assert compared(first, second) == []


def test_the_filters_have_their_names() -> None:
    """The role and the playbooks of users know them by these names."""
    assert sorted(FilterModule().filters()) == ["fleet_differences", "fleet_entries", "fleet_keys", "fleet_refusal"]


class Unreadable(Mapping[str, Any]):
    """The variables of a host that need those of a play, as newer cores show them from outside."""

    def __getitem__(self, name: str) -> Any:
        if name == "esx_kms_providers":
            raise AnsibleUndefinedVariable("'site_key' is undefined")
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return name == "esx_kms_providers"

    def __iter__(self) -> Any:
        return iter(["esx_kms_providers"])

    def __len__(self) -> int:
        return 1


def known(given: list[dict[str, Any]]) -> dict[str, Any]:
    """A host that has had its turn: what is declared now is not looked at again."""
    return {"host_trust_keys": keys(given), "esx_kms_providers": "{{ lookup }}"}


def test_hosts_whose_turn_has_not_come_are_judged_by_their_variables() -> None:
    hostvars = {"a": known(declared()), "b": {}, "c": {"esx_kms_providers": declared(key=OTHER_KEY)}}
    (sentence,) = fleet_differences(hostvars, ["a", "b", "c"], ["a"])
    assert "one to a; another to c" in sentence


def test_a_host_that_cannot_be_read_from_outside_is_judged_when_it_is_its_turn() -> None:
    hostvars: dict[str, Any] = {"a": known(declared()), "b": Unreadable()}
    assert fleet_differences(hostvars, ["a", "b"], ["a"]) == []

    hostvars["b"] = known(declared(key=OTHER_KEY))

    assert len(fleet_differences(hostvars, ["a", "b"], ["b"])) == 1


def test_later_batches_do_not_read_the_others_again() -> None:
    """Reading variables may mean to look something up in a vault over the network."""
    hostvars = {"a": known(declared()), "b": known(declared()), "c": {"esx_kms_providers": declared(key=OTHER_KEY)}}
    assert fleet_differences(hostvars, ["a", "b", "c"], ["b"]) == []


def test_entries_of_an_audit() -> None:
    hostvars = {
        "a": {"host_trust_found": {"resources": []}, "host_trust_providers": {"kms_providers": []}, "other": 1},
        "b": {"host_trust_found": {"failure": {}}},
        "c": {},
    }
    assert fleet_entries(["a", "b", "c"], hostvars) == [
        {"host": "a", "trust": {"resources": []}, "keys": {"kms_providers": []}},
        {"host": "b", "trust": {"failure": {}}},
        {"host": "c"},
    ]


def test_issuers_of_a_rotation() -> None:
    given: list[dict[str, Any]] = [
        {"issuer_alias": "a", "issuer": "x", "signing_cert_chains": [], "chains_mode": "exact"},
        {"issuer_alias": "b", "issuer_conflict": "rename", "state": "present"},
        {"issuer_alias": "c", "issuer_conflict": "adopt"},
        {"issuer_alias": "d", "state": "absent"},
    ]

    rotating = rotation_issuers(given, "merge")

    assert [(entry["issuer_alias"], entry["issuer_conflict"]) for entry in rotating] == [
        ("a", "fail"),
        ("b", "fail"),
        ("c", "adopt"),
    ]

    assert {entry["chains_mode"] for entry in rotating} == {"merge"}
    assert rotating[0]["issuer"] == "x"
    assert given[0]["chains_mode"] == "exact"


def test_issuers_as_they_are_declared() -> None:
    given: list[dict[str, Any]] = [
        {"issuer_alias": "a", "chains_mode": "merge"},
        {"issuer_alias": "b", "chains_mode": None, "state": ""},
    ]
    assert [entry["chains_mode"] for entry in rotation_issuers(given)] == ["merge", "exact"]
    assert [mode(given[:1]), mode(given), mode([]), mode(None)] == ["merge", "exact", "none", "none"]


def checked(name: str, mode_text: str, **more: Any) -> dict[str, Any]:
    return {"host_trust_run": name, "host_trust_checked": {"failed": False, "msg": f"{name} {mode_text}", **more}}


def test_nothing_is_taken_away_unless_every_host_said_so_in_this_run() -> None:
    this, earlier = run("rotation"), run("rotation")
    good = {"a": checked(this, "exact"), "b": checked(this, "merge"), "c": checked(this, "none")}

    assert ready("abc", good) == ["a"]

    wrong: list[dict[str, Any]] = [
        {},
        {"host_trust_run": this},
        {"host_trust_run": this, "host_trust_checked": {}},
        checked(this, "lacking"),
        checked(this, "exact", failed=True),
        checked(earlier, "exact"),
        {**checked(earlier, "exact"), "host_trust_run": this},
    ]

    for variables in wrong:
        fleet = {**good, "b": variables}
        assert ready("abc", fleet) == []
        assert "b" in missing("abc", fleet)

    assert ready("a", {"a": checked("of an inventory", "exact")}) == []


@pytest.mark.parametrize(
    "declared",
    [None, [], " ", "[]", "issuer_alias=old state=absent", [{"state": "absent"}], {"state": "absent"}, 5, True],
)
def test_a_declaration_without_an_issuer_is_refused(declared: Any) -> None:
    assert refusal_of(declared, True, None)


@pytest.mark.parametrize("declared", [[{"issuer_alias": "a"}], ["vcenter01", {"issuer_alias": "a"}]])
def test_a_declaration_with_an_issuer_may_purge_the_others(declared: Any) -> None:
    assert refusal_of(declared, True, None) == ""
