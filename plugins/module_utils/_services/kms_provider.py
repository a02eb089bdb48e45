# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Native key providers of an ESX host: /api/esx/trusted-infrastructure/kms/providers."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import says_no_such_operation
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import BOOLEAN
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import SECRET
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
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import ignored
from ansible_collections.esx.trust.plugins.module_utils._services.key_ids import is_key_id
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import KmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import looks_like_key
from ansible_collections.esx.trust.plugins.module_utils._services.resource_facts import ResourceFacts

_SERVICE = "com.vmware.esx.trusted_infrastructure.kms.providers"
_PATH = "/api/esx/trusted-infrastructure/kms/providers"
_COMMON_ERRORS = ("UNAUTHENTICATED", "UNAUTHORIZED", "ERROR")
_HINTS = {
    "ERROR": "Look into the log kmxa.log of the host.",
    "INTERNAL_SERVER_ERROR": "Look into the log kmxa.log of the host.",
    "UNAUTHORIZED": "Give the account the entitlement SECURITY_MGMT; in lockdown mode only exception users have any.",
    "OPERATION_NOT_FOUND": "Key providers can be created and read from ESX 7.0 Update 2 on, and the reference has no"
    " delete for them.",
}

_FILTER_SPEC = StructType(
    f"{_SERVICE}.filter_spec",
    {"providers": OptionalType(ListType(STRING)), "available": OptionalType(BOOLEAN)},
)
_NATIVE_SPEC = StructType(
    f"{_SERVICE}.native_provider_create_spec",
    {"key_id": STRING, "key_derivation_key": SECRET},
)
_CREATE_SPEC = StructType(
    f"{_SERVICE}.create_spec",
    {"provider": STRING, "native_spec": OptionalType(_NATIVE_SPEC)},
)
_PROVIDER = Parameter("provider", STRING, PATH)

LIST = Operation(
    id=f"{_SERVICE}.list",
    method="GET",
    path=_PATH,
    success=(200,),
    errors=_COMMON_ERRORS,
    parameters=(Parameter("filter_spec", OptionalType(_FILTER_SPEC), QUERY),),
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
    path=f"{_PATH}/{{provider}}",
    success=(200,),
    errors=("NOT_FOUND", "INVALID_ARGUMENT", *_COMMON_ERRORS),
    parameters=(_PROVIDER,),
    returns=True,
    hints=_HINTS,
)
# The published reference has no such operation. This is the form that the API's other services have.
DELETE = Operation(
    id=f"{_SERVICE}.delete",
    method="DELETE",
    path=f"{_PATH}/{{provider}}",
    success=(204,),
    errors=("NOT_FOUND", *_COMMON_ERRORS),
    parameters=(_PROVIDER,),
    hints=_HINTS,
)
OPERATIONS = (LIST, CREATE, GET, DELETE)
#: What is true of each key provider.
FACTS = ResourceFacts(
    kind=RESOURCE,
    words="key provider",
    short_name="keys",
    operations=OPERATIONS,
    name_fields=("provider",),
    compared_fields=("type", "key_id"),
)


def _unless_key_id(value: Any) -> list[str]:
    """The value of key_id if it is no UUID. It may be the key."""
    text = str(value)
    return [] if is_key_id(text.strip()) else [text]


def _if_key(value: Any) -> list[str]:
    """The name of a provider if it is probably a key."""
    text = str(value)
    return [text] if looks_like_key(text) else []


#: The options that declare one provider.
DECLARATION = Arguments(
    options={
        "provider": {"type": "str", "required": True},
        "key_id": {"type": "str", "no_log": False},
        "key_derivation_key": {"type": "str", "no_log": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        **ignored("type", "available", "details"),
    },
    likely_secrets={"provider": _if_key, "key_id": _unless_key_id},
)


def perform(client: Client, step: Step) -> Any:
    """Send the request of a step. Returns the value that the host answers. Raises TrustError."""
    if step.deletes:
        return client.call(DELETE(provider=step.id))

    return client.call(CREATE(spec=step.after.spec()))


def check_address(step: Step) -> None:
    """Raise InvalidInput if the name of a provider cannot be written in a URL. Hosts also keep such names."""
    if not step.creates:
        path_element("provider", step.id)


def explain(error: TrustError, step: Step, host: str) -> TrustError:
    """The error, with a message that says what to do if the host cannot delete key providers."""
    if error.operation == DELETE.id and _cannot_delete(error):
        answer = " ".join(str(part) for part in (error.status, error.error_type) if part)
        error.reword(
            message=(
                f"{host}: the key provider {step.id!r} is still there, because the host's API has no operation that"
                f" deletes key providers (DELETE was answered with {answer})."
            ),
            hint=(
                "Remove it with the program that created it, for instance vCenter; rekey every virtual machine that"
                " uses it first."
            ),
        )

    return error


def _cannot_delete(error: TrustError) -> bool:
    """True if the answer to DELETE shows that the host has no such operation."""
    if says_no_such_operation(error):
        return True

    return not isinstance(error, ApiError) and error.status in (400, 404, 405, 501)


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
