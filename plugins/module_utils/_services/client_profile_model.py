# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client profile is: its subject, its grants, and how it is declared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import check_name
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import check_unmasked

RESOURCE = "client_profile"
#: Everything that a profile can grant. OBSERVABILITY came with 7.0.1.
ENTITLEMENTS = ("IDENTITY_MGMT", "SECURITY_MGMT", "READ_ONLY", "OBSERVABILITY")
#: By the option that names a subject, the API's type of it.
SUBJECT_TYPES = {
    "local_user_name": "LOCAL_USER",
    "external_group_name": "EXTERNAL_GROUP",
    "external_user_name": "EXTERNAL_USER",
}
SUBJECT_KINDS = {"LOCAL_USER": "local user", "EXTERNAL_GROUP": "external group", "EXTERNAL_USER": "external user"}
OUTSIDE_OPTIONS = ("issuer_alias", "domain")


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
        """True if it can be declared: one of the three kinds, and complete."""
        if self.type == "LOCAL_USER":
            return self.name is not None
        return self.type in SUBJECT_KINDS and None not in (self.name, self.issuer_alias, self.domain)

    @property
    def label(self) -> str:
        """How messages and RV(operations) call it."""
        kind = SUBJECT_KINDS.get(self.type, self.type)
        if self.type == "LOCAL_USER":
            return f"{kind} {self.name}"
        return f"{kind} {self.domain}\\{self.name} of {self.issuer_alias}"

    def options(self) -> dict[str, Optional[str]]:
        """The options that name it, None for those that do not."""
        names = {option: self.name if kind == self.type else None for option, kind in SUBJECT_TYPES.items()}
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
        if params.get("type") not in (None, *SUBJECT_KINDS):
            raise InvalidInput(
                f"type: is {params['type']}, and only profiles of users and groups can be declared; leave this one out."
            )
        subject = Subject.from_params(params)
        for option, value in subject.options().items():
            if value is None:
                continue
            # A removal must not fail over an option that it does not need.
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


def shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record for a diff: without the host's id, and without what is empty."""
    return {
        name: value
        for name, value in record.items()
        if name == "entitlements" or (name != "profile" and value not in (None, []))
    }


def label_of(record: Mapping[str, Any]) -> str:
    """The label of the profile that has this record."""
    name = next((record[option] for option, kind in SUBJECT_TYPES.items() if kind == record["type"]), None)
    subject = Subject(record["type"], name, record["issuer_alias"], record["domain"])
    return ClientProfile(subject, profile=record["profile"]).label
