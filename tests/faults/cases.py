# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules are asked to do while things go wrong: every change of state that they know, and none."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._services import client_profile_module
from ansible_collections.esx.trust.plugins.module_utils._services import host_trust
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider_module
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_module
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from simulator import Fleet
from simulator import Host
from simulator.state import ClientProfile
from support.certificates import chain
from support.client_profiles import grants
from support.constants import ISSUER
from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID

PASSWORD = "Horse-Battery+1"
ONE = tuple(chain(1, subject="one"))
TWO = tuple(chain(2, subject="two"))
THREE = tuple(chain(1, subject="three"))

Issuers = Mapping[str, tuple[str, frozenset[tuple[str, ...]]]]
#: How the label of a client profile begins.
_LOCAL, _GROUP = "local user ", "external group "
AUTH_METHODS = ("token", "basic", "session")


@dataclass(frozen=True)
class Module:
    """One module: its options, and what it does with them."""

    name: str
    arguments: Arguments
    run: Callable[[Mapping[str, Any], bool], dict[str, Any]]
    records: str
    """The key of its result under which the host's things are."""

    @property
    def reads_only(self) -> bool:
        return self.name.endswith("_info")

    def params(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All options, as Ansible would hand them over."""
        return _filled(self.arguments.options, given)


def spoken(protocol: str) -> str:
    """The form of the API that a host speaks for runs with this `api_protocol`."""
    return "jsonrpc" if protocol == "auto" else protocol


def _filled(options: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, with the defaults of the rest, also in options that are lists of options."""
    unknown = set(given) - set(options)
    assert not unknown, unknown

    filled = {name: given.get(name, option.get("default")) for name, option in options.items()}

    for name, value in filled.items():
        if "options" in options[name] and value is not None:
            filled[name] = [_filled(options[name]["options"], entry) for entry in value]

    return filled


KMS_PROVIDER = Module("esx_kms_provider", kms_provider_module.ARGUMENTS, kms_provider_module.run, "kms_provider")
KMS_PROVIDER_INFO = Module(
    "esx_kms_provider_info", kms_provider_module.INFO_ARGUMENTS, kms_provider_module.run_info, "kms_providers"
)
TOKEN_ISSUER = Module("esx_token_issuer", token_issuer_module.ARGUMENTS, token_issuer_module.run, "token_issuer")
TOKEN_ISSUER_INFO = Module(
    "esx_token_issuer_info", token_issuer_module.INFO_ARGUMENTS, token_issuer_module.run_info, "token_issuers"
)
CLIENT_PROFILE = Module(
    "esx_client_profile", client_profile_module.ARGUMENTS, client_profile_module.run, "client_profile"
)
CLIENT_PROFILE_INFO = Module(
    "esx_client_profile_info", client_profile_module.INFO_ARGUMENTS, client_profile_module.run_info, "client_profiles"
)

HOST_TRUST = Module("esx_host_trust", host_trust.ARGUMENTS, host_trust.run, "host_trust")


def label_of(profile: ClientProfile) -> str:
    """How the modules call a client profile of a local user or of a group."""
    if profile.type == "LOCAL_USER":
        return f"{_LOCAL}{profile.name}"
    return f"{_GROUP}{profile.domain}\\{profile.name} of {profile.issuer_alias}"


def is_profile(label: str) -> bool:
    """Whether what has this label is a client profile."""
    return label.startswith((_LOCAL, _GROUP))


def _subject_of(label: str) -> dict[str, str]:
    """The fields of the subject that has this label."""
    if label.startswith(_LOCAL):
        return {"name": label.removeprefix(_LOCAL)}
    account, _of, alias = label.removeprefix(_GROUP).rpartition(" of ")
    domain, _backslash, name = account.partition("\\")

    return {"type": "EXTERNAL_GROUP", "domain": domain, "name": name, "issuer_alias": alias}


@dataclass(frozen=True)
class State:
    """What a host holds.

    providers: name -> key_id; issuers: alias -> issuer and chains, whose order means nothing; profiles: label of the
    subject, which is a local user or a group of an issuer -> entitlements.
    """

    providers: Mapping[str, str | None] = field(default_factory=dict)
    issuers: Issuers = field(default_factory=dict)
    profiles: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, host: Host) -> State:
        return cls(
            {name: provider.key_id for name, provider in host.providers.items()},
            {alias: (issuer.issuer, frozenset(map(tuple, issuer.chains))) for alias, issuer in host.issuers.items()},
            {label_of(profile): frozenset(profile.entitlements) for profile in host.client_profiles.values()},
        )

    def put(self, host: Host) -> None:
        for name, key_id in self.providers.items():
            host.put_provider(name, key_id=key_id)
        for alias, (issuer, chains) in self.issuers.items():
            host.put_issuer(alias, issuer, [list(each) for each in chains])

        for label, entitlements in self.profiles.items():
            # The id is the host's to give. In it the journal shows which profile a request is about.
            host.put_client_profile(label, **_subject_of(label), grants=grants(*sorted(entitlements)))

    @property
    def trusted(self) -> set[str]:
        return {issuer for issuer, _chains in self.issuers.values()}

    @property
    def rights(self) -> set[tuple[str, frozenset[str]]]:
        """Whoever has a client profile, under whatever alias, and what it grants."""
        return {(label.partition(" of ")[0], granted) for label, granted in self.profiles.items()}

    def key(self) -> tuple[frozenset[Any], ...]:
        """The same for equal states."""
        return tuple(frozenset(held.items()) for held in (self.providers, self.issuers, self.profiles))


@dataclass(frozen=True)
class Case:
    """A module with a declaration, a host in some state, and where the two end when nothing goes wrong."""

    name: str
    module: Module
    options: Mapping[str, Any]
    begins: State
    ends: State
    settings: Mapping[str, Any] = field(default_factory=dict)
    failure: str | None = None
    """The code of the failure in which it ends, which changes nothing."""
    spares: tuple[str, ...] = ()
    """Names of faults that it does not meet."""

    def __str__(self) -> str:
        return self.name

    def arrange(self, host: Host, state: State | None = None, *, protocol: str = "rest") -> None:
        """A fresh host in the first state, or in the given one, for runs with this `api_protocol`."""
        host.reset()
        host.settings(session_service=True, protocols=spoken(protocol), **self.settings)
        host.put_account(host.username, PASSWORD)
        (state or self.begins).put(host)

    def params(self, host: Host, fleet: Fleet, auth_method: str, **connection: Any) -> dict[str, Any]:
        return self.module.params(
            {
                "hostname": host.address,
                "port": host.port,
                "username": host.username,
                "password": PASSWORD,
                "ca_path": fleet.ca_path,
                "auth_method": auth_method,
                **self.options,
                **connection,
            }
        )


def _held(*chains: tuple[str, ...], issuer: str = ISSUER) -> tuple[str, frozenset[tuple[str, ...]]]:
    return issuer, frozenset(chains)


def declared_chains(*chains: tuple[str, ...]) -> list[dict[str, list[str]]]:
    return [{"cert_chain": list(each)} for each in chains]


_PROVIDERS = {"bystander": OTHER_KEY_ID}
_PROFILES = {f"{_LOCAL}bystander": frozenset({"READ_ONLY"})}
_READER, _KEEPER = frozenset({"READ_ONLY"}), frozenset({"SECURITY_MGMT"})
_ISSUERS = {"bystander": _held(THREE, issuer="https://bystander.example.com")}


def _kms(
    name: str, before: Mapping[str, str], after: Mapping[str, str], failure: str | None = None, **options: Any
) -> Case:
    settings = {"provider_delete": options.pop("provider_delete", "supported")}
    return Case(
        f"kms_provider {name}",
        KMS_PROVIDER,
        {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY, **options},
        State({**_PROVIDERS, **before}, _ISSUERS),
        State({**_PROVIDERS, **after}, _ISSUERS),
        settings,
        failure,
    )


def _issuer(name: str, before: Issuers, after: Issuers, failure: str | None = None, **options: Any) -> Case:
    settings = {"projection_supported": options.pop("projection_supported", True)}
    return Case(
        f"token_issuer {name}",
        TOKEN_ISSUER,
        {"issuer_alias": "vcenter01", "issuer": ISSUER, "signing_cert_chains": declared_chains(ONE), **options},
        State(_PROVIDERS, {**_ISSUERS, **before}),
        State(_PROVIDERS, {**_ISSUERS, **after}),
        settings,
        failure,
    )


def _profile(name: str, before: frozenset[str] | None, after: frozenset[str] | None, **options: Any) -> Case:
    begins, ends = (
        State(_PROVIDERS, _ISSUERS, {**_PROFILES, **({} if held is None else {f"{_LOCAL}automation": held})})
        for held in (before, after)
    )
    declared = {"local_user_name": "automation", "entitlements": ["SECURITY_MGMT"], **options}
    # Any text is a good id. Nobody sees that a host gave one and created nothing.
    spares = ("wrong_shape_text", "huge65536")

    return Case(f"client_profile {name}", CLIENT_PROFILE, declared, begins, ends, spares=spares)


def _issuer_with_profiles(name: str, begins: Issuers, ends: Issuers, **settings: Any) -> Case:
    """An issuer is renamed, or goes, with client profiles that name its alias."""

    def state(issuers: Issuers) -> State:
        profiles = dict(_PROFILES)
        for alias in issuers:
            profiles[f"{_GROUP}d\\admins of {alias}"] = _READER | _KEEPER
            profiles[f"{_GROUP}d\\people of {alias}"] = _READER

        return State(_PROVIDERS, {**_ISSUERS, **issuers}, profiles)

    declared = {**_VCENTER, "issuer_conflict": "rename", "state": "present" if ends else "absent"}
    # Any text is a good id. Nobody sees that a host gave one and created nothing.
    spares = ("wrong_shape_text", "huge65536")

    return Case(f"token_issuer {name}", TOKEN_ISSUER, declared, state(begins), state(ends), settings, spares=spares)


def _trust(
    name: str,
    before: State,
    after: State,
    failure: str | None = None,
    spares: tuple[str, ...] = (),
    **options: Any,
) -> Case:
    begins, ends = (
        State({**_PROVIDERS, **state.providers}, {**state.issuers, **_ISSUERS}) for state in (before, after)
    )
    if options.get("purge_token_issuers"):
        ends = State(ends.providers, after.issuers)
    declared = {"kms_providers": [_SITE], "token_issuers": [_VCENTER, _IDP, _GONE], **options}

    return Case(f"host_trust {name}", HOST_TRUST, declared, begins, ends, {}, failure, spares)


_SITE = {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY}
_VCENTER = {"issuer_alias": "vcenter01", "issuer": ISSUER, "signing_cert_chains": declared_chains(ONE)}
_IDP = {"issuer_alias": "idp", "issuer": "https://idp.example.com", "signing_cert_chains": declared_chains(TWO)}
_GONE = {"issuer_alias": "leftover", "state": "absent"}
_IDPS = {"idp": _held(TWO, issuer="https://idp.example.com")}
_FORMER = {"leftover": _held(TWO, issuer="https://former.example.com")}
_OURS = {"vcenter01": _held(ONE)}
_OLD = {"vcenter01": _held(TWO)}
_LEFTOVER = {"leftover": _held(TWO)}
_STRANGE = {"vcenter01": _held(TWO, issuer="https://old.example.com")}
_INFO = State({**_PROVIDERS, "site-a": KEY_ID}, {**_ISSUERS, **_OURS}, _PROFILES)

CASES: tuple[Case, ...] = (
    _kms("create", {}, {"site-a": KEY_ID}),
    _kms("converged", {"site-a": KEY_ID}, {"site-a": KEY_ID}),
    _kms("conflict", {"site-a": OTHER_KEY_ID}, {"site-a": OTHER_KEY_ID}, "conflict"),
    _kms("delete", {"site-a": KEY_ID}, {}, state="absent"),
    _kms("absent", {}, {}, state="absent"),
    _kms(
        "delete unknown",
        {"site-a": KEY_ID},
        {"site-a": KEY_ID},
        "api_error",
        state="absent",
        provider_delete="operation_not_found",
    ),
    _issuer("create", {}, _OURS),
    _issuer("converged", _OURS, _OURS),
    _issuer("update chains", _OLD, _OURS),
    _issuer("update issuer", {"vcenter01": _held(ONE, issuer="https://old.example.com")}, _OURS),
    _issuer("merge", _OLD, {"vcenter01": _held(ONE, TWO)}, chains_mode="merge"),
    _issuer("adopt", _LEFTOVER, {"leftover": _held(ONE)}, issuer_conflict="adopt"),
    _issuer("rename", _LEFTOVER, _OURS, issuer_conflict="rename"),
    _issuer("rename with own", {**_LEFTOVER, **_STRANGE}, _OURS, issuer_conflict="rename"),
    _issuer("conflict", _LEFTOVER, _LEFTOVER, "conflict"),
    _issuer("elsewhere", {"leftover": _held(ONE)}, {"leftover": _held(ONE)}),
    _issuer("delete", _OURS, {}, state="absent"),
    _issuer("absent", {}, {}, state="absent"),
    _issuer("one by one", _OLD, _OURS, projection_supported=False),
    _trust("whole", State({}, {**_OLD, **_FORMER}), State({"site-a": KEY_ID}, {**_OURS, **_IDPS})),
    _trust("converged", State({"site-a": KEY_ID}, {**_OURS, **_IDPS}), State({"site-a": KEY_ID}, {**_OURS, **_IDPS})),
    _trust("conflict", State({"site-a": OTHER_KEY_ID}, _OLD), State({"site-a": OTHER_KEY_ID}, _OLD), "conflict"),
    _trust("rename", State({}, _LEFTOVER), State({"site-a": KEY_ID}, {**_OURS, **_IDPS})),
    _trust(
        "swap",
        State({}, {"idp": _held(TWO), "vcenter01": _held(THREE, issuer="https://idp.example.com")}),
        State({}, {**_OURS, **_IDPS}),
        # A host that acts on a marking after the alias has got its new issuer takes that away, and nobody can see it.
        spares=("late",),
        kms_providers=None,
        token_issuers=[{**_VCENTER, "issuer_conflict": "rename"}, {**_IDP, "issuer_conflict": "rename"}],
    ),
    _trust(
        "purge",
        State({}, _FORMER),
        State({}, _IDPS),
        kms_providers=None,
        token_issuers=[_IDP],
        purge_token_issuers=True,
    ),
    _issuer_with_profiles("rename with profiles", _LEFTOVER, _OURS),
    _issuer_with_profiles("rename with profiles, no cascade", _LEFTOVER, _OURS, profiles_cascade=False),
    _issuer_with_profiles("delete with profiles", _OURS, {}),
    _profile("create", None, _KEEPER),
    _profile("update", _READER, _KEEPER),
    _profile("merge", _READER, _READER | _KEEPER, entitlements_mode="merge"),
    _profile("delete", _KEEPER, None, state="absent"),
    Case("client_profile_info", CLIENT_PROFILE_INFO, {}, _INFO, _INFO),
    Case("kms_provider_info", KMS_PROVIDER_INFO, {}, _INFO, _INFO),
    Case("token_issuer_info", TOKEN_ISSUER_INFO, {}, _INFO, _INFO),
)
