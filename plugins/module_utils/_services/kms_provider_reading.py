# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the native key providers of an ESX host."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.login import is_refused_login
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import GET
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import LIST
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import KmsProvider


def find(client: Client, provider: str) -> Optional[KmsProvider]:
    """The provider of this name, or None if the host has none. Raises TrustError."""
    try:
        return get(client, provider)
    except TrustError as error:
        if _says_absent(error):
            return None

        # A 404 can mean that there is no such provider, or that there is no such service. The reference does not say
        # how a host answers to an unknown name, but it describes the list. So the list decides.
        if error.operation != GET.id or error.status != 404 or error.error_type == "OPERATION_NOT_FOUND":
            raise

        if _is_listed(client, provider):
            raise

        return None


def find_to_remove(client: Client, provider: str) -> Optional[KmsProvider]:
    """The provider of this name, or None if the host has none, for a provider that is declared absent.

    The oldest release has LIST, but no GET. There, a provider that is not listed is absent already. Raises TrustError.
    """
    try:
        return find(client, provider)
    except ApiError as error:
        has_no_get = error.operation == GET.id and error.error_type == "OPERATION_NOT_FOUND"
        if not has_no_get or _is_listed(client, provider):
            raise

        return None


def _is_listed(client: Client, provider: str) -> bool:
    """True if the host lists a provider of this name. Raises TrustError."""
    return provider in [entry["provider"] for entry in _list(client, providers=[provider])]


def names_beside(
    client: Client,
    desired: Sequence[DesiredKmsProvider],
    found: Sequence[Optional[KmsProvider]],
) -> tuple[str, ...]:
    """The names of all providers of the host, for warnings about look-alikes. Empty if no provider is to be created.

    A host that cannot list its providers can still create one. The list can also be slow, because hosts ask remote
    providers for it. So an error of the list is ignored, and the names are empty.

    found: for each desired provider the one on the host, or None.
    Raises TrustError if the host cannot be reached or refuses the login.
    """
    will_create = any(declared.creates and held is None for declared, held in zip(desired, found))
    if not will_create:
        return ()

    try:
        return list_names(client)
    except (ApiError, UnexpectedAnswer, AnswerLost) as error:
        if is_refused_login(error):
            raise

        return ()


def list_names(client: Client) -> tuple[str, ...]:
    """The names of all providers of a host. Raises TrustError."""
    return tuple(entry["provider"] for entry in _list(client))


def _says_absent(error: TrustError) -> bool:
    """True if the host itself says that it has no such provider."""
    return error.operation == GET.id and error.error_type == "NOT_FOUND" and not error.inferred


def get(client: Client, provider: str) -> KmsProvider:
    """The provider of this name. Raises TrustError, also if there is none or the answer has another form."""
    value = client.call(GET(provider=provider))
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise client.wrong_shape(GET)

    info = value.get("native_info")
    if info is None:
        info = {}
    if not isinstance(info, dict):
        raise client.wrong_shape(GET)

    key_id = info.get("key_id")
    if not isinstance(key_id, (str, type(None))):
        raise client.wrong_shape(GET)

    return KmsProvider(provider=provider, type=value["type"], key_id=key_id)


def list_providers(
    client: Client,
    name: Optional[str] = None,
    available: Optional[bool] = None,
) -> tuple[list[dict[str, Any]], list[str]]:
    """The records of a host's key providers, sorted by name, as esx_kms_provider_info returns them, and warnings.

    name: if given, only the provider of this name.
    available: if given, only the providers that can be used now, or only those that cannot.
    Raises TrustError.
    """
    names = None if name is None else [name]

    records = []
    warnings = []
    for entry in _list(client, providers=names, available=available):
        # A host that does not know the filters returns all providers.
        if name in (None, entry["provider"]) and available in (None, entry["available"]):
            record, warning = _listed(client, entry)
            if record is not None:
                records.append(record)

            if warning:
                warnings.append(warning)

    return sorted(records, key=lambda record: str(record["provider"])), warnings


def _list(client: Client, **filters: Any) -> list[dict[str, Any]]:
    """The entries of the host's list of providers. filters: the fields of filter_spec; None is no filter.

    Raises TrustError.
    """
    filter_spec = {name: value for name, value in filters.items() if value is not None}
    entries = client.call(LIST(filter_spec=filter_spec or None))
    if not isinstance(entries, list):
        raise client.wrong_shape(LIST)

    for entry in entries:
        if not isinstance(entry, dict):
            raise client.wrong_shape(LIST)

        if not isinstance(entry.get("provider"), str) or not isinstance(entry.get("available"), bool):
            raise client.wrong_shape(LIST)

    return entries


def _listed(client: Client, entry: Mapping[str, Any]) -> tuple[Optional[dict[str, Any]], str]:
    """The record of a listed provider, with the fields that only GET returns, and a warning if GET is missing.

    The record is None if the provider was deleted meanwhile. The warning is empty if there is none.
    """
    warning = ""
    record: dict[str, Any] = {"provider": entry["provider"], "type": None, "key_id": None}
    try:
        record = get(client, entry["provider"]).record()
    except InvalidInput as error:
        raise client.wrong_shape(LIST) from error
    except (ApiError, UnexpectedAnswer) as error:
        if _says_absent(error):
            return None, ""

        # The oldest release has LIST, but no GET.
        if error.operation != GET.id or not (error.status == 404 or error.error_type == "OPERATION_NOT_FOUND"):
            raise

        warning = f"{client.host}: its API does not return the type and the key_id of {entry['provider']!r}."

    record["available"] = entry["available"]
    record["details"] = _texts_of_details(entry.get("details"))

    return record, warning


def _texts_of_details(details: Any) -> list[str]:
    """The texts of the localizable messages with which a host explains why a provider is not available."""
    if not isinstance(details, list):
        return []

    texts = []
    for detail in details:
        if isinstance(detail, dict):
            texts.append(str(detail.get("localized") or detail.get("default_message") or ""))

    return texts
