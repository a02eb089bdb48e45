# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client profiles of an ESX host: /api/esx/authentication/client-profiles.

A client profile gives rights to one subject: a local user of the host, or a user or a group of a trusted issuer.
Source: the vendor's Go SDK of 2019 (apis/esx/authentication/clientProfiles), and its reference of 7.0 Update 2.
"""

from __future__ import annotations

import json
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
from ansible_collections.esx.trust.plugins.module_utils._api.login import is_refused_login
from ansible_collections.esx.trust.plugins.module_utils._api.operation import BODY
from ansible_collections.esx.trust.plugins.module_utils._api.operation import PATH
from ansible_collections.esx.trust.plugins.module_utils._api.operation import QUERY
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Parameter
from ansible_collections.esx.trust.plugins.module_utils._api.rest import path_element
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import StepAnswer
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import Conflict
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import ignored
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ENTITLEMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import OUTSIDE_OPTIONS
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import SUBJECT_KINDS
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import SUBJECT_TYPES
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Grant
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Subject
from ansible_collections.esx.trust.plugins.module_utils._services.esxtokend import COMMON_ERRORS
from ansible_collections.esx.trust.plugins.module_utils._services.esxtokend import HINTS
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.listed_resources import read_listed
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
#: The types of errors with which a host answers to LIST if it does not have the service.
_NO_SUCH_SERVICE = ("OPERATION_NOT_FOUND", "NOT_FOUND")
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
    identifier = client.call(CREATE(spec=profile.spec()))
    if isinstance(identifier, str):
        return identifier

    # Nobody knows whether the profile was created, so the profiles must be read again.
    error = client.wrong_shape(CREATE)
    error.outcome_unknown = True
    raise error


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


def explain(error: TrustError, step: Step) -> TrustError:
    """The error of a refused step, with a hint if the issuer of the subject may be the cause."""
    alias = step.after.subject.issuer_alias if step.after else None
    is_refused_value = error.error_type == "INVALID_ARGUMENT" and not refuses_structure(error)
    if error.operation == CREATE.id and is_refused_value and alias is not None:
        hint = f"The host may refuse profiles that name an unknown alias: declare the token issuer {alias!r} first."
        error.reword(hint=hint)

    return error


def read_all(client: Client) -> Profiles:
    """All client profiles, or that the host has no such service. Raises TrustError."""
    held = list_profiles(client)
    return Profiles(offered=False) if held is None else Profiles(held)


def read_profiles(client: Client) -> Profiles:
    """The client profiles, as far as the account may read them, for a plan that declares none. Raises TrustError."""
    try:
        return read_all(client)
    except (Unauthenticated, Unauthorized) as error:
        if client.has_answered(LIST) or is_refused_login(error):
            # If the profiles were read before in this run and cannot be read now, rights could be lost unnoticed.
            raise

        # The login is good, because the issuers were read with it before.
        return Profiles(refused=error.error_type or error.code)


def list_profiles(client: Client) -> Optional[tuple[ClientProfile, ...]]:
    """All client profiles with their grants. None if the host has no such service. Raises TrustError.

    This is one request if the host knows the FULL projection.
    """
    entries = _list(client)
    if entries is None:
        return None

    profiles = []
    for entry in entries:
        identifier = _identifier(client, entry)
        subject = entry.get("subject")
        is_full = subject is not None and (entry.get("grants") is not None or _may_lack_grants(subject))
        profile = _read(client, LIST, identifier, entry) if is_full else _get(client, identifier)
        if profile is not None:
            profiles.append(profile)

    return tuple(profiles)


def _list(client: Client) -> Optional[list[Any]]:
    """The entries of the host's list. None if the host has no such service. Raises TrustError.

    A service that restarts can seem to be absent for a moment. If this were believed, rights could be lost. So the host
    has to say twice that it has no such service. If the service has answered before in this run, it is never believed.
    """
    was_absent = False
    while True:
        try:
            entries = client.call(LIST(projection="FULL"))
        except (ApiError, UnexpectedAnswer) as error:
            if not _has_no_service(client, error):
                raise

            if client.has_answered(LIST):
                error.reword(hint="The service of client profiles answered earlier in this run. Run the task again.")
                client.spend_retry(error)
            elif was_absent:
                return None

            was_absent = True
            continue

        if not isinstance(entries, list):
            raise client.wrong_shape(LIST)

        return entries


def _get(client: Client, identifier: str) -> Optional[ClientProfile]:
    """A listed profile with its grants. None if it was deleted meanwhile. Raises TrustError."""

    def is_listed() -> bool:
        return identifier in [_identifier(client, entry) for entry in _list(client) or ()]

    def read(value: Any) -> ClientProfile:
        return _read(client, GET, identifier, value)

    return read_listed(client, GET(profile=identifier), LIST, is_listed, read)


def _identifier(client: Client, entry: Any) -> str:
    """The host's id of the profile in an entry of the list. Raises UnexpectedAnswer."""
    identifier = entry.get("client_profile") if isinstance(entry, dict) else None
    if not isinstance(identifier, str):
        raise client.wrong_shape(LIST)

    return identifier


def _has_no_service(client: Client, error: TrustError) -> bool:
    """True if an error of LIST shows that the host does not have this service, but has an API."""
    if error.operation != LIST.id or client.api_protocol is None:
        return False

    if isinstance(error, ApiError):
        return error.error_type in _NO_SUCH_SERVICE

    return error.status == 404


def _read(client: Client, operation: Operation, identifier: str, value: Any) -> ClientProfile:
    """The profile in an answer. Raises TrustError if the answer has another form."""
    subject = value.get("subject") if isinstance(value, dict) else None
    grants = value.get("grants") if isinstance(value, dict) else None
    if grants is None and _may_lack_grants(subject):
        grants = []

    if not isinstance(subject, dict) or not isinstance(subject.get("type"), str) or not isinstance(grants, list):
        raise client.wrong_shape(operation)

    # Other fields do not identify a local user, so they are ignored.
    parts = ("name",) if subject["type"] == "LOCAL_USER" else ("name", *OUTSIDE_OPTIONS)
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


def _may_lack_grants(subject: Any) -> bool:
    """True if the profile of this subject may have no grants, because the subject is neither a user nor a group.

    This collection never writes such a profile, so it must not stop the reading of the others.
    """
    kind = subject.get("type") if isinstance(subject, dict) else None
    return isinstance(kind, str) and kind not in SUBJECT_KINDS


def _read_map(value: Any) -> Any:
    """A map in the form of REST. In JSON-RPC it is a list of its entries. Any other value is returned as it is."""
    if not isinstance(value, list):
        return value

    if not all(isinstance(entry, dict) and "key" in entry for entry in value):
        return value

    return {str(entry["key"]): entry.get("value") for entry in value}


def _read_grant(grant: Mapping[str, Any]) -> Grant:
    """The grant in an answer. Fields that this collection does not know are kept, so that they can be written again."""
    fields = {name: value for name, value in grant.items() if value is not None}
    resource_type = fields.pop("resource_type")

    entitlement = None
    if isinstance(fields.get("entitlement"), str):
        entitlement = fields.pop("entitlement")

    unknown = json.dumps(fields, sort_keys=True) if fields else ""
    return Grant(resource_type, entitlement, unknown)
