# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Native key providers of an ESX host: /api/esx/trusted-infrastructure/kms/providers."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any
from typing import ClassVar
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
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
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._engine.host import Host
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._engine.resource import Part
from ansible_collections.esx.trust.plugins.module_utils._engine.resource import Planned
from ansible_collections.esx.trust.plugins.module_utils._engine.resource import Records
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import Overtaken
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import check_name
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import check_unmasked
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import ignored
from ansible_collections.esx.trust.plugins.module_utils._services.lists import check_unique
from ansible_collections.esx.trust.plugins.module_utils._services.lists import read_list
from ansible_collections.esx.trust.plugins.module_utils._services.names import look_alike_warnings
from ansible_collections.esx.trust.plugins.module_utils._services.results import info_result
from ansible_collections.esx.trust.plugins.module_utils._services.results import result
from ansible_collections.esx.trust.plugins.module_utils._services.service import Service

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

RESOURCE = "kms_provider"
#: The option of esx_host_trust that lists key providers.
LIST_OPTION = "kms_providers"
#: The length of a key derivation key in bytes. It is a key for AES-256.
KEY_BYTES = 32
_HEXADECIMAL_KEY = re.compile(r"[0-9a-fA-F]{64}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{12}")


def _unless_key_id(value: Any) -> list[str]:
    """The value of key_id if it is no UUID. It may be the key."""
    text = str(value)
    return [] if _UUID.fullmatch(text.strip()) else [text]


#: The options that declare one provider.
DECLARATION = Arguments(
    options={
        "provider": {"type": "str", "required": True},
        "key_id": {"type": "str", "no_log": False},
        "key_derivation_key": {"type": "str", "no_log": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        **ignored("type", "available", "details"),
    },
    likely_secrets={"key_id": _unless_key_id},
)
ARGUMENTS = HOST_CONNECTION.merge(DECLARATION)
INFO_ARGUMENTS = HOST_CONNECTION.merge(Arguments(options={"provider": {"type": "str"}, "available": {"type": "bool"}}))


@dataclass(frozen=True)
class KmsProvider:
    """A key provider as a host describes it.

    key_derivation_key: only of a provider that is to be created, because a host never returns the key.
    """

    provider: str
    type: str
    key_id: Optional[str] = None
    key_derivation_key: Optional[str] = field(default=None, repr=False, compare=False)

    def spec(self) -> dict[str, Any]:
        """The argument `spec` of the operation that creates it."""
        native = {"key_id": self.key_id, "key_derivation_key": self.key_derivation_key}
        return {"provider": self.provider, "native_spec": native}

    def record(self) -> dict[str, Any]:
        """The record that the modules return."""
        return {"provider": self.provider, "type": self.type, "key_id": self.key_id}


@dataclass(frozen=True)
class DesiredKmsProvider:
    """A key provider as it is declared.

    state: present or absent.
    key_derivation_key: the key in Base64, if it is given.
    """

    provider: str
    state: str = "present"
    key_id: Optional[str] = None
    key_derivation_key: Optional[str] = field(default=None, repr=False)

    @property
    def creates(self) -> bool:
        """True if the provider will be created on a host that does not have it."""
        return self.state == "present" and self.key_derivation_key is not None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> DesiredKmsProvider:
        """Check the module's options. Raises InvalidInput, which names the option."""
        present = params["state"] == "present"
        if present and params.get("type") == "TRUST_AUTHORITY":
            raise InvalidInput(
                "type: is TRUST_AUTHORITY, and only native key providers can be declared present; leave this one out."
            )

        if present and params["key_id"] is None:
            raise InvalidInput("key_id: is needed with state present.")

        key = None
        if present:
            # A removal needs no key, so it must not fail because of a wrong one.
            key = _read_key(params["key_derivation_key"])

        provider = check_unmasked("provider", path_element("provider", params["provider"]))
        if present:
            provider = check_name("provider", provider)

        return cls(
            provider=provider,
            state=params["state"],
            key_id=_read_key_id(params["key_id"]),
            key_derivation_key=key,
        )


def plan(observed: Optional[KmsProvider], desired: DesiredKmsProvider, names: Iterable[str] = ()) -> Plan:
    """The plan that brings one key provider of a host to its declared state. Pure.

    A provider that has another key than declared is a conflict and never a change: a new key would lock the virtual
    machines that use the provider.

    observed: the provider on the host, or None.
    names: the names of all providers on the host, for a warning about look-alikes.
    """
    before = observed.record() if observed else {}
    name = f"the key provider {desired.provider!r}"

    def conflict(reason: str) -> Plan:
        return Plan(before=before, after=before, conflict=reason)

    if observed and observed.type != "NATIVE":
        return conflict(f"{name} has type {observed.type}; this module manages only NATIVE providers.")

    if observed and desired.key_id and not observed.key_id:
        return conflict(f"{name} is there without a readable key_id, so it may be another one.")

    if observed and desired.key_id and not _same_key_id(observed.key_id or "", desired.key_id):
        return conflict(
            f"{name} is there with key_id {observed.key_id}, not {desired.key_id}. Another key would lock the"
            " virtual machines that use this one."
        )

    if desired.state == "absent":
        if not observed:
            return Plan(before={}, after={})

        removal = Step.between(RESOURCE, desired.provider, observed, None)
        return Plan(before=before, after={}, steps=(removal,))

    if observed:
        return Plan(before=before, after=before)

    if not desired.key_derivation_key:
        return conflict(f"{name} is not there, and key_derivation_key, which is needed to create it, was not given.")

    after = KmsProvider(desired.provider, "NATIVE", desired.key_id, desired.key_derivation_key)
    creation = Step.between(RESOURCE, desired.provider, None, after)

    return Plan(
        before={},
        after=after.record(),
        steps=(creation,),
        warnings=look_alike_warnings("the key provider", desired.provider, names),
    )


def run(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """esx_kms_provider: the module's result. Raises TrustError."""
    desired = DesiredKmsProvider.from_params(params)
    host = Host((KmsProviders((desired,)),), single=True)

    connection = Connection.from_params(params)
    with connect(connection, ARGUMENTS.secrets(params)) as client:
        outcome = converge(client, host, check_mode)
        return client.report(result(RESOURCE, desired.provider, connection, outcome, ()))


def run_info(params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    """esx_kms_provider_info: the module's result. Raises TrustError."""
    connection = Connection.from_params(params)
    name = params["provider"]
    if name is not None:
        name = check_name("provider", name)

    warnings: list[str] = []
    with connect(connection, INFO_ARGUMENTS.secrets(params)) as client:
        records = list_providers(client, warnings, name, params["available"])
        return client.report(info_result("kms_providers", records, connection, warnings))


@dataclass(frozen=True)
class Observed:
    """The key providers of a host, as far as the plan needs them.

    found: the declared providers by name. None for a provider that the host does not have.
    names: the names of all providers, if one is to be created. Otherwise empty.
    """

    found: Mapping[str, Optional[KmsProvider]] = field(default_factory=dict)
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class KmsProviders(Service):
    """The service of key providers: the declaration for a host. See `Service` and `Resource` for the methods."""

    desired: tuple[DesiredKmsProvider, ...] = ()

    kinds: ClassVar[tuple[str, ...]] = (RESOURCE,)
    lists: ClassVar[tuple[str, ...]] = (LIST_OPTION,)
    arguments: ClassVar[Arguments] = Arguments(
        options={LIST_OPTION: DECLARATION.entries()},
        likely_secrets=DECLARATION.likely_secrets,
    )

    @classmethod
    def declared(cls, params: Mapping[str, Any]) -> KmsProviders:
        """The declaration in the options of esx_host_trust. Raises InvalidInput, which names option and entry."""
        providers = read_list(LIST_OPTION, params.get(LIST_OPTION), DesiredKmsProvider.from_params)
        check_unique(LIST_OPTION, "provider", [desired.provider for desired in providers])

        return cls(providers)

    def observe(self, client: Client) -> Observed:
        found = {desired.provider: find(client, desired.provider) for desired in self.desired}
        return Observed(found, names_beside(client, self.desired, list(found.values())))

    def plan(self, observed: Observed) -> Planned:
        parts = []
        added: list[Step] = []
        removed: list[Step] = []
        for desired in self.desired:
            found = observed.found.get(desired.provider)
            part = Part.of(RESOURCE, desired.provider, desired.state, plan(found, desired, observed.names))
            parts.append(part)

            for step in part.steps:
                steps = removed if step.after is None else added
                steps.append(step)

        before = [provider.record() for provider in observed.found.values() if provider]
        after = [dict(part.after) for part in parts if part.after]

        return Planned(
            parts=tuple(parts),
            added=tuple(added),
            removed=tuple(removed),
            before={LIST_OPTION: before},
            after={LIST_OPTION: after},
        )

    def check(self, client: Client, step: Step, observed: Observed, just_observed: bool) -> None:
        """Before a provider is deleted: check that it has the key of the plan, unless the run has just seen that.

        vCenter may have replaced the provider meanwhile. Its new key must not be deleted.
        """
        if just_observed or step.after is not None:
            return

        now = find(client, step.id)
        if now is None or not _is_key_of(now, step.before):
            raise Overtaken(
                f"{client.host}: the key provider {step.id!r} is not the one that was there at the look before.",
                "Run the task again; it looks at the host first.",
            )

    def perform(self, client: Client, step: Step) -> Any:
        if step.after is None:
            return client.call(DELETE(provider=step.id))

        return client.call(CREATE(spec=step.after.spec()))

    def was_carried_out(self, observed: Observed, step: Step) -> bool:
        now = observed.found[step.id]
        if step.after is None:
            return now is None or not _is_key_of(now, step.before)

        return now is not None and _is_key_of(now, step.after)

    def is_same(self, step: Step, other: Step) -> bool:
        return _is_key_of(step.before, other.before)

    def carry_out(self, observed: Observed, steps: Sequence[Step]) -> Observed:
        found = dict(observed.found)
        for step in steps:
            found[step.id] = step.after

        return replace(observed, found=found)

    def check_address(self, step: Step) -> None:
        if step.before is not None:
            path_element("provider", step.id)

    def explain(self, error: TrustError, step: Step, host: str) -> TrustError:
        """The error, with a message that says what to do if the host cannot delete key providers."""
        if error.operation == DELETE.id and _cannot_delete(error):
            answer = " ".join(str(part) for part in (error.status, error.error_type) if part)
            error.message = (
                f"{host}: the key provider {step.id!r} is still there, because the host's API has no operation that"
                f" deletes key providers (DELETE was answered with {answer})."
            )
            error.hint = (
                "It can only be removed by what put it there, for instance vCenter; rekey every virtual machine that"
                " uses it first."
            )

        return error

    def shown(self, records: Records) -> dict[str, Any]:
        return {LIST_OPTION: {record["provider"]: record for record in records[LIST_OPTION]}}


def _is_key_of(provider: KmsProvider, expected: KmsProvider) -> bool:
    """True if a provider has the type and the key that are expected."""
    return provider.type == expected.type and _same_key_id(provider.key_id or "", expected.key_id or "")


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

        names = [entry["provider"] for entry in _list(client, providers=[provider])]
        if provider in names:
            raise

        return None


def names_beside(
    client: Client,
    desired: Sequence[DesiredKmsProvider],
    found: Sequence[Optional[KmsProvider]],
) -> tuple[str, ...]:
    """The names of all providers of the host, for warnings about look-alikes. Empty if no provider is to be created.

    A host that cannot list its providers can still create one. The list can also be slow, because hosts ask remote
    providers for it. So an error of the list is ignored, and the names are empty.

    found: for each desired provider the one on the host, or None.
    Raises TrustError if the host cannot be reached.
    """
    will_create = any(declared.creates and held is None for declared, held in zip(desired, found))
    if not will_create:
        return ()

    try:
        return tuple(entry["provider"] for entry in _list(client))
    except (ApiError, UnexpectedAnswer, AnswerLost):
        return ()


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
    warnings: list[str],
    name: Optional[str] = None,
    available: Optional[bool] = None,
) -> list[dict[str, Any]]:
    """The records of a host's key providers, sorted by name, as esx_kms_provider_info returns them.

    warnings: warnings are appended here.
    name: if given, only the provider of this name.
    available: if given, only the providers that can be used now, or only those that cannot.
    Raises TrustError.
    """
    names = None if name is None else [name]

    records = []
    for entry in _list(client, providers=names, available=available):
        # A host that does not know the filters returns all providers.
        if name in (None, entry["provider"]) and available in (None, entry["available"]):
            record = _listed(client, entry, warnings)
            if record is not None:
                records.append(record)

    return sorted(records, key=lambda record: str(record["provider"]))


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


def _listed(client: Client, entry: Mapping[str, Any], warnings: list[str]) -> Optional[dict[str, Any]]:
    """The record of a listed provider, with the fields that only GET returns. None if it was deleted meanwhile."""
    record: dict[str, Any] = {"provider": entry["provider"], "type": None, "key_id": None}
    try:
        record = get(client, entry["provider"]).record()
    except InvalidInput as error:
        raise client.wrong_shape(LIST) from error
    except (ApiError, UnexpectedAnswer) as error:
        if _says_absent(error):
            return None

        # The oldest release has LIST, but no GET.
        if error.operation != GET.id or not (error.status == 404 or error.error_type == "OPERATION_NOT_FOUND"):
            raise

        warnings.append(f"{client.host}: its API does not tell the type and the key_id of {entry['provider']!r}.")

    record["available"] = entry["available"]
    record["details"] = _texts_of_details(entry.get("details"))

    return record


def _texts_of_details(details: Any) -> list[str]:
    """The texts of the localizable messages with which a host explains why a provider is not available."""
    if not isinstance(details, list):
        return []

    texts = []
    for detail in details:
        if isinstance(detail, dict):
            texts.append(str(detail.get("localized") or detail.get("default_message") or ""))

    return texts


def _same_key_id(key_id: str, expected: str) -> bool:
    """True if two key_ids are equal as UUIDs."""
    return _canonical(key_id) == _canonical(expected)


def _canonical(key_id: str) -> str:
    """The key_id in the spelling in which key_ids are compared."""
    return str(uuid.UUID(key_id)) if _UUID.fullmatch(key_id) else key_id.lower()


def _read_key_id(value: Optional[str]) -> Optional[str]:
    """The key_id in one spelling for all hosts. Raises InvalidInput if it is no UUID."""
    if value is None:
        return None

    key_id = value.strip()
    if not _UUID.fullmatch(key_id):
        raise InvalidInput("key_id: is no UUID such as 12345678-abcd-1234-cdef-123456789abc.")

    return _canonical(key_id)


def _read_key(value: Optional[str]) -> Optional[str]:
    """The key in Base64. Raises InvalidInput, whose message tells only the length of the value."""
    if value is None:
        return None

    key = check_unmasked("key_derivation_key", value.strip())
    if _HEXADECIMAL_KEY.fullmatch(key):
        # The digits are also valid Base64, but of other bytes.
        raise InvalidInput(
            "key_derivation_key: is in hexadecimal; give the same bytes in Base64 (xxd -r -p | base64 does that)."
        )

    try:
        length = len(base64.b64decode(key, validate=True))
    except (binascii.Error, ValueError):
        length = 0

    if not length:
        raise InvalidInput("key_derivation_key: is no Base64 of a key (for a new one: openssl rand -base64 32).")

    if length != KEY_BYTES:
        raise InvalidInput(
            f"key_derivation_key: has {length} bytes, and a key has {KEY_BYTES} (for a new one: openssl rand"
            " -base64 32)."
        )

    return key


def _cannot_delete(error: TrustError) -> bool:
    """True if the answer to DELETE shows that the host has no such operation."""
    if error.error_type in ("NOT_FOUND", "OPERATION_NOT_FOUND", "INVALID_REQUEST", "UNSUPPORTED"):
        return True

    return not isinstance(error, ApiError) and error.status in (400, 404, 405, 501)
