# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random declarations of issuers and of client profiles that name them, under random faults: no right is lost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize
from hypothesis.stateful import rule

from ansible_collections.esx.trust.plugins.module_utils._services.renaming import read_marker
from faults import cases
from faults.cases import State
from faults.declarations import ALIASES
from faults.declarations import ENTITLEMENTS
from faults.declarations import FORMS
from faults.declarations import GROUPS
from faults.declarations import ISSUERS
from faults.declarations import KEPT
from faults.declarations import Asked
from faults.declarations import Declaration
from faults.declarations import faults
from faults.declarations import host_declaration
from faults.declarations import issuers
from faults.machine import OnOneHost
from faults.machine import try_machine
from faults.oracle import written
from simulator import Fault
from support.constants import KEY_ID

if TYPE_CHECKING:
    from faults.sweep import Sweep


def _profile(group: str, alias: str, entitlements: list[str], mode: str, state: str) -> dict[str, Any]:
    subject = {"external_group_name": group, "issuer_alias": alias, "domain": "d"}
    return {**subject, "entitlements": entitlements, "entitlements_mode": mode, "state": state}


profiles = st.builds(
    _profile,
    st.sampled_from(GROUPS),
    st.sampled_from(ALIASES),
    st.lists(st.sampled_from(ENTITLEMENTS), max_size=2, unique=True),
    st.sampled_from(("exact", "merge")),
    st.sampled_from(("present", "present", "absent")),
)


def _all_of_it(parts: list[Declaration], rights: list[dict[str, Any]], purge: bool) -> Asked:
    """A whole host; one profile for each subject, and none of an issuer that goes."""
    issuers = host_declaration(parts).options["token_issuers"]
    gone = {issuer["issuer_alias"] for issuer in issuers if issuer["state"] == "absent"}
    subjects = {(right["external_group_name"], right["issuer_alias"]): right for right in rights}
    kept = [right for right in subjects.values() if right["state"] == "absent" or right["issuer_alias"] not in gone]
    options = {"token_issuers": issuers, "client_profiles": kept, "purge_client_profiles": purge}

    return Asked(cases.HOST_TRUST, options)


asked = st.one_of(
    issuers.map(lambda issuer: Asked(issuer.module, issuer.options)),
    issuers.map(
        lambda issuer: Asked(issuer.module, {**issuer.options, "issuer_conflict": "rename", "state": "present"})
    ),
    profiles.map(lambda profile: Asked(cases.CLIENT_PROFILE, profile)),
    st.builds(
        _all_of_it,
        st.lists(issuers, min_size=1, max_size=2),
        st.lists(profiles, max_size=2),
        st.sampled_from((False, False, True)),
    ),
)

#: Issuer and group -> what the group may do, whatever the alias is called.
Granted = dict[tuple[str, str], frozenset[str]]


def _granted(state: State) -> Granted:
    """The rights of the groups of all issuers. An issuer whose alias holds a marker is not gone."""
    granted: Granted = {}
    for label, entitlements in state.profiles.items():
        group, alias = _group_and_alias(label)
        if alias in state.issuers:
            issuer = state.issuers[alias][0]
            marker = read_marker(issuer)
            subject = (marker.issuer if marker else issuer, group)
            granted[subject] = granted.get(subject, frozenset()) | entitlements

    return granted


def _group_and_alias(label: str) -> tuple[str, str]:
    account, _of, alias = label.rpartition(" of ")
    return account.rpartition("\\")[2], alias


class Rights(OnOneHost):
    """Token issuers with client profiles that name them, on hosts that cascade and on hosts that do not."""

    @initialize(
        retries=st.integers(0, 3), form=st.sampled_from(FORMS), cascade=st.booleans(), needs_issuer=st.booleans()
    )
    def fresh(self, retries: int, form: tuple[str, str], cascade: bool, needs_issuer: bool) -> None:
        held = State({"bystander": KEY_ID}, {"vc1": (ISSUERS[0], frozenset({cases.ONE}))}, KEPT)
        self.arrange(held, retries, form, profiles_cascade=cascade, profile_needs_issuer=needs_issuer)

    @rule(
        group=st.sampled_from(GROUPS),
        alias=st.sampled_from(ALIASES),
        entitlements=st.lists(st.sampled_from(ENTITLEMENTS), min_size=1, max_size=2, unique=True),
    )
    def somebody_grants(self, group: str, alias: str, entitlements: list[str]) -> None:
        label = f"external group d\\{group} of {alias}"
        state = State.of(self.host)
        if alias in state.issuers and label not in state.profiles:
            State(profiles={label: frozenset(entitlements)}).put(self.host)

    @rule(
        declaration=asked,
        troubles=st.lists(faults, max_size=2),
        check_mode=st.sampled_from((False,) * 4 + (True,)),
    )
    def a_run(self, declaration: Asked, troubles: list[Fault], check_mode: bool) -> None:
        before = State.of(self.host)
        ran, journal = self._run(declaration, troubles, check_mode)
        after = State.of(self.host)
        wrote = [written(record) for record in journal if record.wrote]

        assert after.providers == before.providers

        if check_mode:
            assert not any(record.writes for record in journal)

            return

        if ran.failed:
            assert not Counter(ran.operations) - Counter(wrote), f"claims {ran.operations}, did {wrote}: {ran.message}"

            if ran.code == "conflict":
                assert before == after
        else:
            assert ran.operations == wrote
            assert ran.changed == bool(wrote)

            self._holds(declaration, before, after)

        if not (ran.failed and "could not be put back" in ran.message):
            self._nobody_lost_a_right(declaration, before, after)
        self._bystanders_stay(declaration, before, after)
        self._converges(declaration)

    @staticmethod
    def _holds(declaration: Asked, before: State, after: State) -> None:
        moving = {declared["issuer_alias"] for declared in declaration.issuers}
        for declared in declaration.profiles:
            label = f"external group d\\{declared['external_group_name']} of {declared['issuer_alias']}"
            had, has = before.profiles.get(label, frozenset()), after.profiles.get(label)

            if declared["state"] == "absent":
                assert has is None
            elif declared["entitlements_mode"] == "exact":
                assert has == frozenset(declared["entitlements"])
            else:
                assert has is not None
                assert has >= set(declared["entitlements"])
                assert moving or has == had | set(declared["entitlements"])

        for declared in declaration.issuers:
            if declared["state"] == "absent":
                assert declared["issuer_alias"] not in {_group_and_alias(label)[1] for label in after.profiles}

    @staticmethod
    def _nobody_lost_a_right(declaration: Asked, before: State, after: State) -> None:
        """Only what is declared takes a right away: of the profile, of its issuer, or a purge."""
        if declaration.options.get("purge_client_profiles"):
            return
        gone = set()
        given = {}

        for entry in declaration.issuers:
            if entry["state"] == "absent":
                gone.add(entry["issuer_alias"])
            else:
                given[entry["issuer_alias"]] = entry["issuer"]

        declared = {entry["external_group_name"] for entry in declaration.profiles}
        now = _granted(after)

        for (issuer, group), entitlements in _granted(before).items():
            aliases = {alias for alias, (held, _chains) in before.issuers.items() if held == issuer}
            passes = any(given.get(alias, issuer) != issuer for alias in aliases)
            if group in declared or aliases & gone or passes:
                continue

            assert entitlements <= now.get((issuer, group), frozenset()), f"{group} of {issuer} lost {entitlements}"

    @staticmethod
    def _bystanders_stay(declaration: Asked, before: State, after: State) -> None:
        """What names an alias that has nothing to do with the declaration is as it was."""
        named = {entry["issuer_alias"] for entry in (*declaration.issuers, *declaration.profiles)}
        trusted = {entry["issuer"] for entry in declaration.issuers}
        named |= {alias for alias, (issuer, _chains) in before.issuers.items() if issuer in trusted}
        markers = {alias: read_marker(issuer) for alias, (issuer, _chains) in before.issuers.items()}
        named |= {alias for alias, marker in markers.items() if marker}

        if not declaration.options.get("purge_client_profiles"):
            others = {label for label in {*before.profiles, *after.profiles} if _group_and_alias(label)[1] not in named}
            assert all(before.profiles.get(label) == after.profiles.get(label) for label in others)

    def _converges(self, declaration: Asked) -> None:
        second, _journal = self._run(declaration, [], False)
        state = State.of(self.host)

        if second.failed:
            # A profile of an alias that is no issuer's is refused by the host.
            assert second.code in ("conflict", "api_error"), second.message

            return

        self._holds(declaration, state, state)
        third, journal = self._run(declaration, [], False)

        assert not third.failed, third.message
        assert not third.changed
        assert not any(record.writes for record in journal)
        assert State.of(self.host) == state


def test_random_runs_with_client_profiles(sweep: Sweep) -> None:
    try_machine(Rights, sweep, 40)
