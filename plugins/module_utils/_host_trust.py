# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole declared trust of a host, key providers and token issuers: planned as one before anything is written."""

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

from ansible_collections.esx.trust.plugins.module_utils import _kms_provider
from ansible_collections.esx.trust.plugins.module_utils import _token_issuer
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.rest import url_path
from ansible_collections.esx.trust.plugins.module_utils._arguments import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._certificates import validity_warnings
from ansible_collections.esx.trust.plugins.module_utils._connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._converge import converge
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._kms_provider import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._kms_provider import KmsProvider
from ansible_collections.esx.trust.plugins.module_utils._plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._plan import Step
from ansible_collections.esx.trust.plugins.module_utils._results import result
from ansible_collections.esx.trust.plugins.module_utils._token_issuer import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._token_issuer import TokenIssuer

RESOURCE = "host_trust"

ARGUMENTS = HOST_CONNECTION.merge(
    Arguments(
        options={
            "kms_providers": _kms_provider.DECLARATION.entries(),
            # No secret, whatever its name reminds of.
            "token_issuers": {**_token_issuer.DECLARATION.entries(), "no_log": False},
            "purge_token_issuers": {"type": "bool", "default": False},
        },
        # Without the list, nobody can have meant that every issuer shall go.
        required_if=(("purge_token_issuers", True, ("token_issuers",)),),
        required_one_of=(("kms_providers", "token_issuers"),),
        suspects={**_kms_provider.DECLARATION.suspects, **_token_issuer.DECLARATION.suspects},
    )
)

_Desired = TypeVar("_Desired")


@dataclass(frozen=True)
class HostTrust:
    """What a host holds of what is declared.

    kms_providers: by name, None where there is no such provider. token_issuers: all of them.
    provider_names: of all providers, declared or not, if one is to be created.
    """

    kms_providers: Mapping[str, Optional[KmsProvider]] = field(default_factory=dict)
    token_issuers: tuple[TokenIssuer, ...] = ()
    provider_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class DesiredHostTrust:
    """What is declared of a host.

    token_issuers: None if nothing is declared of them, so that they need not be read.
    """

    kms_providers: tuple[DesiredKmsProvider, ...] = ()
    token_issuers: Optional[tuple[DesiredTokenIssuer, ...]] = None
    purge_token_issuers: bool = False

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> DesiredHostTrust:
        """Check the module's options. Raises InvalidInput, which names the option and the entry."""
        providers = _read("kms_providers", params["kms_providers"], DesiredKmsProvider.from_params)
        _check_unique("kms_providers", "provider", [one.provider for one in providers])
        if params["token_issuers"] is None:
            return cls(kms_providers=providers)
        issuers = _read("token_issuers", params["token_issuers"], DesiredTokenIssuer.from_params)
        _check_unique("token_issuers", "issuer_alias", [one.issuer_alias for one in issuers])
        present = [one for one in issuers if one.state == "present"]
        _check_unique("token_issuers", "issuer", [one.issuer or "" for one in present])
        leaving = frozenset(one.issuer_alias for one in issuers if one.state == "absent")
        return cls(
            kms_providers=providers,
            token_issuers=tuple(replace(one, leaving=leaving) for one in issuers),
            purge_token_issuers=params["purge_token_issuers"],
        )

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
    """

    resource: str
    id: str
    status: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()
    conflict: str = ""

    def describe(self) -> dict[str, Any]:
        """The entry of RV(resources)."""
        return {
            "resource": self.resource,
            "id": self.id,
            "status": self.status,
            "message": self.conflict,
            "before": _token_issuer.shown(self.before),
            "after": _token_issuer.shown(self.after),
        }


def plan(observed: HostTrust, desired: DesiredHostTrust) -> Plan:
    """What has to be done so that a host that holds `observed` holds what is `desired`.

    First the key providers, then the issuers that are added and updated, then the removals. A conflict in one
    resource is a conflict of the whole, so that nothing is done by halves.
    """
    providers = [_provider_part(observed, one) for one in desired.kms_providers]
    issuers, writes, held = _issuer_parts(observed.token_issuers, desired)
    parts = [*providers, *issuers]
    added = [step for part in providers if part.status == "missing" for step in part.steps]
    removed = [step for part in providers if part.status == "extra" for step in part.steps]
    steps = (*added, *writes, *(step for part in issuers for step in part.steps), *removed)
    conflicts = [*(part.conflict for part in parts if part.conflict), *_impossible(steps)]
    before = _record(observed.kms_providers.values(), observed.token_issuers)
    found = {"resources": [part.describe() for part in parts]}
    if conflicts:
        return Plan(before, before, conflict=" Also, ".join(conflicts), found=found)
    return Plan(
        before=before,
        after={
            "kms_providers": [dict(part.after) for part in providers if part.after],
            "token_issuers": _record((), held)["token_issuers"],
        },
        steps=steps,
        warnings=tuple(warning for part in parts for warning in part.warnings),
        found=found,
    )


def _impossible(steps: Iterable[Step]) -> Iterator[str]:
    """A sentence for each step that no request can ask for; hosts keep names that cannot stand in a URL."""
    for step in steps:
        try:
            url_path(step.call)
        except InvalidInput as error:
            yield f"the {step.resource} {step.id!r} is there, and the API cannot {step.action} it ({error.message})"


def _provider_part(observed: HostTrust, desired: DesiredKmsProvider) -> _Part:
    found = observed.kms_providers.get(desired.provider)
    own = _kms_provider.plan(found, desired, observed.provider_names)
    return _part(_kms_provider.RESOURCE, desired.provider, desired.state, own, own.steps)


def _issuer_parts(
    observed: tuple[TokenIssuer, ...], desired: DesiredHostTrust
) -> tuple[list[_Part], list[Step], tuple[TokenIssuer, ...]]:
    """The parts of all issuers, with the removals among their steps; the other steps; and what the host then holds."""
    declared = desired.token_issuers or ()
    present = [one for one in declared if one.state == "present"]
    plans, writes, held = _plan_present(observed, present)
    parts = [_part(_token_issuer.RESOURCE, one.issuer_alias, one.state, own) for one, own in zip(present, plans)]
    aliases = {one.issuer_alias for one in present}
    for one in declared:
        if one.state == "absent":
            # Judged by what is there now, removed from what is there by then: a renaming may have come first.
            first, last = _token_issuer.plan(observed, one), _token_issuer.plan(held, one)
            moved = any(other.issuer == one.issuer and other.issuer_alias in aliases for other in held)
            part = _part(_token_issuer.RESOURCE, one.issuer_alias, one.state, first, last.steps)
            parts.append(replace(part, warnings=() if moved else last.warnings))
            held = _token_issuer.carried_out(held, last.steps)
    known = {one.issuer_alias for one in declared} | _serving(held, present)
    for other in [other for other in held if other.issuer_alias not in known]:
        record = other.record()
        if desired.purge_token_issuers:
            steps = (_token_issuer.deletion(other),)
            parts.append(_Part(_token_issuer.RESOURCE, other.issuer_alias, "extra", record, {}, steps))
            held = _token_issuer.carried_out(held, steps)
        else:
            parts.append(_Part(_token_issuer.RESOURCE, other.issuer_alias, "undeclared", record, record))
    return parts, writes, held


def _serving(held: Sequence[TokenIssuer], present: Sequence[DesiredTokenIssuer]) -> set[str]:
    """The aliases under which declared issuers are saved; not all of them need be the declared ones."""
    serving = set()
    for one in present:
        aliases = [other.issuer_alias for other in held if other.issuer == one.issuer]
        serving.update([one.issuer_alias] if one.issuer_alias in aliases else aliases[:1])
    return serving


def _plan_present(
    observed: tuple[TokenIssuer, ...], present: Sequence[DesiredTokenIssuer]
) -> tuple[list[Plan], list[Step], tuple[TokenIssuer, ...]]:
    """A plan for each issuer that shall be there, all their steps in order, and what the host then holds.

    One issuer's change can make room for another's, or undo what another found in order. So they are planned in
    turn, each on what the ones before it leave, until nothing is left to do.
    """
    held = observed
    aliases = {one.issuer_alias for one in observed}
    issuers = {one.issuer for one in present}
    # What an issuer has now is what it may keep, wherever it moves.
    chains = {one.issuer: one.chains for one in reversed(observed)}
    present = [one.keeping(chains.get(one.issuer or "", ())) for one in present]
    # Where an alias changes its issuer, that comes before anybody looks for the issuer.
    turn = sorted(present, key=lambda one: one.issuer_alias not in aliases)
    writes: list[Step] = []
    plans: dict[str, Plan] = {}
    for _round in range(2 * len(present) + 1):
        busy = False
        for one in turn:
            own = _takes_care(_token_issuer.plan(held, one), held, issuers)
            plans[one.issuer_alias] = _continued(plans.get(one.issuer_alias, own), own)
            held = _token_issuer.carried_out(held, own.steps)
            writes.extend(own.steps)
            busy = busy or bool(own.steps)
        if not busy:
            return [plans[one.issuer_alias] for one in present], writes, held
    reason = "the declared token issuers contradict each other."
    return [replace(plans[one.issuer_alias], conflict=reason) for one in present], [], observed


def _takes_care(own: Plan, held: Sequence[TokenIssuer], issuers: set[Optional[str]]) -> Plan:
    """The plan, in which an update that takes an alias away from a declared issuer can be taken back."""
    before = {one.issuer_alias: one for one in held}
    steps = (
        _token_issuer.reversible(step, before[step.id])
        if step.action == "update" and "issuer" in (step.body or {}) and before[step.id].issuer in issuers
        else step
        for step in own.steps
    )
    return replace(own, steps=tuple(steps))


def _continued(first: Plan, then: Plan) -> Plan:
    """One plan for what two plans for the same issuer do one after the other."""
    if first is then:
        return then
    # What was planned first tells what was done, where a later look only finds it done.
    warnings = then.warnings if then.steps or not first.steps else first.warnings
    return replace(then, before=first.before, steps=(*first.steps, *then.steps), warnings=warnings)


def _part(resource: str, name: str, state: str, own: Plan, steps: tuple[Step, ...] = ()) -> _Part:
    if own.conflict:
        # What is not there contradicts nothing; there it is the declaration that lacks something.
        status = "conflict" if own.before else "missing"
    elif not own.steps:
        status = "ok"
    elif state == "absent":
        status = "extra"
    else:
        status = "differs" if own.before else "missing"
    return _Part(resource, name, status, own.before, own.after, steps, own.warnings, own.conflict or "")


def _record(providers: Iterable[Optional[KmsProvider]], issuers: Iterable[TokenIssuer]) -> dict[str, Any]:
    return {
        "kms_providers": [one.record() for one in providers if one],
        "token_issuers": [one.record() for one in sorted(issuers, key=lambda one: one.issuer_alias)],
    }


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record for a diff: by name, and what each certificate is without its text."""
    return {
        "kms_providers": {one["provider"]: one for one in record["kms_providers"]},
        "token_issuers": {one["issuer_alias"]: _token_issuer.shown(one) for one in record["token_issuers"]},
    }


def run(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """esx_host_trust: the module's result. Raises TrustError."""
    desired = DesiredHostTrust.from_params(params)
    connection = Connection.from_params(params)
    with connect(connection, ARGUMENTS.secrets(params)) as client:
        outcome = converge(client, _Declared(desired), check_mode)
        done = result(RESOURCE, "", connection, outcome, desired.warnings, _shown)
        return client.report({**done, **outcome.found})


@dataclass(frozen=True)
class _Declared:
    """The declaration that `converge` works on."""

    desired: DesiredHostTrust

    def observe(self, client: Client) -> HostTrust:
        providers = self.desired.kms_providers
        found = {one.provider: _kms_provider.find(client, one.provider) for one in providers}
        return HostTrust(
            kms_providers=found,
            provider_names=_kms_provider.names_beside(client, providers, list(found.values())),
            token_issuers=() if self.desired.token_issuers is None else _token_issuer.list_issuers(client),
        )

    def plan(self, observed: HostTrust) -> Plan:
        return plan(observed, self.desired)

    def explain(self, error: TrustError, step: Step, host: str) -> TrustError:
        return _kms_provider.explain(error, step, host) if step.resource == _kms_provider.RESOURCE else error

    def after(self, step: Step) -> _Declared:
        issuers = self.desired.token_issuers
        if step.restore is None or issuers is None:
            return self
        issuers = tuple(_token_issuer.after_step(one, step) for one in issuers)
        return _Declared(replace(self.desired, token_issuers=issuers))

    def restored(self, observed: HostTrust, step: Step) -> bool:
        return _token_issuer.restored(observed.token_issuers, step)

    def misses(self, observed: HostTrust, step: Step) -> bool:
        return _token_issuer.misses(observed.token_issuers, step)


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
