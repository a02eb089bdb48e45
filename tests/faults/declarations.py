# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the state machines declare: so few names, keys and certificates that runs get into each other's way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import Optional
from typing import Union

from hypothesis import strategies as st

from faults import cases
from faults.cases import State
from faults.troubles import LARGEST_BODY
from simulator import Fault
from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID

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
KEPT = {"external group d\\admins of vc1": frozenset({"READ_ONLY", "SECURITY_MGMT"})}

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
        had, has = self._chains_in(before), self._chains_in(after)
        return has is None or has >= (had or frozenset()) or self.removes

    def _chains_in(self, state: State) -> Optional[frozenset[Any]]:
        """The chains of the declared issuer; None if no alias holds it."""
        for issuer, chains in state.issuers.values():
            if issuer == self.options["issuer"]:
                return chains

        return None


@dataclass(frozen=True)
class HostDeclaration:
    """Several declarations of one host in one."""

    parts: tuple[Declaration, ...]
    module: cases.Module = cases.HOST_TRUST

    @property
    def options(self) -> dict[str, Any]:
        return {
            "kms_providers": self._options_of(cases.KMS_PROVIDER),
            "token_issuers": self._options_of(cases.TOKEN_ISSUER),
        }

    def _options_of(self, module: cases.Module) -> list[Mapping[str, Any]]:
        return [part.options for part in self.parts if part.module is module]

    @property
    def removes(self) -> bool:
        return any(part.removes for part in self.parts)

    @property
    def trusts(self) -> set[str]:
        return set().union(*(part.trusts for part in self.parts))

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
        given = {
            declared.options["issuer_alias"]: declared.options["issuer"] for declared in self.parts if declared.trusts
        }

        for alias, (issuer, _chains) in before.issuers.items():
            if issuer in part.trusts and given.get(alias, issuer) != issuer:
                return True

        return False

    def gives_up(self, before: State) -> set[str]:
        """The declared issuers whose alias is given to another issuer before they get one of their own."""
        moving = [part for part in self.parts if self._moves(part, before)]
        return set().union(*(part.trusts for part in moving))


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


Declared = Union[Declaration, HostDeclaration, Asked]

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


def host_declaration(parts: list[Declaration]) -> HostDeclaration:
    """The declarations that can stand side by side."""
    kept: list[Declaration] = []
    names: set[Any] = set()

    for part in parts:
        belongings = {("issuer", issuer) for issuer in part.trusts}
        for option in ("provider", "issuer_alias"):
            if part.options.get(option) is not None:
                belongings.add((option, part.options[option]))

        if not belongings & names:
            names |= belongings
            kept.append(part)

    return HostDeclaration(tuple(kept))


host_declarations = st.lists(st.one_of(providers, issuers, issuers), min_size=1, max_size=5).map(host_declaration)
declarations = st.one_of(providers, issuers, issuers, host_declarations, host_declarations)
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
