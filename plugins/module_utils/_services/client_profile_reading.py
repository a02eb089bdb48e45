# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the client profiles of an ESX host."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.login import is_refused_login
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile import GET
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile import LIST
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import OUTSIDE_OPTIONS
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import SUBJECT_KINDS
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Grant
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Subject
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.listed_resources import read_listed

#: The types of errors with which a host answers to LIST if it does not have the service.
_NO_SUCH_SERVICE = ("OPERATION_NOT_FOUND", "NOT_FOUND")


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
    except UnexpectedAnswer as error:
        if client.has_answered(LIST) or not _seems_absent(client, error):
            raise

        # A server before the service may have answered in its place, so the host may hold profiles.
        return Profiles(refused="404")


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
    An answer with code 404 that is not one of the API is never believed either: a server before the service may give
    it.
    """
    was_absent = False
    while True:
        try:
            entries = client.call(LIST(projection="FULL"))
        except (ApiError, UnexpectedAnswer) as error:
            if not _seems_absent(client, error):
                raise

            if client.has_answered(LIST):
                error.reword(hint="The service of client profiles answered earlier in this run. Run the task again.")
                client.spend_retry(error)
            elif was_absent:
                if isinstance(error, UnexpectedAnswer):
                    raise

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


def _seems_absent(client: Client, error: TrustError) -> bool:
    """True if an error of LIST says that the host does not have this service, but has an API."""
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
