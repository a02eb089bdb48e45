# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Native key providers of an ESX host: /api/esx/trusted-infrastructure/kms/providers."""

from __future__ import annotations

from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import says_no_such_operation
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import BOOLEAN
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import SECRET
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
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import ignored
from ansible_collections.esx.trust.plugins.module_utils._services.key_ids import is_key_id
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import looks_like_key
from ansible_collections.esx.trust.plugins.module_utils._services.resource_facts import ResourceFacts

_SERVICE = "com.vmware.esx.trusted_infrastructure.kms.providers"
_PATH = "/api/esx/trusted-infrastructure/kms/providers"
_COMMON_ERRORS = ("UNAUTHENTICATED", "UNAUTHORIZED", "ERROR")
_HINTS = {
    "ALREADY_EXISTS": "Somebody else has just created it, or a provider of another kind, which the host does not list,"
    " has this name. Run the task again; if it fails again, choose another name.",
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
    if not step.deletes:
        return client.call(CREATE(spec=step.after.spec()))

    try:
        return client.call(DELETE(provider=step.id))
    except TrustError as error:
        if _cannot_delete(error):
            _explain_no_delete(error, step, client.host)

        raise


def check_address(step: Step) -> None:
    """Raise InvalidInput if the name of a provider cannot be written in a URL. Hosts also keep such names."""
    if not step.creates:
        path_element("provider", step.id)


def _explain_no_delete(error: TrustError, step: Step, host: str) -> None:
    """Make the error say what to do if the host cannot delete key providers."""
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


def _cannot_delete(error: TrustError) -> bool:
    """True if the answer to DELETE shows that the host has no such operation."""
    if error.operation != DELETE.id:
        return False

    if says_no_such_operation(error):
        return True

    return not isinstance(error, ApiError) and error.status in (400, 404, 405, 501)
