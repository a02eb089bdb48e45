# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client profiles of an ESX host: /api/esx/authentication/client-profiles.

A client profile gives rights to one subject: a local user of the host, or a user or a group of a trusted issuer.
Source: the vendor's Go SDK of 2019 (apis/esx/authentication/clientProfiles), and its reference of 7.0 Update 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import refuses_structure
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
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
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import StepAnswer
from ansible_collections.esx.trust.plugins.module_utils._errors import Conflict
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import ignored
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ENTITLEMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import OUTSIDE_OPTIONS
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import SUBJECT_TYPES
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Subject
from ansible_collections.esx.trust.plugins.module_utils._services.esxtokend import COMMON_ERRORS
from ansible_collections.esx.trust.plugins.module_utils._services.esxtokend import HINTS
from ansible_collections.esx.trust.plugins.module_utils._services.resource_facts import ResourceFacts

_SERVICE = "com.vmware.esx.authentication.client_profiles"
_PATH = "/api/esx/authentication/client-profiles"
_PATH_WITH_ID = f"{_PATH}/{{profile}}"
_ACCESS_GRANT = StructType(
    f"{_SERVICE}.access_grant",
    {"resource_type": ENUMERATION, "entitlement": OptionalType(ENUMERATION)},
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
# A filter must name one subject completely. So the profiles of an issuer can only be found in the list of all profiles.
LIST = Operation(
    id=f"{_SERVICE}.list",
    method="GET",
    path=_PATH,
    success=(200,),
    errors=("INVALID_ARGUMENT", *COMMON_ERRORS),
    parameters=(
        Parameter("filter", OptionalType(_FILTER_SPEC), QUERY),
        Parameter("projection", OptionalType(ENUMERATION), QUERY),
    ),
    returns=True,
    hints=HINTS,
)
CREATE = Operation(
    id=f"{_SERVICE}.create",
    method="POST",
    path=_PATH,
    success=(201,),
    errors=("ALREADY_EXISTS", "INVALID_ARGUMENT", *COMMON_ERRORS),
    parameters=(Parameter("spec", _CREATE_SPEC, BODY),),
    returns=True,
    hints=HINTS,
)
GET = Operation(
    id=f"{_SERVICE}.get",
    method="GET",
    path=_PATH_WITH_ID,
    success=(200,),
    errors=("NOT_FOUND", *COMMON_ERRORS),
    parameters=(_PROFILE,),
    returns=True,
    hints=HINTS,
)
UPDATE = Operation(
    id=f"{_SERVICE}.update",
    method="PATCH",
    path=_PATH_WITH_ID,
    success=(204,),
    errors=("NOT_FOUND", "INVALID_ARGUMENT", *COMMON_ERRORS),
    parameters=(_PROFILE, Parameter("spec", _UPDATE_SPEC, BODY)),
    hints=HINTS,
)
DELETE = Operation(
    id=f"{_SERVICE}.delete",
    method="DELETE",
    path=_PATH_WITH_ID,
    success=(204,),
    errors=("NOT_FOUND", *COMMON_ERRORS),
    parameters=(_PROFILE,),
    hints=HINTS,
)
OPERATIONS = (LIST, CREATE, GET, UPDATE, DELETE)
#: What is true of each client profile.
FACTS = ResourceFacts(
    kind=RESOURCE,
    words="client profile",
    short_name="profiles",
    operations=OPERATIONS,
    name_fields=("client_profile", "name", "domain", "issuer_alias"),
    compared_fields=(),
)
SUBJECT_OPTIONS: dict[str, dict[str, Any]] = {name: {"type": "str"} for name in (*SUBJECT_TYPES, *OUTSIDE_OPTIONS)}
#: The options that declare one profile.
DECLARATION = Arguments(
    options={
        **SUBJECT_OPTIONS,
        "entitlements": {"type": "list", "elements": "str", "choices": list(ENTITLEMENTS)},
        "entitlements_mode": {
            "type": "str",
            "choices": ["exact", "merge"],
            "default": "exact",
        },
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        **ignored("profile", "type", "other_grants", "privileges"),
    },
    required_if=(("state", "present", ("entitlements",)),),
)


def perform(client: Client, step: Step) -> Any:
    """Send the request of a step. Returns the host's id of a new profile, else None. Raises TrustError."""
    before: Optional[ClientProfile] = step.before
    after: Optional[ClientProfile] = step.after
    if after is not None and any(grant.unknown_fields for grant in after.grants):
        # No plan has such a step. A failed run may have one, to restore a grant that only the host knows.
        raise Conflict(
            f"{client.host}: the client profile of the {after.label} has grants with fields that this collection does"
            " not know, so it cannot be written again."
        )

    if before is None:
        return _create(client, after) if after is not None else None

    if after is None:
        return client.call(DELETE(profile=before.profile))

    return client.call(UPDATE(profile=before.profile, spec={"grants": after.spec()["grants"]}))


def _create(client: Client, profile: ClientProfile) -> str:
    """Create a profile. Returns the host's id of it. Raises TrustError."""
    try:
        identifier = client.call(CREATE(spec=profile.spec()))
    except TrustError as error:
        _explain_refused_alias(error, profile.subject.issuer_alias)
        raise

    if isinstance(identifier, str):
        return identifier

    # Nobody knows whether the profile was created, so the profiles must be read again.
    unreadable = client.wrong_shape(CREATE)
    unreadable.outcome_unknown = True
    raise unreadable


def with_ids(records: Iterable[Mapping[str, Any]], answers: Iterable[StepAnswer]) -> list[Mapping[str, Any]]:
    """The records of profiles, with the ids that the host gave to new profiles. Pure.

    answers: the steps of the run with the answers of the host.
    """
    ids: dict[Subject, str] = {}
    for step, identifier in answers:
        if step.resource == RESOURCE and step.creates and isinstance(identifier, str):
            ids[step.after.subject] = identifier

    return [_with_id(record, ids) for record in records]


def _with_id(record: Mapping[str, Any], ids: Mapping[Subject, str]) -> Mapping[str, Any]:
    """The record of a profile, with its id if the profile is new. The record is empty if there is no profile."""
    for subject, identifier in ids.items():
        is_same_subject = record.get("type") == subject.type and subject.options().items() <= record.items()
        if is_same_subject and record.get("profile") is None:
            return {**record, "profile": identifier}

    return record


def check_address(step: Step) -> None:
    """Raise InvalidInput if the id of the profile cannot be written in a URL."""
    if not step.creates:
        path_element("profile", step.before.profile or "")


def _explain_refused_alias(error: TrustError, alias: Optional[str]) -> None:
    """Give the error of a refused creation a hint if the issuer of the subject may be the cause."""
    is_refused_value = error.error_type == "INVALID_ARGUMENT" and not refuses_structure(error)
    if error.operation == CREATE.id and is_refused_value and alias is not None:
        hint = f"The host may refuse profiles that name an unknown alias: declare the token issuer {alias!r} first."
        error.reword(hint=hint)
