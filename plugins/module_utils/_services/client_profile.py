# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client profiles of an ESX host: /api/esx/authentication/client-profiles.

A client profile tells what one subject may do: a local user of the host, or a user or a group of a trusted issuer.
Source: the vendor's Go SDK of 2019 (apis/esx/authentication/clientProfiles), and its reference of 7.0 Update 2.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
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
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services.account import UNKNOWN
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import check_name
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import check_unmasked
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import ignored
from ansible_collections.esx.trust.plugins.module_utils._services.names import look_alike_warnings
from ansible_collections.esx.trust.plugins.module_utils._services.results import info_result
from ansible_collections.esx.trust.plugins.module_utils._services.results import result

_SERVICE = "com.vmware.esx.authentication.client_profiles"
_PATH = "/api/esx/authentication/client-profiles"
_ONE = f"{_PATH}/{{profile}}"
_COMMON_ERRORS = ("UNAUTHENTICATED", "ERROR")
_HINTS = {
    "ERROR": "Look into the log esxtokend.log of the host.",
    "INTERNAL_SERVER_ERROR": "Look into the log esxtokend.log of the host.",
    "UNAUTHORIZED": "Give the account the entitlement IDENTITY_MGMT; in lockdown mode only exception users have any.",
}

_ACCESS_GRANT = StructType(
    f"{_SERVICE}.access_grant", {"resource_type": ENUMERATION, "entitlement": OptionalType(ENUMERATION)}
)
_SUBJECT_FIELDS = {
    "local_user_name": OptionalType(STRING),
    "external_group_name": OptionalType(STRING),
    "external_user_name": OptionalType(STRING),
    "issuer_alias": OptionalType(STRING),
    "domain": OptionalType(STRING),
}
_FILTER_SPEC = StructType(f"{_SERVICE}.filter_spec", _SUBJECT_FIELDS)
_CREATE_SPEC = StructType(f"{_SERVICE}.create_spec", {**_SUBJECT_FIELDS, "grants": ListType(_ACCESS_GRANT)})
_UPDATE_SPEC = StructType(f"{_SERVICE}.update_spec", {"grants": OptionalType(ListType(_ACCESS_GRANT))})
_PROFILE = Parameter("profile", STRING, PATH)

# A filter names one subject in full, so that the profiles of an issuer can only be found among all of them.
LIST = Operation(
    id=f"{_SERVICE}.list",
    method="GET",
    path=_PATH,
    success=(200,),
    errors=("INVALID_ARGUMENT", *_COMMON_ERRORS),
    parameters=(
        Parameter("filter", OptionalType(_FILTER_SPEC), QUERY),
        Parameter("projection", OptionalType(ENUMERATION), QUERY),
    ),
    returns=True,
    hints=_HINTS,
)
CREATE = Operation(
    id=f"{_SERVICE}.create",
    method="POST",
    path=_PATH,
    success=(201,),
    errors=("ALREADY_EXISTS", "INVALID_ARGUMENT", *_COMMON_ERRORS),
    parameters=(Parameter("spec", _CREATE_SPEC, BODY),),
    returns=True,
    hints=_HINTS,
)
GET = Operation(
    id=f"{_SERVICE}.get",
    method="GET",
    path=_ONE,
    success=(200,),
    errors=("NOT_FOUND", *_COMMON_ERRORS),
    parameters=(_PROFILE,),
    returns=True,
    hints=_HINTS,
)
UPDATE = Operation(
    id=f"{_SERVICE}.update",
    method="PATCH",
    path=_ONE,
    success=(204,),
    errors=("NOT_FOUND", "INVALID_ARGUMENT", *_COMMON_ERRORS),
    parameters=(_PROFILE, Parameter("spec", _UPDATE_SPEC, BODY)),
    hints=_HINTS,
)
DELETE = Operation(
    id=f"{_SERVICE}.delete",
    method="DELETE",
    path=_ONE,
    success=(204,),
    errors=("NOT_FOUND", *_COMMON_ERRORS),
    parameters=(_PROFILE,),
    hints=_HINTS,
)
OPERATIONS = (LIST, CREATE, GET, UPDATE, DELETE)

RESOURCE = "client_profile"
#: Everything that a profile can grant. OBSERVABILITY came with 7.0.1.
ENTITLEMENTS = ("IDENTITY_MGMT", "SECURITY_MGMT", "READ_ONLY", "OBSERVABILITY")
#: Whoever has it may change client profiles.
_KEEPS_CONTROL = "IDENTITY_MGMT"

#: By the option that names a subject, the API's type of it.
_TYPES = {
    "local_user_name": "LOCAL_USER",
    "external_group_name": "EXTERNAL_GROUP",
    "external_user_name": "EXTERNAL_USER",
}
_KINDS = {"LOCAL_USER": "local user", "EXTERNAL_GROUP": "external group", "EXTERNAL_USER": "external user"}
_OUTSIDE = ("issuer_alias", "domain")
#: What a host answers to the list of a service that it does not have.
_NO_SUCH_SERVICE = ("OPERATION_NOT_FOUND", "NOT_FOUND")

_SUBJECT_OPTIONS: dict[str, dict[str, Any]] = {name: {"type": "str"} for name in (*_TYPES, *_OUTSIDE)}
#: What is declared of one profile.
DECLARATION = Arguments(
    options={
        **_SUBJECT_OPTIONS,
        "entitlements": {"type": "list", "elements": "str", "choices": list(ENTITLEMENTS)},
        "entitlements_mode": {"type": "str", "choices": ["exact", "merge"], "default": "exact"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        **ignored("profile", "type", "other_grants", "privileges"),
    },
    required_if=(("state", "present", ("entitlements",)),),
)
ARGUMENTS = HOST_CONNECTION.merge(DECLARATION)
INFO_ARGUMENTS = HOST_CONNECTION.merge(Arguments(options=_SUBJECT_OPTIONS))


@dataclass(frozen=True)
class Grant:
    """One right, as the API describes it. other: JSON of the fields that this collection does not know, or empty."""

    resource_type: str
    entitlement: Optional[str] = None
    other: str = ""

    @classmethod
    def of_entitlement(cls, entitlement: str) -> Grant:
        """The grant of one of the ENTITLEMENTS."""
        return cls("ENTITLEMENT", entitlement)

    @property
    def known(self) -> bool:
        """True if it is one of the ENTITLEMENTS and nothing else."""
        return self.resource_type == "ENTITLEMENT" and self.entitlement in ENTITLEMENTS and not self.other

    def to_api(self) -> dict[str, Any]:
        """The form of the API."""
        entitlement = {} if self.entitlement is None else {"entitlement": self.entitlement}
        other = json.loads(self.other) if self.other else {}
        return {"resource_type": self.resource_type, **entitlement, **other}


@dataclass(frozen=True)
class Subject:
    """Whom a profile is for; the identity of a profile.

    type: LOCAL_USER, EXTERNAL_GROUP, EXTERNAL_USER, or one that cannot be declared, such as PRIVILEGES.
    """

    type: str
    name: Optional[str] = None
    issuer_alias: Optional[str] = None
    domain: Optional[str] = None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Subject:
        """The subject that the options name, in whatever spelling. Raises InvalidInput, which names the option."""
        given = [option for option in _TYPES if params[option] is not None]
        if not given:
            raise InvalidInput(f"{', '.join(_TYPES)}: one of them is needed.")
        if len(given) > 1:
            raise InvalidInput(f"{', '.join(given)}: only one of them can be given, because a profile has one subject.")

        (option,) = given
        for outside in _OUTSIDE:
            if option == "local_user_name" and params[outside] is not None:
                raise InvalidInput(f"{outside}: means nothing to a local user; leave it out.")
            if option != "local_user_name" and params[outside] is None:
                raise InvalidInput(f"{outside}: is needed with {option}.")
        return cls(_TYPES[option], params[option], params["issuer_alias"], params["domain"])

    @property
    def declarable(self) -> bool:
        """True if it can be declared: one of the three kinds, and complete."""
        if self.type == "LOCAL_USER":
            return self.name is not None
        return self.type in _KINDS and None not in (self.name, self.issuer_alias, self.domain)

    @property
    def label(self) -> str:
        """How messages and RV(operations) call it."""
        kind = _KINDS.get(self.type, self.type)
        if self.type == "LOCAL_USER":
            return f"{kind} {self.name}"
        return f"{kind} {self.domain}\\{self.name} of {self.issuer_alias}"

    def options(self) -> dict[str, Optional[str]]:
        """The options that name it, None for those that do not."""
        names = {option: self.name if kind == self.type else None for option, kind in _TYPES.items()}
        return {**names, "issuer_alias": self.issuer_alias, "domain": self.domain}


@dataclass(frozen=True)
class ClientProfile:
    """What one subject may do on a host. An empty list of grants gives nothing.

    profile: the host's id, None as long as the host has not given one. It may change, the subject may not.
    privileges: what a subject of type PRIVILEGES has in place of a name, as the API tells it.
    """

    subject: Subject
    grants: tuple[Grant, ...] = ()
    profile: Optional[str] = field(default=None, compare=False)
    privileges: Any = field(default=None, compare=False)

    @property
    def label(self) -> str:
        """How messages and RV(operations) call it."""
        return self.subject.label if self.subject.declarable else f"{self.subject.type} {self.profile}"

    @property
    def entitlements(self) -> tuple[str, ...]:
        """What it grants of what this collection knows, in the order of ENTITLEMENTS."""
        granted = [grant.entitlement for grant in self.grants if grant.known]
        return tuple(entitlement for entitlement in ENTITLEMENTS if entitlement in granted)

    @property
    def unknown_grants(self) -> tuple[Grant, ...]:
        """What it grants besides."""
        return tuple(grant for grant in self.grants if not grant.known)

    @property
    def rights(self) -> str:
        """Its rights in a sentence."""
        others = [grant.entitlement or grant.resource_type for grant in self.unknown_grants]
        return ", ".join([*self.entitlements, *others]) or "nothing"

    def spec(self) -> dict[str, Any]:
        """The body with which the API creates it."""
        subject = {name: value for name, value in self.subject.options().items() if value is not None}
        return {**subject, "grants": [grant.to_api() for grant in self.grants]}

    def record(self) -> dict[str, Any]:
        """The form in which the modules return it."""
        return {
            "profile": self.profile,
            "type": self.subject.type,
            **self.subject.options(),
            "entitlements": list(self.entitlements),
            "other_grants": [grant.to_api() for grant in self.unknown_grants],
            "privileges": self.privileges,
        }


@dataclass(frozen=True)
class DesiredClientProfile:
    """A client profile as it is declared."""

    subject: Subject
    entitlements: frozenset[str] = frozenset()
    entitlements_mode: str = "exact"
    state: str = "present"

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> DesiredClientProfile:
        """Check the module's options. Raises InvalidInput, which names the option."""
        present = params["state"] == "present"
        if params.get("type") not in (None, *_KINDS):
            raise InvalidInput(
                f"type: is {params['type']}, and only profiles of users and groups can be declared; leave this one out."
            )
        subject = Subject.from_params(params)
        for option, value in subject.options().items():
            if value is None:
                continue
            # What is not needed for a removal must not stand in its way.
            if present:
                check_name(option, value)
            else:
                check_unmasked(option, value)

        declared = params["entitlements"]
        if present and declared is None:
            raise InvalidInput("entitlements: is needed with state present; an empty list grants nothing.")
        for entitlement in (declared or ()) if present else ():
            if entitlement not in ENTITLEMENTS:
                raise InvalidInput(f"entitlements: can be {', '.join(ENTITLEMENTS)}.")
        return cls(
            subject=subject,
            entitlements=frozenset(declared or ()) if present else frozenset(),
            entitlements_mode=params["entitlements_mode"],
            state=params["state"],
        )

    def profile_on(self, own: Optional[ClientProfile]) -> ClientProfile:
        """What the host shall hold where it holds `own`, which is `own` itself if nothing has to be changed."""
        kept: tuple[Grant, ...] = ()
        if own is not None:
            granted = frozenset(own.entitlements)
            enough = self.entitlements <= granted if self.entitlements_mode == "merge" else self.entitlements == granted
            if enough:
                return own
            if self.entitlements_mode == "merge":
                kept = own.grants

        declared = (Grant.of_entitlement(name) for name in ENTITLEMENTS if name in self.entitlements)
        grants = tuple(dict.fromkeys((*kept, *declared)))
        return ClientProfile(self.subject, grants, own.profile if own else None)


@dataclass(frozen=True)
class Profiles:
    """What is known of the client profiles of a host.

    offered: False if the host has no such service. refused: why they may not be read, or empty.
    """

    held: tuple[ClientProfile, ...] = ()
    offered: bool = True
    refused: str = ""

    def after(self, steps: Iterable[Step]) -> Profiles:
        """The same after the steps."""
        return replace(self, held=carry_out(self.held, [step for step in steps if step.resource == RESOURCE]))

    def as_plan_takes(self, held: Sequence[ClientProfile]) -> Optional[Sequence[ClientProfile]]:
        """`held`, or None without the service."""
        return held if self.offered else None


def plan(
    observed: Optional[Sequence[ClientProfile]], desired: DesiredClientProfile, account: Account = UNKNOWN
) -> Plan:
    """What has to be done so that a host that holds the `observed` profiles holds the one that is `desired`.

    observed: None if the host has no such service. account: who is logged in; no plan takes from it what it needs to
    undo the plan.
    """
    if observed is None:
        return Plan({}, {}, conflict=no_service(desired.subject.label) if desired.state == "present" else None)

    held = [one for one in observed if one.subject == desired.subject]
    own = held[0] if held else None
    before = own.record() if own else {}
    if len(held) > 1:
        ids = ", ".join(repr(one.profile) for one in held)
        reason = (
            f"the host holds {len(held)} client profiles of the {desired.subject.label} ({ids}); delete all but one."
        )
        return Plan(before, before, conflict=reason)

    after = desired.profile_on(own) if desired.state == "present" else None
    conflict = _conflict(observed, own, after, desired, account)
    if conflict:
        return Plan(before, before, conflict=conflict)
    return Plan(
        before=before,
        after=after.record() if after else {},
        steps=steps_between(own, after),
        warnings=_look_alikes(observed, desired) if own is None and after else (),
    )


def no_service(label: str) -> str:
    """Why a profile cannot be brought about on a host without the service."""
    return f"the host has no service of client profiles, so it cannot hold the one of the {label}."


def _conflict(
    observed: Sequence[ClientProfile],
    own: Optional[ClientProfile],
    after: Optional[ClientProfile],
    desired: DesiredClientProfile,
    account: Account,
) -> Optional[str]:
    if own is None:
        return None

    strange = own.unknown_grants
    if after and strange and desired.entitlements_mode == "exact":
        named = ", ".join(json.dumps(grant.to_api(), sort_keys=True) for grant in strange)
        return (
            f"the client profile of the {own.label} grants what this collection does not know ({named}), and it would"
            " be lost; entitlements_mode merge keeps it."
        )
    if after and after != own and any(grant.other for grant in strange):
        return (
            f"the client profile of the {own.label} has grants with fields that this collection does not know, so it"
            " cannot be written again without the danger that they change."
        )
    others = [one for one in observed if one.subject != own.subject]
    return locked_out(own, [*others, *([after] if after else [])], account)


def locked_out(own: ClientProfile, remaining: Iterable[ClientProfile], account: Account) -> Optional[str]:
    """Why `own` may not go while the `remaining` profiles stay: it would lock out the account that is logged in."""
    if not _keeps_in_control(own, account) or any(_keeps_in_control(one, account) for one in remaining):
        return None
    account_is = "of which the account that this task logs in with is a member"
    if own.subject.type != "EXTERNAL_GROUP":
        account_is = "which is the account that this task logs in with"
    return (
        f"this would take {_KEEPS_CONTROL} from the {own.label}, {account_is}, so it could not be given back; do that"
        " with another account."
    )


def _keeps_in_control(profile: ClientProfile, account: Account) -> bool:
    """True if the profile lets the account change client profiles."""
    if _KEEPS_CONTROL not in profile.entitlements:
        return False
    subject = profile.subject
    if subject.type == "LOCAL_USER":
        return subject.name is not None and subject.name == account.username
    if subject.type == "EXTERNAL_USER":
        return account.is_user(subject.name, subject.domain)
    return subject.type == "EXTERNAL_GROUP" and account.is_member(subject.name, subject.domain)


def _look_alikes(observed: Iterable[ClientProfile], desired: DesiredClientProfile) -> tuple[str, ...]:
    subject = desired.subject
    names = [one.subject.name for one in observed if one.subject.type == subject.type and one.subject.name is not None]
    return look_alike_warnings(f"a client profile of the {_KINDS[subject.type]}", subject.name or "", names)


def steps_between(before: Optional[ClientProfile], after: Optional[ClientProfile]) -> tuple[Step, ...]:
    """The write that makes `after` of `before`; either may be None."""
    if before is None:
        return (Step.between(RESOURCE, after.label, None, after),) if after else ()
    if after is not None and set(after.grants) == set(before.grants):
        return ()
    return (Step.between(RESOURCE, before.label, before, after),)


def carry_out(profiles: Iterable[ClientProfile], steps: Iterable[Step]) -> tuple[ClientProfile, ...]:
    """What a host holds after the steps."""
    held = list(profiles)
    for step in steps:
        before: Optional[ClientProfile] = step.before
        place = len(held)
        if before is not None:
            found = [number for number, one in enumerate(held) if one.profile == before.profile and one == before]
            if not found:
                continue
            place = found[0]
        held[place : place + 1] = [] if step.after is None else [step.after]
    return tuple(held)


def shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record for a diff: without the host's id, and without what is empty."""
    return {
        name: value
        for name, value in record.items()
        if name == "entitlements" or (name != "profile" and value not in (None, []))
    }


def label_of(record: Mapping[str, Any]) -> str:
    """The label of the profile that has this record."""
    name = next((record[option] for option, kind in _TYPES.items() if kind == record["type"]), None)
    subject = Subject(record["type"], name, record["issuer_alias"], record["domain"])
    return ClientProfile(subject, profile=record["profile"]).label


def difference(own: Plan) -> str:
    """A sentence for the entitlements that a plan adds and takes away."""
    before, after = (set(record.get("entitlements", ())) for record in (own.before, own.after))
    lacks = ", ".join(name for name in ENTITLEMENTS if name in after - before)
    exceeds = ", ".join(name for name in ENTITLEMENTS if name in before - after)
    parts = [f"it lacks {lacks}"] if lacks else []
    parts += [f"it has {exceeds} besides what is declared"] if exceeds else []
    text = " and ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def touched(steps: Iterable[Step]) -> Optional[tuple[dict[str, Any], dict[str, Any]]]:
    """The profiles that the steps are about, by their labels, for a diff: before and after. None if there are none."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for step in steps:
        if step.resource != RESOURCE:
            continue
        if step.before is not None and step.id not in after:
            before.setdefault(step.id, shown(step.before.record()))
        after[step.id] = shown(step.after.record()) if step.after is not None else None
    if not (before or after):
        return None
    return before, {label: record for label, record in after.items() if record is not None}


def run(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """esx_client_profile: the module's result. Raises TrustError."""
    desired = DesiredClientProfile.from_params(params)
    connection = Connection.from_params(params)
    declared = _Declared(desired, Account.of_connection(connection))
    with connect(connection, ARGUMENTS.secrets(params)) as client:
        outcome = converge(client, declared, check_mode)
        done = result(RESOURCE, desired.subject.label, connection, outcome, (), shown)
        with_ids([done[RESOURCE]], declared.ids)
        return client.report(done)


def run_info(params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    """esx_client_profile_info: the module's result. Raises TrustError."""
    connection = Connection.from_params(params)
    asked = {option: params[option] for option in _SUBJECT_OPTIONS if params[option] is not None}
    for option, value in asked.items():
        check_name(option, value)
    warnings: list[str] = []
    with connect(connection, INFO_ARGUMENTS.secrets(params)) as client:
        profiles = list_profiles(client)
        if profiles is None:
            warnings.append(f"{connection.name}: the host has no service of client profiles, so it has none to show.")
        records = [
            one.record()
            for one in sorted(profiles or (), key=lambda one: (one.label, one.profile or ""))
            if asked.items() <= one.subject.options().items()
        ]
        return client.report(info_result("client_profiles", records, connection, warnings))


@dataclass(frozen=True)
class _Declared:
    """The declaration that `converge` works on. ids: what the host answered to creations."""

    desired: DesiredClientProfile
    account: Account
    ids: dict[Subject, str] = field(default_factory=dict)

    def observe(self, client: Client) -> Optional[tuple[ClientProfile, ...]]:
        return list_profiles(client)

    def look_again(self, client: Client, steps: Sequence[Step], observed: Any) -> Any:
        return None

    def plan(self, observed: Optional[Sequence[ClientProfile]]) -> Plan:
        return plan(observed, self.desired, self.account)

    def perform(self, client: Client, step: Step) -> None:
        perform(client, step, self.ids)

    def was_carried_out(self, observed: Optional[Sequence[ClientProfile]], step: Step) -> bool:
        return was_carried_out(observed or (), step)

    def is_same(self, step: Step, other: Step) -> bool:
        return is_same(step, other)

    def take_back(self, observed: Any, sent: Sequence[Step]) -> list[Step]:
        return []

    def left_over(self, observed: Any, sent: Sequence[Step]) -> list[str]:
        return []

    def assumed(self, observed: Optional[Sequence[ClientProfile]], sent: Sequence[Step]) -> tuple[ClientProfile, ...]:
        return carry_out(observed or (), sent)

    def own_form(self, observed: Any, step: Step) -> str:
        return ""

    def explain(self, error: TrustError, step: Step, host: str) -> TrustError:
        return explain(error, step)


def perform(client: Client, step: Step, ids: dict[Subject, str]) -> None:
    """Send the request of a step, and note in `ids` the id of a new profile. Raises TrustError."""
    before: Optional[ClientProfile] = step.before
    after: Optional[ClientProfile] = step.after
    if before is None and after is not None:
        identifier = client.call(CREATE(spec=after.spec()))
        if isinstance(identifier, str):
            ids[after.subject] = identifier
    elif before is not None and after is None:
        client.call(DELETE(profile=before.profile))
    elif before is not None and after is not None:
        client.call(UPDATE(profile=before.profile, spec={"grants": after.spec()["grants"]}))


def with_ids(records: Iterable[dict[str, Any]], ids: Mapping[Subject, str]) -> None:
    """Put the ids of new profiles into their records."""
    by_options = [(subject.type, subject.options(), identifier) for subject, identifier in ids.items()]
    for record in records:
        for kind, options, identifier in by_options:
            if record.get("profile") is None and record.get("type") == kind and options.items() <= record.items():
                record["profile"] = identifier


def was_carried_out(observed: Iterable[ClientProfile], step: Step) -> bool:
    """True if what the host holds now shows that a write in doubt was carried out."""
    before: Optional[ClientProfile] = step.before
    after: Optional[ClientProfile] = step.after
    # The subject is the identity of a profile. The host may give it another id.
    if after is None:
        return before is not None and not any(_is_equal(one, before) for one in observed)
    return any(_is_equal(one, after) for one in observed)


def is_same(step: Step, other: Step) -> bool:
    """True if two deletions are of the same rights of the same subject."""
    return _is_equal(step.before, other.before)


def _is_equal(one: ClientProfile, other: ClientProfile) -> bool:
    """True if both give the same rights to the same subject; the order of grants means nothing."""
    return one.subject == other.subject and set(one.grants) == set(other.grants)


def check_address(step: Step) -> None:
    """Raise InvalidInput if no request can name what the step is about."""
    if step.before is not None:
        path_element("profile", step.before.profile or "")


def explain(error: TrustError, step: Step) -> TrustError:
    """The error of a refused step, with what is known about the subject."""
    alias = step.after.subject.issuer_alias if step.after else None
    if error.operation == CREATE.id and error.error_type == "INVALID_ARGUMENT" and alias is not None:
        error.hint = f"The host may want to trust the issuer {alias!r} before it takes a profile of its subjects."
    return error


def read_profiles(client: Client) -> Profiles:
    """What can be known of the client profiles where nothing is declared of them. Raises TrustError."""
    try:
        held = list_profiles(client)
    except (Unauthenticated, Unauthorized) as error:
        # The login is good for the issuers, which were read before.
        return Profiles(refused=error.error_type or error.code)
    return Profiles(offered=False) if held is None else Profiles(held)


def list_profiles(client: Client) -> Optional[tuple[ClientProfile, ...]]:
    """All client profiles with their grants, or None if the host has no such service. Raises TrustError.

    One request where the host knows the FULL projection.
    """
    try:
        value = client.call(LIST(projection="FULL"))
    except (ApiError, UnexpectedAnswer) as error:
        if _has_no_service(client, error):
            return None
        raise
    if not isinstance(value, list):
        raise client.wrong_shape(LIST)

    profiles = []
    for entry in value:
        if not isinstance(entry, dict) or not isinstance(entry.get("client_profile"), str):
            raise client.wrong_shape(LIST)
        identifier = entry["client_profile"]
        operation = LIST
        if entry.get("subject") is None or entry.get("grants") is None:
            operation = GET
            try:
                entry = client.call(GET(profile=identifier))
            except InvalidInput as error:
                raise client.wrong_shape(LIST) from error
            except ApiError as error:
                if error.operation == GET.id and error.error_type == "NOT_FOUND":
                    continue  # deleted in the meantime
                raise
        profiles.append(_read(client, operation, identifier, entry))
    return tuple(profiles)


def _has_no_service(client: Client, error: TrustError) -> bool:
    """True if an error of the list shows that the host, which has an API, does not have this service."""
    if error.operation != LIST.id or client.api_protocol is None:
        return False
    if isinstance(error, ApiError):
        return error.error_type in _NO_SUCH_SERVICE
    return error.status == 404


def _read(client: Client, operation: Operation, identifier: str, value: Any) -> ClientProfile:
    subject = value.get("subject") if isinstance(value, dict) else None
    grants = value.get("grants") if isinstance(value, dict) else None
    if not isinstance(subject, dict) or not isinstance(subject.get("type"), str) or not isinstance(grants, list):
        raise client.wrong_shape(operation)

    # What a local user of the host cannot have is no part of whom it is.
    parts = ("name",) if subject["type"] == "LOCAL_USER" else ("name", *_OUTSIDE)
    texts = {name: subject.get(name) for name in parts}
    if not all(text is None or isinstance(text, str) for text in texts.values()):
        raise client.wrong_shape(operation)
    for grant in grants:
        if not isinstance(grant, dict) or not isinstance(grant.get("resource_type"), str):
            raise client.wrong_shape(operation)
    return ClientProfile(
        subject=Subject(subject["type"], **texts),
        grants=tuple(_read_grant(grant) for grant in grants),
        profile=identifier,
        privileges=_read_map(subject.get("privileges")),
    )


def _read_map(value: Any) -> Any:
    """A map in the form that REST has; JSON-RPC carries it as a list of its entries."""
    if not isinstance(value, list) or not all(isinstance(entry, dict) and "key" in entry for entry in value):
        return value
    return {str(entry["key"]): entry.get("value") for entry in value}


def _read_grant(grant: Mapping[str, Any]) -> Grant:
    fields = {name: value for name, value in grant.items() if value is not None}
    resource_type, entitlement = fields.pop("resource_type"), fields.pop("entitlement", None)
    if entitlement is not None and not isinstance(entitlement, str):
        fields["entitlement"], entitlement = entitlement, None
    return Grant(resource_type, entitlement, json.dumps(fields, sort_keys=True) if fields else "")
