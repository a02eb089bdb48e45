# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random declarations on one host, under random faults, beside other clients and beside each other.

There are so few names, keys and certificates that the runs get into each other's way. What a run may do is worked out
from what the host held before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any
from typing import Union

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import initialize
from hypothesis.stateful import rule
from hypothesis.stateful import run_state_machine_as_test

from ansible_collections.esx.trust.plugins.module_utils._services.renaming import read_marker
from faults import cases
from faults.cases import State
from faults.oracle import written
from faults.runner import Ran
from faults.runner import run
from faults.troubles import LARGEST_BODY
from faults.troubles import LONG
from simulator import Fault
from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID

if TYPE_CHECKING:
    from faults.sweep import Sweep
    from simulator import Fleet
    from simulator import Host
    from simulator import Record

#: The form of the API that the host speaks, and the login. Sessions are no service of JSON-RPC on hosts.
FORMS = (("rest", "token"), ("rest", "session"), ("jsonrpc", "token"))
PROVIDERS = ("site-a", "site-b")
KEY_IDS = (KEY_ID, OTHER_KEY_ID)
ALIASES = ("vc1", "vc2", "vc3")
ISSUERS = ("https://one.example.com", "https://two.example.com")
CHAINS = (cases.ONE, cases.TWO, cases.THREE)
GROUPS = ("admins", "people")
ENTITLEMENTS = ("IDENTITY_MGMT", "SECURITY_MGMT", "READ_ONLY")
#: Nobody declares this one.
_KEEP = {"external group d\\admins of vc1": frozenset({"READ_ONLY", "SECURITY_MGMT"})}

_FIELDS: list[dict[str, Any]] = [
    {"kind": "reset_before"},
    {"kind": "lose_answer"},
    {"kind": "lose_answer", "abort": "close"},
    {"kind": "cut_answer", "raw_bytes": 30},
    {"kind": "expire_tokens"},
    *({"kind": "status", "status": status} for status in (409, 429, 500, 503)),
    *({"kind": "answer", "status": status, "body": "upstream failed"} for status in (500, 502, 504)),
    {"kind": "status", "status": 200, "ready": "html"},
    {"kind": "status", "status": 200, "ready": "huge", "bytes": LARGEST_BODY + 1},
    {"kind": "answer", "status": 200, "ready": "truncated_json"},
]
faults = st.builds(
    lambda fields, skip, times: Fault.model_validate({**fields, "skip": skip, "times": times}),
    st.sampled_from(_FIELDS),
    st.integers(0, 5),
    st.integers(1, 4),
)
sets_of_chains = st.lists(st.sampled_from(CHAINS), min_size=1, max_size=2, unique=True)


@dataclass(frozen=True)
class Declaration:
    """A module with the options that say what shall be."""

    module: cases.Module
    options: Mapping[str, Any]

    @property
    def chains(self) -> frozenset[tuple[str, ...]]:
        return frozenset(tuple(each["cert_chain"]) for each in self.options["signing_cert_chains"])

    @property
    def removes(self) -> bool:
        return bool(self.options["state"] == "absent")

    @property
    def trusts(self) -> set[str]:
        """The issuers that are to be trusted."""
        return {self.options["issuer"]} if self.module is cases.TOKEN_ISSUER and not self.removes else set()

    def holds(self, state: State) -> bool:
        """True if the host is as declared, or as near to it as the module is told to go."""
        options = self.options
        absent = self.removes
        if self.module is cases.KMS_PROVIDER:
            name = options["provider"]
            return name not in state.providers if absent else state.providers.get(name) == options["key_id"]
        alias = options["issuer_alias"]
        if absent:
            return alias not in state.issuers
        merges = options["chains_mode"] == "merge"
        for name, (issuer, chains) in state.issuers.items():
            if issuer == options["issuer"] and (chains >= self.chains if merges else chains == self.chains):
                return name == alias or alias not in state.issuers
        return False

    def spares(self, before: State, after: State) -> bool:
        """True if nothing has changed that the declaration does not name."""
        if self.module is cases.KMS_PROVIDER:
            return before.issuers == after.issuers and _same_but(
                {self.options["provider"]}, before.providers, after.providers
            )
        named = {self.options["issuer_alias"]}
        if self.options["state"] == "present" and self.options["issuer_conflict"] != "fail":
            named |= {name for name, held in before.issuers.items() if held[0] == self.options["issuer"]}
        return before.providers == after.providers and _same_but(named, before.issuers, after.issuers)

    def keeps_merged(self, before: State, after: State) -> bool:
        """True if a merge has not cost the issuer a chain, as long as the issuer is trusted at all."""
        if self.module is cases.KMS_PROVIDER or self.options["chains_mode"] != "merge":
            return True
        had, has = (
            next((chains for issuer, chains in state.issuers.values() if issuer == self.options["issuer"]), None)
            for state in (before, after)
        )
        return has is None or has >= (had or frozenset()) or self.removes


@dataclass(frozen=True)
class Whole:
    """Several declarations of one host in one."""

    parts: tuple[Declaration, ...]
    module: cases.Module = cases.HOST_TRUST

    @property
    def options(self) -> dict[str, Any]:
        kinds = {"kms_providers": cases.KMS_PROVIDER, "token_issuers": cases.TOKEN_ISSUER}
        return {name: [part.options for part in self.parts if part.module is module] for name, module in kinds.items()}

    @property
    def removes(self) -> bool:
        return any(part.removes for part in self.parts)

    @property
    def trusts(self) -> set[str]:
        return {issuer for part in self.parts for issuer in part.trusts}

    def holds(self, state: State) -> bool:
        return all(part.holds(state) for part in self.parts)

    def spares(self, before: State, after: State) -> bool:
        providers = {part.options["provider"] for part in self.parts if part.module is cases.KMS_PROVIDER}
        issuers = {part.options["issuer_alias"] for part in self.parts if part.module is cases.TOKEN_ISSUER}
        issuers |= {name for name, (issuer, _chains) in before.issuers.items() if issuer in self.trusts}
        return _same_but(providers, before.providers, after.providers) and _same_but(
            issuers, before.issuers, after.issuers
        )

    def keeps_merged(self, before: State, after: State) -> bool:
        return all(part.keeps_merged(before, after) for part in self.parts if not self._moves(part, before))

    def _moves(self, part: Declaration, before: State) -> bool:
        """True if the alias that holds the part's issuer is given to another issuer, so that nothing is merged."""
        given = {one.options["issuer_alias"]: one.options["issuer"] for one in self.parts if one.trusts}
        held = {name: issuer for name, (issuer, _chains) in before.issuers.items()}
        return any(name in given and given[name] != issuer for name, issuer in held.items() if issuer in part.trusts)

    def gives_up(self, before: State) -> set[str]:
        """The declared issuers whose alias is given to another issuer before they get one of their own."""
        return {issuer for part in self.parts for issuer in part.trusts if self._moves(part, before)}


@dataclass(frozen=True)
class Asked:
    """A module with the options that say what shall be, of issuers and of what their groups may do."""

    module: cases.Module
    options: Mapping[str, Any]

    def of(self, module: cases.Module, name: str) -> list[Mapping[str, Any]]:
        """What it declares of issuers, or of client profiles, where esx_host_trust calls their list `name`."""
        if self.module is cases.HOST_TRUST:
            return list(self.options.get(name) or ())
        return [self.options] if self.module is module else []

    @property
    def issuers(self) -> list[Mapping[str, Any]]:
        return self.of(cases.TOKEN_ISSUER, "token_issuers")

    @property
    def profiles(self) -> list[Mapping[str, Any]]:
        return self.of(cases.CLIENT_PROFILE, "client_profiles")


Declared = Union[Declaration, Whole, Asked]

providers = st.builds(
    lambda provider, key_id, state: Declaration(
        cases.KMS_PROVIDER,
        {"provider": provider, "key_id": key_id, "key_derivation_key": KEY, "state": state},
    ),
    st.sampled_from(PROVIDERS),
    st.sampled_from(KEY_IDS),
    st.sampled_from(("present", "present", "absent")),
)
issuers = st.builds(
    lambda alias, issuer, chains, mode, conflict, state: Declaration(
        cases.TOKEN_ISSUER,
        {
            "issuer_alias": alias,
            "issuer": issuer,
            "signing_cert_chains": cases.declared_chains(*chains),
            "chains_mode": mode,
            "issuer_conflict": conflict,
            "state": state,
        },
    ),
    st.sampled_from(ALIASES),
    st.sampled_from(ISSUERS),
    sets_of_chains,
    st.sampled_from(("exact", "merge")),
    st.sampled_from(("fail", "adopt", "rename", "rename")),
    st.sampled_from(("present", "present", "present", "absent")),
)


def _whole(parts: list[Declaration]) -> Whole:
    """The declarations that can stand side by side."""
    kept: list[Declaration] = []
    names: set[Any] = set()
    for part in parts:
        own = {(name, part.options.get(name)) for name in ("provider", "issuer_alias")} - {
            ("provider", None),
            ("issuer_alias", None),
        }
        own |= {("issuer", issuer) for issuer in part.trusts}
        if not own & names:
            names |= own
            kept.append(part)
    return Whole(tuple(kept))


wholes = st.lists(st.one_of(providers, issuers, issuers), min_size=1, max_size=5).map(_whole)
declarations = st.one_of(providers, issuers, issuers, wholes, wholes)
changes = st.one_of(
    st.builds(
        lambda name, key_id: {"change": "put_provider", "provider": name, "key_id": key_id},
        st.sampled_from(PROVIDERS),
        st.sampled_from(KEY_IDS),
    ),
    st.builds(lambda name: {"change": "delete_provider", "provider": name}, st.sampled_from(PROVIDERS)),
    st.builds(
        lambda alias, chains: {
            "change": "put_issuer",
            "issuer_alias": alias,
            "chains": [list(each) for each in chains],
        },
        st.sampled_from(ALIASES),
        sets_of_chains,
    ),
    st.builds(lambda alias: {"change": "delete_issuer", "issuer_alias": alias}, st.sampled_from(ALIASES)),
)


def _same_but(named: set[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return all(before.get(name) == after.get(name) for name in {*before, *after} - named)


class OnOneHost(RuleBasedStateMachine):
    """The state is the host's; what is remembered between two rules is nothing."""

    fleet: Fleet
    host: Host
    protocol: str
    connection: dict[str, Any]

    def arrange(self, held: State, retries: int, form: tuple[str, str], **settings: Any) -> None:
        """A fresh host that holds this, and how the runs speak to it."""
        self.protocol, auth_method = form
        cases.CASES[0].arrange(self.host, held, protocol=self.protocol)
        self.host.settings(**settings)
        self.connection = {
            "api_protocol": self.protocol,
            "auth_method": auth_method,
            "retries": retries,
            "timeout": LONG,
        }

    def _params(self, declaration: Declared) -> dict[str, Any]:
        host = self.host
        login = {"hostname": host.address, "port": host.port, "username": host.username, "password": cases.PASSWORD}
        return declaration.module.params(
            {**login, "ca_path": self.fleet.ca_path, **self.connection, **declaration.options}
        )

    def _run(self, declaration: Declared, troubles: list[Fault], check_mode: bool) -> tuple[Ran, list[Record]]:
        seen = len(self.host.journal)
        self.host.queue(*troubles)
        ran = run(declaration.module, self._params(declaration), check_mode)
        self.host.clear_faults()
        self._is_well_formed(ran)
        assert ran.most_open <= 1
        assert ran.left_open == 0
        return ran, self.host.journal[seen:]

    @staticmethod
    def _is_well_formed(ran: Ran) -> None:
        assert not ran.crash, ran.crash
        if ran.failed:
            assert ran.code != "None"
            assert ran.message
            assert "\n" not in ran.message


class Runs(OnOneHost):
    """Key providers and token issuers."""

    @initialize(retries=st.integers(0, 3), form=st.sampled_from(FORMS))
    def fresh(self, retries: int, form: tuple[str, str]) -> None:
        self.arrange(State({"bystander": KEY_ID}, {}), retries, form)

    @rule(
        declaration=declarations,
        troubles=st.lists(faults, max_size=3),
        check_mode=st.sampled_from((False,) * 4 + (True,)),
    )
    def a_run(self, declaration: Union[Declaration, Whole], troubles: list[Fault], check_mode: bool) -> None:
        before = State.of(self.host)
        ran, journal = self._run(declaration, troubles, check_mode)
        after = State.of(self.host)
        wrote = [written(record) for record in journal if record.wrote]
        assert declaration.spares(before, after), "something else was touched"
        self._keys_stay(before, after)
        assert declaration.keeps_merged(before, after), "a chain was lost"
        if check_mode:
            assert not any(record.writes for record in journal)
            return
        if not ran.failed:
            assert ran.operations == wrote
            assert ran.changed == bool(wrote)
            assert declaration.holds(after), "finished, and the host is not as declared"
        else:
            assert not Counter(ran.operations) - Counter(wrote), f"claims {ran.operations}, did {wrote}: {ran.message}"
            if ran.code == "conflict":
                assert before == after
            lost = (declaration.trusts & before.trusted) - after.trusted
            if isinstance(declaration, Whole):
                lost -= declaration.gives_up(before)
            assert not lost or "could not be put back" in ran.message
        self._converges(declaration)

    @rule(
        declaration=declarations,
        kind=st.sampled_from(("race", "race_after")),
        change=st.lists(changes, min_size=1, max_size=2),
        skip=st.integers(1, 4),
    )
    def a_run_beside_another_client(
        self, declaration: Union[Declaration, Whole], kind: str, change: list[dict[str, Any]], skip: int
    ) -> None:
        fault = Fault.model_validate({"kind": kind, "change": change, "skip": skip})
        ran, journal = self._run(declaration, [fault], False)
        self._tells_what_was_answered(ran.operations, journal)
        assert ran.changed == bool(ran.operations)
        self._converges(declaration)

    @rule(one=declarations, other=declarations, same=st.booleans())
    def two_runs_at_once(self, one: Union[Declaration, Whole], other: Union[Declaration, Whole], same: bool) -> None:
        before, seen = State.of(self.host), len(self.host.journal)
        two = (one, one if same else other)
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(lambda each: run(each.module, self._params(each), False), two)
        journal = self.host.journal[seen:]
        for ran in (first, second):
            self._is_well_formed(ran)
        self._tells_what_was_answered(first.operations + second.operations, journal)
        # Deleted by one and created by the other is no change in place.
        if not any(each.removes for each in two):
            self._keys_stay(before, State.of(self.host))
        if same and not first.failed and not second.failed:
            assert one.holds(State.of(self.host))
        self._converges(two[1])

    @rule(
        troubles=st.lists(faults, max_size=2),
        module=st.sampled_from((cases.KMS_PROVIDER_INFO, cases.TOKEN_ISSUER_INFO)),
    )
    def a_look(self, troubles: list[Fault], module: cases.Module) -> None:
        ran, journal = self._run(Declaration(module, {}), troubles, False)
        assert not any(record.writes for record in journal)
        state = State.of(self.host)
        if not ran.failed and module is cases.KMS_PROVIDER_INFO:
            found = {record["provider"]: record["key_id"] for record in ran.result[module.records]}
            assert found == state.providers
        elif not ran.failed:
            assert [record["issuer_alias"] for record in ran.result[module.records]] == sorted(state.issuers)

    def _tells_what_was_answered(self, told: list[tuple[str, str]], journal: list[Record]) -> None:
        """A write that another client has made needless is answered like any other."""
        writes = [record for record in journal if record.writes]
        if self.protocol == "rest":
            assert Counter(told) == Counter(written(record) for record in writes if record.status == 204)
            return
        # The code of HTTP says nothing here, so it is known only between which bounds the truth is.
        assert not Counter(told) - Counter(map(written, writes))
        assert not Counter(written(record) for record in writes if record.wrote) - Counter(told)

    def _converges(self, declaration: Union[Declaration, Whole]) -> None:
        second, _journal = self._run(declaration, [], False)
        state = State.of(self.host)
        if second.failed:
            assert second.code == "conflict", second.message
            return
        assert declaration.holds(state)
        third, journal = self._run(declaration, [], False)
        assert not third.failed
        assert not third.changed
        assert not any(record.writes for record in journal)
        assert State.of(self.host) == state

    @staticmethod
    def _keys_stay(before: State, after: State) -> None:
        for name, key_id in before.providers.items():
            assert after.providers.get(name, key_id) == key_id, "a key was replaced"


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
    issuers = _whole(parts).options["token_issuers"]
    gone = {issuer["issuer_alias"] for issuer in issuers if issuer["state"] == "absent"}
    subjects = {(one["external_group_name"], one["issuer_alias"]): one for one in rights}
    kept = [one for one in subjects.values() if one["state"] == "absent" or one["issuer_alias"] not in gone]
    options = {"token_issuers": issuers, "client_profiles": kept, "purge_client_profiles": purge}
    return Asked(cases.HOST_TRUST, options)


asked = st.one_of(
    issuers.map(lambda one: Asked(one.module, one.options)),
    issuers.map(lambda one: Asked(one.module, {**one.options, "issuer_conflict": "rename", "state": "present"})),
    profiles.map(lambda one: Asked(cases.CLIENT_PROFILE, one)),
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
    found: Granted = {}
    for label, entitlements in state.profiles.items():
        group, alias = _group_and_alias(label)
        if alias in state.issuers:
            issuer = state.issuers[alias][0]
            marker = read_marker(issuer)
            subject = (marker.issuer if marker else issuer, group)
            found[subject] = found.get(subject, frozenset()) | entitlements
    return found


def _group_and_alias(label: str) -> tuple[str, str]:
    account, _of, alias = label.rpartition(" of ")
    return account.rpartition("\\")[2], alias


class Rights(OnOneHost):
    """Token issuers with client profiles that name them, on hosts that cascade and on hosts that do not."""

    @initialize(
        retries=st.integers(0, 3), form=st.sampled_from(FORMS), cascade=st.booleans(), needs_issuer=st.booleans()
    )
    def fresh(self, retries: int, form: tuple[str, str], cascade: bool, needs_issuer: bool) -> None:
        held = State({"bystander": KEY_ID}, {"vc1": (ISSUERS[0], frozenset({cases.ONE}))}, _KEEP)
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
        moving = {one["issuer_alias"] for one in declaration.issuers}
        for one in declaration.profiles:
            label = f"external group d\\{one['external_group_name']} of {one['issuer_alias']}"
            had, has = before.profiles.get(label, frozenset()), after.profiles.get(label)
            if one["state"] == "absent":
                assert has is None
            elif one["entitlements_mode"] == "exact":
                assert has == frozenset(one["entitlements"])
            else:
                assert has is not None
                assert has >= set(one["entitlements"])
                assert moving or has == had | set(one["entitlements"])
        for one in declaration.issuers:
            if one["state"] == "absent":
                assert one["issuer_alias"] not in {_group_and_alias(label)[1] for label in after.profiles}

    @staticmethod
    def _nobody_lost_a_right(declaration: Asked, before: State, after: State) -> None:
        """Only what is declared takes a right away: of the profile, of its issuer, or a purge."""
        if declaration.options.get("purge_client_profiles"):
            return
        gone = {one["issuer_alias"] for one in declaration.issuers if one["state"] == "absent"}
        given = {one["issuer_alias"]: one["issuer"] for one in declaration.issuers if one["state"] == "present"}
        declared = {one["external_group_name"] for one in declaration.profiles}
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
        named = {one["issuer_alias"] for one in (*declaration.issuers, *declaration.profiles)}
        trusted = {one["issuer"] for one in declaration.issuers}
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


def _try(machine: type[OnOneHost], sweep: Sweep, examples: int) -> None:
    class Here(machine):  # type: ignore[misc, valid-type] # mypy takes no parameter for a base
        fleet = sweep.fleet
        host = sweep.fleet.hosts[0]

    run_state_machine_as_test(
        Here,
        settings=hypothesis.settings(
            max_examples=examples,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )


def test_random_runs(sweep: Sweep) -> None:
    _try(Runs, sweep, 60)


def test_random_runs_with_client_profiles(sweep: Sweep) -> None:
    _try(Rights, sweep, 40)
