# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a client profile: its subject, its grants, and its declaration."""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._secrets.masks import check_unmasked
from ansible_collections.esx.trust.plugins.module_utils._services.names import check_name

RESOURCE = "client_profile"
#: All entitlements that a profile can grant. Hosts have OBSERVABILITY since 7.0.1.
ENTITLEMENTS = ("IDENTITY_MGMT", "SECURITY_MGMT", "READ_ONLY", "OBSERVABILITY")
#: The API's type of a subject, by the option that names the subject.
SUBJECT_TYPES = {
    "local_user_name": "LOCAL_USER",
    "external_group_name": "EXTERNAL_GROUP",
    "external_user_name": "EXTERNAL_USER",
}
#: The words of messages for each type of subject.
SUBJECT_KINDS = {
    "LOCAL_USER": "local user",
    "EXTERNAL_GROUP": "external group",
    "EXTERNAL_USER": "external user",
}
#: The options that only a subject of a token issuer has.
OUTSIDE_OPTIONS = ("issuer_alias", "domain")


@dataclass(frozen=True)
class Grant:
    """One right, as the API describes it (AccessGrant).

    unknown_fields: the fields that this collection does not know, in JSON, or empty. A host may add some to each grant,
        for instance the name of the account that gave it.
    """

    resource_type: str
    entitlement: Optional[str] = None
    unknown_fields: str = ""

    @classmethod
    def of_entitlement(cls, entitlement: str) -> Grant:
        """The grant of one of the ENTITLEMENTS."""
        return cls("ENTITLEMENT", entitlement)

    @property
    def known(self) -> bool:
        """True if the grant is one of the ENTITLEMENTS, whatever other fields it has."""
        return self.resource_type == "ENTITLEMENT" and self.entitlement in ENTITLEMENTS

    @property
    def right(self) -> Grant:
        """The grant as grants are compared: that of a known entitlement without its other fields."""
        return Grant(self.resource_type, self.entitlement) if self.known else self

    def to_api(self) -> dict[str, Any]:
        """The grant in the form of the API."""
        grant: dict[str, Any] = {"resource_type": self.resource_type}
        if self.entitlement is not None:
            grant["entitlement"] = self.entitlement

        if self.unknown_fields:
            grant.update(json.loads(self.unknown_fields))

        return grant


@dataclass(frozen=True)
class Subject:
    """The user or group that gets the rights of a profile. It identifies the profile.

    type: LOCAL_USER, EXTERNAL_GROUP, EXTERNAL_USER, or a type that cannot be declared, such as PRIVILEGES.
    name: the name of the user or group.
    issuer_alias, domain: the token issuer and the domain of a user or group that is not local.
    """

    type: str
    name: Optional[str] = None
    issuer_alias: Optional[str] = None
    domain: Optional[str] = None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Subject:
        """The subject that the options name. The spelling of the names is not checked.

        Raises InvalidInput, which names the option.
        """
        given = [option for option in SUBJECT_TYPES if params[option] is not None]
        if not given:
            raise InvalidInput(f"{', '.join(SUBJECT_TYPES)}: one of them is needed.")

        if len(given) > 1:
            raise InvalidInput(f"{', '.join(given)}: only one of them can be given, because a profile has one subject.")

        (option,) = given
        for outside in OUTSIDE_OPTIONS:
            if option == "local_user_name" and params[outside] is not None:
                raise InvalidInput(f"{outside}: means nothing to a local user; leave it out.")

            if option != "local_user_name" and params[outside] is None:
                raise InvalidInput(f"{outside}: is needed with {option}.")

        return cls(SUBJECT_TYPES[option], params[option], params["issuer_alias"], params["domain"])

    @property
    def declarable(self) -> bool:
        """True if the subject can be declared: it has one of the three types, and all its fields."""
        if self.type == "LOCAL_USER":
            return self.name is not None

        is_complete = None not in (self.name, self.issuer_alias, self.domain)
        return self.type in SUBJECT_KINDS and is_complete

    @property
    def label(self) -> str:
        """The name of the subject in messages and in RV(operations)."""
        kind = SUBJECT_KINDS.get(self.type, self.type)
        if self.type == "LOCAL_USER":
            return f"{kind} {self.name}"

        return f"{kind} {self.domain}\\{self.name} of {self.issuer_alias}"

    def options(self) -> dict[str, Optional[str]]:
        """The values of all options that name a subject. None for an option that does not name this subject."""
        options: dict[str, Optional[str]] = {}
        for option, type_of_option in SUBJECT_TYPES.items():
            options[option] = self.name if type_of_option == self.type else None

        options["issuer_alias"] = self.issuer_alias
        options["domain"] = self.domain

        return options


@dataclass(frozen=True)
class ClientProfile:
    """The rights of one subject on a host. An empty list of grants gives no rights.

    profile: the host's id of the profile, None as long as the host has not given an id. The id can change.
    privileges: the field that a subject of type PRIVILEGES has in the place of a name, as the API returns it.
    """

    subject: Subject
    grants: tuple[Grant, ...] = ()
    profile: Optional[str] = field(default=None, compare=False)
    privileges: Any = field(default=None, compare=False)

    @property
    def label(self) -> str:
        """The name of the profile in messages and in RV(operations)."""
        if self.subject.declarable:
            return self.subject.label

        return f"{self.subject.type} {self.profile}"

    @property
    def entitlements(self) -> tuple[str, ...]:
        """The granted entitlements that this collection knows, in the order of ENTITLEMENTS."""
        granted = [grant.entitlement for grant in self.grants if grant.known]
        return tuple(entitlement for entitlement in ENTITLEMENTS if entitlement in granted)

    @property
    def granted(self) -> frozenset[Grant]:
        """The grants as they are compared. Their order and the other fields of known entitlements do not count."""
        return frozenset(grant.right for grant in self.grants)

    @property
    def unknown_grants(self) -> tuple[Grant, ...]:
        """The grants that this collection does not know."""
        return tuple(grant for grant in self.grants if not grant.known)

    @property
    def rights(self) -> str:
        """The rights of the profile in words."""
        unknown = [grant.entitlement or grant.resource_type for grant in self.unknown_grants]
        privileges = ["privileges"] if self.privileges else []

        return ", ".join([*self.entitlements, *unknown, *privileges]) or "nothing"

    def spec(self) -> dict[str, Any]:
        """The argument `spec` of the operation that creates it."""
        subject = {name: value for name, value in self.subject.options().items() if value is not None}

        return {**subject, "grants": [grant.to_api() for grant in self.grants]}

    def record(self) -> dict[str, Any]:
        """The record that the modules return."""
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
    """A client profile as it is declared.

    entitlements_mode: exact or merge.
    state: present or absent.
    """

    subject: Subject
    entitlements: frozenset[str] = frozenset()
    entitlements_mode: str = "exact"
    state: str = "present"

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> DesiredClientProfile:
        """Check the module's options. Raises InvalidInput, which names the option."""
        present = params["state"] == "present"
        if params.get("type") not in (None, *SUBJECT_KINDS):
            raise InvalidInput(
                f"type: is {params['type']}, and only profiles of users and groups can be declared; remove this entry."
            )

        subject = Subject.from_params(params)
        for option, value in subject.options().items():
            if value is None:
                continue

            # A removal must also work for a name that could not be declared present.
            if present:
                check_name(option, value)
            else:
                check_unmasked(option, value)

        # A removal needs no entitlements, so it must not fail because of wrong ones.
        entitlements: frozenset[str] = frozenset()
        if present:
            entitlements = _read_entitlements(params["entitlements"])

        return cls(
            subject=subject,
            entitlements=entitlements,
            entitlements_mode=params["entitlements_mode"],
            state=params["state"],
        )

    def profile_on(self, held: Optional[ClientProfile]) -> ClientProfile:
        """The profile that the host shall hold. It is `held` itself if nothing has to be changed.

        held: the profile of this subject on the host, or None.
        """
        declared = [Grant.of_entitlement(name) for name in ENTITLEMENTS if name in self.entitlements]
        if held is None:
            return ClientProfile(self.subject, tuple(declared))

        granted = frozenset(held.entitlements)
        if self.entitlements_mode == "merge":
            if self.entitlements <= granted:
                return held

            # Without duplicates, in this order.
            grants = tuple(dict.fromkeys((*held.grants, *declared)))
            return ClientProfile(self.subject, grants, held.profile)

        if self.entitlements == granted:
            return held

        return ClientProfile(self.subject, tuple(declared), held.profile)


def _read_entitlements(entitlements: Optional[Iterable[str]]) -> frozenset[str]:
    """The entitlements that are declared. Raises InvalidInput if there is no list, or if one is unknown."""
    if entitlements is None:
        raise InvalidInput("entitlements: is needed with state present; an empty list grants nothing.")

    found = frozenset(entitlements)
    if not found <= frozenset(ENTITLEMENTS):
        raise InvalidInput(f"entitlements: can be {', '.join(ENTITLEMENTS)}.")

    return found


def shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record in the form that a diff shows: without the host's id, and without empty fields.

    An empty list of entitlements is shown, because it has a meaning.
    """
    fields = {}
    for name, value in record.items():
        is_empty = value in (None, [])
        if name == "entitlements" or (name != "profile" and not is_empty):
            fields[name] = value

    return fields


def label_of(record: Mapping[str, Any]) -> str:
    """The label of the profile that has this record."""
    name = None
    for option, type_of_option in SUBJECT_TYPES.items():
        if type_of_option == record["type"]:
            name = record[option]

    subject = Subject(record["type"], name, record["issuer_alias"], record["domain"])
    return ClientProfile(subject, profile=record["profile"]).label
