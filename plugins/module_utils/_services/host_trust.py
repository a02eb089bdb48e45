# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole declared trust of a host: key providers, token issuers and client profiles, planned as one."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any
from typing import Optional
from typing import TypeVar

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile
from ansible_collections.esx.trust.plugins.module_utils._services import issuer_plan
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer
from ansible_collections.esx.trust.plugins.module_utils._services.account import UNKNOWN
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import validity_warnings
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile import Subject
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import Held
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import IssuerPlan
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import DeclaredProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import Rights
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import plan_rights
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import undeclared
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import undo_renaming
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import KmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.results import result
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer import TokenIssuer

RESOURCE = "host_trust"

ARGUMENTS = HOST_CONNECTION.merge(
    Arguments(
        options={
            "kms_providers": kms_provider.DECLARATION.entries(),
            # No secret, whatever its name reminds of.
            "token_issuers": {**token_issuer.DECLARATION.entries(), "no_log": False},
            "purge_token_issuers": {"type": "bool", "default": False},
            "client_profiles": client_profile.DECLARATION.entries(),
            "purge_client_profiles": {"type": "bool", "default": False},
        },
        # Without the list, nobody can have meant that everything shall go.
        required_if=(
            ("purge_token_issuers", True, ("token_issuers",)),
            ("purge_client_profiles", True, ("client_profiles",)),
        ),
        required_one_of=(("kms_providers", "token_issuers", "client_profiles"),),
        suspects={**kms_provider.DECLARATION.suspects, **token_issuer.DECLARATION.suspects},
    )
)

_Desired = TypeVar("_Desired")

_SERVICES: Mapping[str, Any] = {
    kms_provider.RESOURCE: kms_provider,
    issuer_plan.RESOURCE: token_issuer,
    client_profile.RESOURCE: client_profile,
}


@dataclass(frozen=True)
class HostTrust:
    """What a host holds of what is declared.

    kms_providers: by name, None where there is no such provider. token_issuers: all of them.
    provider_names: of all providers, declared or not, if one is to be created.
    client_profiles: all of them, if some are declared or the plan takes an issuer from an alias that they may name.
    """

    kms_providers: Mapping[str, Optional[KmsProvider]] = field(default_factory=dict)
    token_issuers: tuple[TokenIssuer, ...] = ()
    provider_names: tuple[str, ...] = ()
    client_profiles: Profiles = field(default_factory=Profiles)


@dataclass(frozen=True)
class DesiredHostTrust:
    """What is declared of a host.

    token_issuers, client_profiles: None if nothing is declared of them, so that they need not be read.
    account: who is logged in.
    """

    kms_providers: tuple[DesiredKmsProvider, ...] = ()
    token_issuers: Optional[tuple[DesiredTokenIssuer, ...]] = None
    purge_token_issuers: bool = False
    client_profiles: Optional[tuple[DesiredClientProfile, ...]] = None
    purge_client_profiles: bool = False
    account: Account = UNKNOWN

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> DesiredHostTrust:
        """Check the module's options. Raises InvalidInput, which names the option and the entry."""
        providers = _read("kms_providers", params["kms_providers"], DesiredKmsProvider.from_params)
        _check_unique("kms_providers", "provider", [one.provider for one in providers])
        issuers = _read_issuers(params)
        profiles = _read_profiles(params, issuers or ())
        return cls(
            kms_providers=providers,
            token_issuers=issuers,
            purge_token_issuers=params["purge_token_issuers"],
            client_profiles=profiles,
            purge_client_profiles=bool(params.get("purge_client_profiles")),
        )

    @property
    def declared_issuers(self) -> DeclaredIssuers:
        """What is declared of the issuers, as their plan takes it."""
        return DeclaredIssuers(self.token_issuers or (), purge=self.purge_token_issuers)

    @property
    def declared_profiles(self) -> DeclaredProfiles:
        """What is declared of the client profiles, as their plan takes it."""
        return DeclaredProfiles(self.client_profiles or (), self.purge_client_profiles, self.account)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about the declaration itself."""
        chains = [chain for one in self.token_issuers or () for chain in one.chains]
        validity = validity_warnings(chains, datetime.datetime.now(datetime.timezone.utc))
        return tuple(validity)


@dataclass(frozen=True)
class _Part:
    """What is to be done about one declared resource, or about an issuer that nobody declared.

    status: what was found, as RV(resources[].status) tells it.
    message: what else a person should know about what was found.
    """

    resource: str
    id: str
    status: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()
    conflict: str = ""
    message: str = ""

    def describe(self) -> dict[str, Any]:
        """The entry of RV(resources)."""
        return {
            "resource": self.resource,
            "id": self.id,
            "status": self.status,
            "message": self.conflict or self.message,
            "before": self._shown(self.before),
            "after": self._shown(self.after),
        }

    def _shown(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The record as a person reads it."""
        return client_profile.shown(record) if self.resource == client_profile.RESOURCE else token_issuer.shown(record)


def plan(observed: HostTrust, desired: DesiredHostTrust) -> Plan:
    """What has to be done so that a host that holds `observed` holds what is `desired`.

    First the key providers, then the issuers that are added and updated, then the client profiles that are, then the
    removals the other way round. A conflict in one resource is a conflict of the whole, so that nothing is done by
    halves.
    """
    providers = [_provider_part(observed, one) for one in desired.kms_providers]
    planned = issuer_plan.plan_issuers(observed.token_issuers, desired.declared_issuers)
    rights = plan_rights(
        issuer_plan.by_alias(observed.token_issuers),
        planned.steps,
        observed.client_profiles,
        desired.declared_profiles,
    )
    parts = [
        *providers,
        *_issuer_parts(observed.token_issuers, desired, planned),
        *_profile_parts(observed.client_profiles, desired, rights),
    ]

    added = [step for part in providers if part.status == "missing" for step in part.steps]
    removed = [step for part in providers if part.status == "extra" for step in part.steps]
    steps = (*added, *rights.steps, *removed)

    conflicts = [
        *(part.conflict for part in parts if part.conflict),
        *rights.conflicts,
        *_dangling(planned, desired),
        *_impossible(steps),
    ]
    before = _record(observed.kms_providers.values(), observed.token_issuers, observed.client_profiles.held)
    found = {"resources": [part.describe() for part in parts]}
    if conflicts:
        return Plan(before, before, conflict=" Also, ".join(dict.fromkeys(conflicts)), found=found)
    return Plan(
        before=before,
        after={
            **_record((), planned.held.values(), rights.held),
            "kms_providers": [dict(part.after) for part in providers if part.after],
        },
        steps=steps,
        warnings=(*(warning for part in parts for warning in part.warnings), *rights.warnings),
        found=found,
    )


def _dangling(planned: IssuerPlan, desired: DesiredHostTrust) -> Iterator[str]:
    """A sentence for each profile that would name a declared alias under which no issuer will be saved."""
    aliases = {one.issuer_alias: one.issuer or "" for one in desired.declared_issuers.present}
    for profile in desired.client_profiles or ():
        alias = profile.subject.issuer_alias
        if profile.state != "present" or alias not in aliases:
            continue
        if alias in planned.held or alias in planned.conflicts:
            continue
        holder = issuer_plan.real_holder(planned.held, aliases[alias])
        if holder is not None:
            yield (
                f"the client profile of the {profile.subject.label} is declared of the alias {alias!r}, and its issuer"
                f" {holder.issuer!r} stays under the alias {holder.issuer_alias!r}; declare the profile of that alias,"
                " or let the issuer be renamed (issuer_conflict rename)."
            )


def _impossible(steps: Iterable[Step]) -> Iterator[str]:
    """A sentence for each step that no request can ask for; hosts keep names that cannot stand in a URL."""
    for step in steps:
        try:
            _SERVICES[step.resource].check_address(step)
        except InvalidInput as error:
            yield f"the {step.resource} {step.id!r} is there, and the API cannot {step.action} it ({error.message})"


def _provider_part(observed: HostTrust, desired: DesiredKmsProvider) -> _Part:
    found = observed.kms_providers.get(desired.provider)
    own = kms_provider.plan(found, desired, observed.provider_names)
    return _part(kms_provider.RESOURCE, desired.provider, desired.state, own)


def _issuer_parts(observed: tuple[TokenIssuer, ...], desired: DesiredHostTrust, planned: IssuerPlan) -> Iterator[_Part]:
    """The parts of all issuers, declared or not."""
    declared = desired.declared_issuers
    first = issuer_plan.by_alias(observed)
    steps: dict[str, list[Step]] = {}
    for move in planned.moves:
        steps.setdefault(move.owner, []).append(move.step)

    for one in (*declared.present, *declared.absent):
        alias = one.issuer_alias
        before, after = token_issuer.records_of(observed, planned.held, one, declared)
        conflict = planned.conflicts.get(alias)
        own = Plan(
            before=before,
            after=before if conflict else after,
            steps=tuple(steps.get(alias, ())),
            warnings=_warnings(observed, one, planned, declared),
            conflict=conflict,
        )
        part = _part(issuer_plan.RESOURCE, alias, one.state, own)
        marked = first.get(alias)
        yield replace(part, message=token_issuer.marker_message(first, marked, declared) if marked else "")

    for alias in issuer_plan.undeclared(first, declared):
        yield _undeclared_part(first, alias, planned, declared)


def _warnings(
    observed: tuple[TokenIssuer, ...], desired: DesiredTokenIssuer, planned: IssuerPlan, declared: DeclaredIssuers
) -> tuple[str, ...]:
    if desired.state == "absent":
        # An issuer that moves away is no surprise to anybody.
        if desired.issuer is not None and declared.of_issuer(desired.issuer):
            return ()
        return token_issuer.warnings_about(tuple(planned.held.values()), desired, declared)
    return token_issuer.warnings_about(observed, desired, declared)


def _undeclared_part(first: Held, alias: str, planned: IssuerPlan, declared: DeclaredIssuers) -> _Part:
    issuer = first[alias]
    record = issuer.record()
    part = _Part(issuer_plan.RESOURCE, alias, "undeclared", record, record)
    if issuer.marker is None and not declared.purge:
        return part

    after = planned.held.get(alias)
    status = "extra" if after is None else "differs"
    message = token_issuer.marker_message(first, issuer, declared)
    told = () if declared.of_issuer(issuer.true_issuer) or not message else (message,)
    return replace(part, status=status, after=after.record() if after else {}, message=message, warnings=told)


def _profile_parts(profiles: Profiles, desired: DesiredHostTrust, rights: Rights) -> Iterator[_Part]:
    """The parts of all client profiles, declared or not, if some are declared."""
    if desired.client_profiles is None:
        return
    declared = desired.declared_profiles
    for one in desired.client_profiles:
        own = client_profile.plan(profiles.as_plan_takes(profiles.held), one, declared.account)
        part = _part(client_profile.RESOURCE, one.subject.label, one.state, own)
        yield replace(part, message=client_profile.difference(own)) if part.status == "differs" else part

    for undeclared_one in undeclared(profiles.held, declared):
        record = undeclared_one.record()
        goes = undeclared_one not in rights.held
        yield _Part(
            client_profile.RESOURCE,
            undeclared_one.label,
            "extra" if goes else "undeclared",
            record,
            {} if goes else record,
            message=f"It grants {undeclared_one.rights}.",
        )


def _part(resource: str, name: str, state: str, own: Plan) -> _Part:
    if own.conflict:
        # What is not there contradicts nothing; there it is the declaration that lacks something.
        status = "conflict" if own.before else "missing"
    elif state == "absent":
        status = "extra" if own.before else "ok"
    elif not own.steps:
        status = "ok"
    else:
        status = "differs" if own.before else "missing"
    return _Part(resource, name, status, own.before, own.after, own.steps, own.warnings, own.conflict or "")


def _record(
    providers: Iterable[Optional[KmsProvider]], issuers: Iterable[TokenIssuer], profiles: Iterable[ClientProfile]
) -> dict[str, Any]:
    return {
        "kms_providers": [one.record() for one in providers if one],
        "token_issuers": [one.record() for one in sorted(issuers, key=lambda one: one.issuer_alias)],
        "client_profiles": [one.record() for one in sorted(profiles, key=lambda one: one.label)],
    }


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record for a diff: by name, and what each certificate is without its text."""
    return {
        "kms_providers": {one["provider"]: one for one in record["kms_providers"]},
        "token_issuers": {one["issuer_alias"]: token_issuer.shown(one) for one in record["token_issuers"]},
        "client_profiles": {
            client_profile.label_of(one): client_profile.shown(one) for one in record["client_profiles"]
        },
    }


def run(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """esx_host_trust: the module's result. Raises TrustError."""
    desired = DesiredHostTrust.from_params(params)
    connection = Connection.from_params(params)
    declared = _Declared(replace(desired, account=Account.of_connection(connection)))
    with connect(connection, ARGUMENTS.secrets(params)) as client:
        outcome = converge(client, declared, check_mode)
        done = result(RESOURCE, "", connection, outcome, desired.warnings, _shown)
        client_profile.with_ids(done[RESOURCE]["client_profiles"], declared.ids)
        return client.report({**done, **outcome.found})


@dataclass(frozen=True)
class _Declared:
    """The declaration that `converge` works on. ids: what the host answered to creations of client profiles."""

    desired: DesiredHostTrust
    ids: dict[Subject, str] = field(default_factory=dict)

    def observe(self, client: Client) -> HostTrust:
        providers = self.desired.kms_providers
        found = {one.provider: kms_provider.find(client, one.provider) for one in providers}
        issuers = () if self.desired.token_issuers is None else token_issuer.list_issuers(client)
        return HostTrust(
            kms_providers=found,
            provider_names=kms_provider.names_beside(client, providers, list(found.values())),
            token_issuers=issuers,
            client_profiles=self._observe_profiles(client, issuers),
        )

    def _observe_profiles(self, client: Client, issuers: tuple[TokenIssuer, ...]) -> Profiles:
        if self.desired.client_profiles is None:
            return token_issuer.read_profiles_of(client, issuers, self.desired.declared_issuers)
        held = client_profile.list_profiles(client)
        return Profiles(offered=False) if held is None else Profiles(held)

    def plan(self, observed: HostTrust) -> Plan:
        return plan(observed, self.desired)

    def look_again(self, client: Client, steps: Sequence[Step], observed: Any) -> Any:
        written = [step for step in steps if step.resource == issuer_plan.RESOURCE]
        if not any(token_issuer.writes_chains(step) for step in written):
            return None
        return replace(observed, token_issuers=token_issuer.list_issuers(client))

    def perform(self, client: Client, step: Step) -> None:
        if step.resource == client_profile.RESOURCE:
            client_profile.perform(client, step, self.ids)
        else:
            _SERVICES[step.resource].perform(client, step)

    def was_carried_out(self, observed: HostTrust, step: Step) -> bool:
        if step.resource == client_profile.RESOURCE:
            return client_profile.was_carried_out(observed.client_profiles.held, step)
        if step.resource == kms_provider.RESOURCE:
            return kms_provider.was_carried_out(observed.kms_providers[step.id], step)
        return token_issuer.was_carried_out(observed.token_issuers, step)

    def is_same(self, step: Step, other: Step) -> bool:
        return bool(_SERVICES[step.resource].is_same(step, other))

    def take_back(self, observed: HostTrust, sent: Sequence[Step]) -> list[Step]:
        held = issuer_plan.by_alias(observed.token_issuers)
        undone = undo_renaming(held, observed.client_profiles, sent, self.desired.declared_profiles)
        steps = token_issuer.issuer_steps(sent)
        held = issuer_plan.carry_out(held, token_issuer.issuer_steps(undone))
        return [*undone, *issuer_plan.take_back(held, steps, self.desired.declared_issuers)]

    def left_over(self, observed: HostTrust, sent: Sequence[Step]) -> list[str]:
        held = issuer_plan.by_alias(observed.token_issuers)
        return issuer_plan.left_over(held, token_issuer.issuer_steps(sent))

    def assumed(self, observed: HostTrust, sent: Sequence[Step]) -> HostTrust:
        providers = dict(observed.kms_providers)
        providers.update({step.id: step.after for step in sent if step.resource == kms_provider.RESOURCE})
        held = issuer_plan.by_alias(observed.token_issuers)
        issuers = issuer_plan.carry_out(held, token_issuer.issuer_steps(sent))
        return replace(
            observed,
            kms_providers=providers,
            token_issuers=tuple(issuers.values()),
            client_profiles=observed.client_profiles.after(sent),
        )

    def own_form(self, observed: HostTrust, step: Step) -> str:
        if step.resource != issuer_plan.RESOURCE:
            return ""
        return token_issuer.own_form(observed.token_issuers, step)

    def explain(self, error: TrustError, step: Step, host: str) -> TrustError:
        if step.resource == client_profile.RESOURCE:
            return client_profile.explain(error, step)
        return kms_provider.explain(error, step, host) if step.resource == kms_provider.RESOURCE else error


def _read_issuers(params: Mapping[str, Any]) -> Optional[tuple[DesiredTokenIssuer, ...]]:
    if params["token_issuers"] is None:
        return None
    issuers = _read("token_issuers", params["token_issuers"], DesiredTokenIssuer.from_params)
    _check_unique("token_issuers", "issuer_alias", [one.issuer_alias for one in issuers])
    present = [one for one in issuers if one.state == "present"]
    _check_unique("token_issuers", "issuer", [one.issuer or "" for one in present])
    return issuers


def _read_profiles(
    params: Mapping[str, Any], issuers: Iterable[DesiredTokenIssuer]
) -> Optional[tuple[DesiredClientProfile, ...]]:
    if params.get("client_profiles") is None:
        return None
    profiles = _read("client_profiles", params["client_profiles"], DesiredClientProfile.from_params)
    _check_unique("client_profiles", "subject", [one.subject.label for one in profiles])

    leaving = [one.issuer_alias for one in issuers if one.state == "absent"]
    for number, one in enumerate(profiles):
        alias = one.subject.issuer_alias
        if one.state == "present" and alias in leaving:
            raise InvalidInput(f"client_profiles[{number}].issuer_alias: the issuer {alias!r} is declared absent.")
    return profiles


def _read(
    option: str, entries: Optional[Sequence[Mapping[str, Any]]], read: Callable[[Mapping[str, Any]], _Desired]
) -> tuple[_Desired, ...]:
    """The entries of an option, each checked by `read`. Raises InvalidInput, which says which entry is wrong."""
    desired = []
    for number, entry in enumerate(entries or ()):
        try:
            desired.append(read(entry))
        except InvalidInput as error:
            error.message = f"{option}[{number}].{error.message}"
            raise
    return tuple(desired)


def _check_unique(option: str, part: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput(f"{option}: the {part} {name!r} is declared more than once.")
