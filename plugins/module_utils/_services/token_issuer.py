# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trusted security token issuers of an ESX host: /api/esx/authentication/trust/security-token-issuers."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import ENUMERATION
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import STRING
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import ListType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import OptionalType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import StructType
from ansible_collections.esx.trust.plugins.module_utils._api.operation import BODY
from ansible_collections.esx.trust.plugins.module_utils._api.operation import PATH
from ansible_collections.esx.trust.plugins.module_utils._api.operation import QUERY
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Parameter
from ansible_collections.esx.trust.plugins.module_utils._api.rest import path_element
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile
from ansible_collections.esx.trust.plugins.module_utils._services import issuer_plan
from ansible_collections.esx.trust.plugins.module_utils._services.account import UNKNOWN
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import check_name
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import check_unmasked
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import ignored
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Certificate
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import certificate_records
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_host
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_options
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import no_certificates
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import validity_warnings
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile import read_profiles
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import Held
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import by_alias
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import carry_out
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import goes_back
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import left_over
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import marked_holders
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import real_holder
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import take_back
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import target_alias
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import DeclaredProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import concern_profiles
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import may_take_rights
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import plan_rights
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import undo_renaming
from ansible_collections.esx.trust.plugins.module_utils._services.names import look_alike_warnings
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import Marker
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import is_parking_alias
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import looks_like_marker
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import read_marker
from ansible_collections.esx.trust.plugins.module_utils._services.results import info_result
from ansible_collections.esx.trust.plugins.module_utils._services.results import result

_NO_PROFILES = Profiles()
_SERVICE = "com.vmware.esx.authentication.trust.security_token_issuers"
_PATH = "/api/esx/authentication/trust/security-token-issuers"
_ONE = f"{_PATH}/{{issuer_alias}}"
_COMMON_ERRORS = ("UNAUTHENTICATED", "ERROR")
_HINTS = {
    "ERROR": "Look into the log esxtokend.log of the host.",
    "INTERNAL_SERVER_ERROR": "Look into the log esxtokend.log of the host.",
    "UNAUTHORIZED": "Give the account the entitlement IDENTITY_MGMT; in lockdown mode only exception users have any.",
}

_CERT_CHAIN = StructType(f"{_SERVICE}.x509_cert_chain", {"cert_chain": ListType(STRING)})
_CREATE_SPEC = StructType(
    f"{_SERVICE}.create_spec",
    {"issuer_alias": STRING, "issuer": STRING, "signing_cert_chains": ListType(_CERT_CHAIN)},
)
_UPDATE_SPEC = StructType(
    f"{_SERVICE}.update_spec",
    {"issuer": OptionalType(STRING), "signing_cert_chains": OptionalType(ListType(_CERT_CHAIN))},
)
_ALIAS = Parameter("issuer_alias", STRING, PATH)

LIST = Operation(
    id=f"{_SERVICE}.list",
    method="GET",
    path=_PATH,
    success=(200,),
    errors=("INVALID_ARGUMENT", *_COMMON_ERRORS),
    parameters=(Parameter("projection", OptionalType(ENUMERATION), QUERY),),
    returns=True,
    hints=_HINTS,
)
CREATE = Operation(
    id=f"{_SERVICE}.create",
    method="POST",
    path=_PATH,
    success=(204,),
    errors=("ALREADY_EXISTS", "INVALID_ARGUMENT", *_COMMON_ERRORS),
    parameters=(Parameter("spec", _CREATE_SPEC, BODY),),
    hints=_HINTS,
)
GET = Operation(
    id=f"{_SERVICE}.get",
    method="GET",
    path=_ONE,
    success=(200,),
    errors=("NOT_FOUND", *_COMMON_ERRORS),
    parameters=(_ALIAS,),
    returns=True,
    hints=_HINTS,
)
UPDATE = Operation(
    id=f"{_SERVICE}.update",
    method="PATCH",
    path=_ONE,
    success=(204,),
    errors=("NOT_FOUND", "INVALID_ARGUMENT", *_COMMON_ERRORS),
    parameters=(_ALIAS, Parameter("spec", _UPDATE_SPEC, BODY)),
    hints=_HINTS,
)
DELETE = Operation(
    id=f"{_SERVICE}.delete",
    method="DELETE",
    path=_ONE,
    success=(204,),
    errors=("NOT_FOUND", *_COMMON_ERRORS),
    parameters=(_ALIAS,),
    hints=_HINTS,
)
OPERATIONS = (LIST, CREATE, GET, UPDATE, DELETE)

#: What is declared of one issuer.
DECLARATION = Arguments(
    options={
        "issuer_alias": {"type": "str", "required": True},
        "issuer": {"type": "str"},
        "signing_cert_chains": {
            "type": "list",
            "elements": "dict",
            "options": {"cert_chain": {"type": "list", "elements": "str", "required": True}},
        },
        "chains_mode": {"type": "str", "choices": ["exact", "merge"], "default": "exact"},
        "issuer_conflict": {"type": "str", "choices": ["fail", "adopt", "rename"], "default": "fail"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        **ignored("certificates", "protocol"),
    },
    required_if=(("state", "present", ("issuer", "signing_cert_chains")),),
    suspects={"cert_chain": no_certificates},
)
ARGUMENTS = HOST_CONNECTION.merge(DECLARATION)
INFO_ARGUMENTS = HOST_CONNECTION.merge(Arguments(options={"issuer_alias": {"type": "str"}, "issuer": {"type": "str"}}))


@dataclass(frozen=True)
class TokenIssuer:
    """A token issuer that a host trusts. The alias is its identity; alias and issuer are each unique on a host."""

    issuer_alias: str
    issuer: str
    chains: tuple[Chain, ...]

    def spec(self) -> dict[str, Any]:
        """The body with which the API creates it."""
        chains = [chain.to_api() for chain in self.chains]
        return {"issuer_alias": self.issuer_alias, "issuer": self.issuer, "signing_cert_chains": chains}

    @property
    def marker(self) -> Optional[Marker]:
        """The trace of a renaming that stands in the place of the issuer, if one does."""
        return read_marker(self.issuer)

    @property
    def true_issuer(self) -> str:
        """The issuer that the chains belong to, also where a marker stands in its place."""
        return self.marker.issuer if self.marker else self.issuer

    @property
    def parked(self) -> bool:
        """True if the alias exists only to keep an issuer until its own alias is free."""
        return self.marker is not None and is_parking_alias(self.issuer_alias)

    @property
    def certificates(self) -> frozenset[Certificate]:
        """All certificates of its chains."""
        return frozenset(certificate for chain in self.chains for certificate in chain.certificates)

    def difference(self, before: TokenIssuer) -> dict[str, Any]:
        """The body with which the API makes this of `before`: only what differs."""
        body: dict[str, Any] = {}
        if self.issuer != before.issuer:
            body["issuer"] = self.issuer
        if self.chains != before.chains:
            body["signing_cert_chains"] = self.spec()["signing_cert_chains"]
        return body

    def record(self) -> dict[str, Any]:
        """The form in which the modules return it; the order of chains means nothing, so it is always the same."""
        chains = tuple(sorted(self.chains, key=lambda chain: [one.sha256 for one in chain.certificates]))
        return {
            **TokenIssuer(self.issuer_alias, self.issuer, chains).spec(),
            "certificates": certificate_records(chains),
        }


def _check_no_marker(issuer: Optional[str], alias: Optional[str]) -> None:
    if issuer is not None and looks_like_marker(issuer):
        raise InvalidInput("issuer: is the trace of a renaming that this collection writes, and no issuer.")
    if alias is not None and is_parking_alias(alias):
        raise InvalidInput("issuer_alias: is of the form under which this collection keeps issuers for a moment.")


@dataclass(frozen=True)
class DesiredTokenIssuer:
    """A token issuer as it is declared."""

    issuer_alias: str
    issuer: Optional[str] = None
    chains: tuple[Chain, ...] = ()
    state: str = "present"
    chains_mode: str = "exact"
    issuer_conflict: str = "fail"

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> DesiredTokenIssuer:
        """Check the module's options. Raises InvalidInput, which names the option."""
        present = params["state"] == "present"
        # What is not needed for a removal must not stand in its way.
        declared = params["signing_cert_chains"] if present else None
        alias = check_unmasked("issuer_alias", path_element("issuer_alias", params["issuer_alias"]))
        _check_no_marker(params["issuer"], alias if present else None)
        return cls(
            issuer_alias=check_name("issuer_alias", alias) if present else alias,
            issuer=check_name("issuer", params["issuer"]) if present else params["issuer"],
            chains=() if declared is None else chains_from_options("signing_cert_chains", declared),
            state=params["state"],
            chains_mode=params["chains_mode"],
            issuer_conflict=params["issuer_conflict"],
        )

    def saved_as(self, alias: str, chains: tuple[Chain, ...]) -> TokenIssuer:
        """What the host shall hold under the alias."""
        return TokenIssuer(alias, self.issuer or "", chains)

    def is_met_by(self, held: TokenIssuer) -> bool:
        """True if the chains of what is held are as declared; their order means nothing."""
        if self.chains_mode == "merge":
            return set(self.chains) <= set(held.chains)
        return set(self.chains) == set(held.chains)


def plan(
    observed: Sequence[TokenIssuer],
    desired: DesiredTokenIssuer,
    profiles: Profiles = _NO_PROFILES,
    account: Account = UNKNOWN,
) -> Plan:
    """What has to be done so that a host that trusts the `observed` issuers trusts the one that is `desired`.

    profiles: the client profiles of the host, where issuers come to aliases or leave them. account: who is logged in.
    """
    declared = _declared(desired)
    planned = issuer_plan.plan_issuers(observed, declared)
    before, after = records_of(observed, planned.held, desired, declared)
    rights = plan_rights(by_alias(observed), planned.steps, profiles, DeclaredProfiles(account=account))
    conflict = planned.conflicts.get(desired.issuer_alias) or " Also, ".join(rights.conflicts)
    if conflict:
        return Plan(before=before, after=before, conflict=conflict)
    warnings = (
        *warnings_about(observed, desired, declared),
        *marker_warnings(observed, declared),
        *rights.warnings,
    )
    return Plan(before=before, after=after, steps=rights.steps, warnings=warnings)


def _declared(desired: DesiredTokenIssuer) -> DeclaredIssuers:
    return DeclaredIssuers((desired,), whole=False)


def records_of(
    observed: Sequence[TokenIssuer], held: Held, desired: DesiredTokenIssuer, declared: DeclaredIssuers
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The records of a declared issuer: as it was `observed`, and as it is `held` after the plan."""
    first = by_alias(observed)
    own = first.get(desired.issuer_alias)
    if desired.state == "absent":
        return (own.record() if own else {}), {}

    issuer = desired.issuer or ""
    before = own or real_holder(first, issuer) or next(iter(marked_holders(first, issuer)), None)
    alias = target_alias(held, desired, declared)
    after = held.get(alias) if alias else None
    return (before.record() if before else {}), (after.record() if after else {})


def warnings_about(
    observed: Sequence[TokenIssuer], desired: DesiredTokenIssuer, declared: DeclaredIssuers
) -> tuple[str, ...]:
    """What a person should know about a declared issuer that is saved under another alias than declared."""
    held = by_alias(observed)
    alias, issuer = desired.issuer_alias, desired.issuer
    holder = real_holder(held, issuer) if issuer is not None else None
    if desired.state == "absent":
        if holder is None or holder.issuer_alias == alias:
            return ()
        return (
            f"the issuer {issuer!r} stays trusted: it is saved under the alias {holder.issuer_alias!r}, and only"
            f" {alias!r} was declared absent.",
        )

    target = target_alias(held, desired, declared)
    if target == alias and alias not in held:
        return _look_alikes(held, desired, declared)
    if target in (None, alias):
        return ()
    where = f"the issuer {issuer!r} is saved under the alias {target!r}"
    if holder and desired.is_met_by(holder):
        return (f"{where}, not {alias!r}, with the declared certificates; it was left so.",)
    return (f"{where}; that alias was adopted in place of {alias!r}.",)


def _look_alikes(held: Held, desired: DesiredTokenIssuer, declared: DeclaredIssuers) -> tuple[str, ...]:
    """A warning for each name beside a new issuer that a person could take for its alias or its issuer."""
    staying = [
        other
        for other in held.values()
        if other.true_issuer != desired.issuer and not declared.takes_away(other.issuer_alias, other.issuer)
    ]
    return (
        *look_alike_warnings("the alias", desired.issuer_alias, [other.issuer_alias for other in staying]),
        *look_alike_warnings("the issuer", desired.issuer or "", [other.true_issuer for other in staying]),
    )


def marker_message(held: Held, marked: TokenIssuer, declared: DeclaredIssuers) -> str:
    """What a marker on the host is, and what is done about it."""
    marker = marked.marker
    if marker is None:
        return ""
    what = f"the alias {marked.issuer_alias!r} holds the trace of an interrupted renaming: {marker.describe()}"
    desired = declared.of_issuer(marker.issuer)
    if not declared.concerns(marked):
        return f"{what}."
    if desired:
        alias = target_alias(held, desired, declared)
        return f"{what}; the issuer goes to the alias {alias!r}, as it is declared."
    if declared.of_alias(marked.issuer_alias):
        return f"{what}; the alias gets what is declared of it."
    if goes_back(held, marked, declared):
        return f"{what}; the alias gets its issuer back, because nothing else is declared of it."
    if real_holder(held, marker.issuer):
        return f"{what}; the alias is deleted, because the issuer is saved under another one."
    return f"{what}; the alias is deleted, and the host no longer trusts the issuer."


def marker_warnings(observed: Sequence[TokenIssuer], declared: DeclaredIssuers) -> tuple[str, ...]:
    """A warning for each marker whose issuer is not declared present and that is taken away all the same."""
    held = by_alias(observed)
    return tuple(
        marker_message(held, marked, declared)
        for marked in held.values()
        if declared.concerns(marked) and not declared.of_issuer(marked.true_issuer)
    )


def run(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """esx_token_issuer: the module's result. Raises TrustError."""
    desired = DesiredTokenIssuer.from_params(params)
    connection = Connection.from_params(params)
    warnings = validity_warnings(desired.chains, datetime.datetime.now(datetime.timezone.utc))
    with connect(connection, ARGUMENTS.secrets(params)) as client:
        outcome = converge(client, _Declared(desired, Account.of_connection(connection)), check_mode)
        done = result(RESOURCE, desired.issuer_alias, connection, outcome, warnings, shown)
        profiles = client_profile.touched(outcome.steps)
        if profiles:
            # They stand in the diff alone: the record is that of the issuer.
            done["diff"]["before"]["client_profiles"], done["diff"]["after"]["client_profiles"] = profiles
        return client.report(done)


def run_info(params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    """esx_token_issuer_info: the module's result. Raises TrustError."""
    connection = Connection.from_params(params)
    for option in ("issuer_alias", "issuer"):
        if params[option] is not None:
            check_name(option, params[option])
    with connect(connection, INFO_ARGUMENTS.secrets(params)) as client:
        found = [
            one
            for one in sorted(list_issuers(client), key=lambda one: one.issuer_alias)
            if params["issuer_alias"] in (None, one.issuer_alias) and params["issuer"] in (None, one.issuer)
        ]
        warnings = [
            f"{connection.name}: the alias {one.issuer_alias!r} holds the trace of an interrupted renaming:"
            f" {one.marker.describe()}; the task that renames it, run again, finishes that."
            for one in found
            if one.marker
        ]
        records = [one.record() for one in found]
        return client.report(info_result("token_issuers", records, connection, warnings))


def shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record for a diff: what each certificate is, without its text."""
    return {name: value for name, value in record.items() if name != "signing_cert_chains"}


def read_profiles_of(client: Client, observed: Sequence[TokenIssuer], declared: DeclaredIssuers) -> Profiles:
    """The client profiles of the host if the plan makes an alias or takes an issuer from one; else none.

    Raises TrustError.
    """
    steps = issuer_plan.plan_issuers(observed, declared).steps
    if not concern_profiles(steps):
        return _NO_PROFILES

    try:
        return read_profiles(client)
    except (ApiError, UnexpectedAnswer) as error:
        if may_take_rights(steps):
            raise
        # A new alias needs them for a warning only.
        return Profiles(refused=error.error_type or error.code)


@dataclass(frozen=True)
class _Observed:
    """What a host holds."""

    issuers: tuple[TokenIssuer, ...]
    profiles: Profiles = _NO_PROFILES


@dataclass(frozen=True)
class _Declared:
    """The declaration that `converge` works on."""

    desired: DesiredTokenIssuer
    account: Account = UNKNOWN

    def observe(self, client: Client) -> _Observed:
        issuers = list_issuers(client)
        return _Observed(issuers, read_profiles_of(client, issuers, _declared(self.desired)))

    def look_again(self, client: Client, steps: Sequence[Step], observed: Any) -> Any:
        if not any(writes_chains(step) for step in steps):
            return None
        return replace(observed, issuers=list_issuers(client))

    def plan(self, observed: _Observed) -> Plan:
        return plan(observed.issuers, self.desired, observed.profiles, self.account)

    def perform(self, client: Client, step: Step) -> None:
        if step.resource == RESOURCE:
            perform(client, step)
        else:
            client_profile.perform(client, step, {})

    def was_carried_out(self, observed: _Observed, step: Step) -> bool:
        if step.resource == RESOURCE:
            return was_carried_out(observed.issuers, step)
        return client_profile.was_carried_out(observed.profiles.held, step)

    def is_same(self, step: Step, other: Step) -> bool:
        return is_same(step, other) if step.resource == RESOURCE else client_profile.is_same(step, other)

    def take_back(self, observed: _Observed, sent: Sequence[Step]) -> list[Step]:
        held = by_alias(observed.issuers)
        undone = undo_renaming(held, observed.profiles, sent, DeclaredProfiles())
        held = carry_out(held, issuer_steps(undone))
        return [*undone, *take_back(held, issuer_steps(sent), _declared(self.desired))]

    def left_over(self, observed: _Observed, sent: Sequence[Step]) -> list[str]:
        return left_over(by_alias(observed.issuers), issuer_steps(sent))

    def assumed(self, observed: _Observed, sent: Sequence[Step]) -> _Observed:
        issuers = carry_out(by_alias(observed.issuers), issuer_steps(sent))
        return _Observed(tuple(issuers.values()), observed.profiles.after(sent))

    def own_form(self, observed: _Observed, step: Step) -> str:
        return own_form(observed.issuers, step) if step.resource == RESOURCE else ""

    def explain(self, error: TrustError, step: Step, host: str) -> TrustError:
        return error if step.resource == RESOURCE else client_profile.explain(error, step)


def issuer_steps(steps: Iterable[Step]) -> list[Step]:
    """Those of the steps that are about issuers."""
    return [step for step in steps if step.resource == RESOURCE]


def perform(client: Client, step: Step) -> None:
    """Send the request of a step. Raises TrustError."""
    before: Optional[TokenIssuer] = step.before
    after: Optional[TokenIssuer] = step.after
    if after is None:
        client.call(DELETE(issuer_alias=step.id))
    elif before is None:
        client.call(CREATE(spec=after.spec()))
    else:
        client.call(UPDATE(issuer_alias=step.id, spec=after.difference(before)))


def writes_chains(step: Step) -> bool:
    """True if the request of a step holds certificates, which hosts may keep in a form of their own."""
    if step.after is None or step.resource != RESOURCE:
        return False
    return step.before is None or bool(step.after.chains != step.before.chains)


def check_address(step: Step) -> None:
    """Raise InvalidInput if no request can name what the step is about; hosts keep names that fit into no URL."""
    if step.before is not None:
        path_element("issuer_alias", step.id)


def was_carried_out(observed: Sequence[TokenIssuer], step: Step) -> bool:
    """True if what the host holds now shows that a write in doubt was carried out."""
    now = by_alias(observed).get(step.id)
    before: Optional[TokenIssuer] = step.before
    after: Optional[TokenIssuer] = step.after
    if after is None:
        return now is None or (before is not None and now.issuer != before.issuer)
    if now is None or now.issuer != after.issuer:
        return False
    # Hosts may keep another form of what they are sent. What has no certificate in common with it is somebody else's.
    if after.certificates and not after.certificates & now.certificates:
        return False
    return before is None or before.issuer != now.issuer or set(now.chains) != set(before.chains)


def is_same(step: Step, other: Step) -> bool:
    """True if two deletions are of the same issuer."""
    return bool(step.before.true_issuer == other.before.true_issuer)


def own_form(observed: Sequence[TokenIssuer], step: Step) -> str:
    """How the host's form of an issuer differs from the one that was written, or nothing."""
    after: Optional[TokenIssuer] = step.after
    now = by_alias(observed).get(step.id)
    if after is None or now is None or set(now.chains) == set(after.chains):
        return ""
    written = [certificate for chain in after.chains for certificate in chain.certificates]
    kept = [certificate for chain in now.chains for certificate in chain.certificates]
    parts = []
    lacking = [f"{one.subject!r}" for one in written if one not in kept]
    added = [f"{one.subject!r}" for one in kept if one not in written]
    if lacking:
        parts.append(f"it dropped {', '.join(lacking)}")
    if added:
        parts.append(f"it added {', '.join(added)}")
    if not parts:
        parts.append("it put the certificates into another order or into other chains")
    return f"the host does not keep the chains of {step.id!r} as they were written: {' and '.join(parts)}"


def list_issuers(client: Client) -> tuple[TokenIssuer, ...]:
    """All issuers with their chains, in one request where the host knows the FULL projection. Raises TrustError."""
    value = client.call(LIST(projection="FULL"))
    if not isinstance(value, list):
        raise client.wrong_shape(LIST)
    issuers = []
    for entry in value:
        if not isinstance(entry, dict) or not isinstance(entry.get("issuer_alias"), str):
            raise client.wrong_shape(LIST)
        alias = entry["issuer_alias"]
        operation = LIST
        if entry.get("signing_cert_chains") is None or entry.get("issuer") is None:
            operation = GET
            try:
                entry = client.call(GET(issuer_alias=alias))
            except InvalidInput as error:
                raise client.wrong_shape(LIST) from error
            except ApiError as error:
                if error.operation == GET.id and error.error_type == "NOT_FOUND":
                    continue  # deleted in the meantime
                raise
        issuers.append(_read(client, operation, alias, entry))
    return tuple(issuers)


def _read(client: Client, operation: Operation, alias: str, value: Any) -> TokenIssuer:
    chains = value.get("signing_cert_chains") if isinstance(value, dict) else None
    if not isinstance(chains, list) or not isinstance(value.get("issuer"), str):
        raise client.wrong_shape(operation)
    for chain in chains:
        texts = chain.get("cert_chain") if isinstance(chain, dict) else None
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise client.wrong_shape(operation)
    return TokenIssuer(issuer_alias=alias, issuer=value["issuer"], chains=chains_from_host(chains))
