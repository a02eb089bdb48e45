# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request or an answer of the API looks like. The OpenAPI document is assembled from these models."""

from __future__ import annotations

import base64
import binascii
import enum
import json
import re
from collections.abc import Callable
from typing import Annotated
from typing import Any
from typing import ClassVar

from pydantic import AfterValidator
from pydantic import BaseModel
from pydantic import ConfigDict
from pydantic import Field
from pydantic import TypeAdapter
from pydantic import ValidationError
from pydantic import model_validator

from simulator import certificates
from simulator.errors import ApiError
from simulator.errors import message

KMS = "com.vmware.esx.trusted_infrastructure.kms.providers."
TRUST = "com.vmware.esx.authentication.trust.security_token_issuers."
LOGIN = "com.vmware.esx.authentication.token."
PROFILES = "com.vmware.esx.authentication.client_profiles."


class Model(BaseModel):
    """Nothing is converted and nothing unknown is let through."""

    model_config = ConfigDict(strict=True, extra="forbid")
    structure: ClassVar[str] = ""
    """The name that the API gives the structure; only JSON-RPC tells it."""


class Sensitive:
    """Marks a text that is a SECRET in JSON-RPC."""


class Unique:
    """Marks a list that is a set."""


def _base64(text: str) -> str:
    try:
        if not base64.b64decode(text, validate=True):
            raise ValueError("An empty key.")
    except (ValueError, binascii.Error) as error:
        raise ValueError("Not base64.") from error

    return text


def _storable(text: str) -> str:
    # JSON can carry half a surrogate pair, UTF-8 cannot.
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("Not Unicode text.") from error

    return text


def _uuid(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text):
        raise ValueError("Not a UUID.")
    return text


Text = Annotated[str, AfterValidator(_storable)]
Identifier = Annotated[Text, Field(min_length=1)]
KeyId = Annotated[str, AfterValidator(_uuid), Field(json_schema_extra={"format": "uuid"})]
Secret = Annotated[
    str, AfterValidator(_base64), Field(min_length=4, json_schema_extra={"format": "password"}), Sensitive()
]
Certificate = Annotated[str, AfterValidator(certificates.canonical), Field(min_length=1)]
# The document says it, and the service sees to it: a setting of the host may let an empty list through.
NOT_EMPTY = Field(json_schema_extra={"minItems": 1})


class ProviderType(str, enum.Enum):
    NATIVE = "NATIVE"
    TRUST_AUTHORITY = "TRUST_AUTHORITY"


class Projection(str, enum.Enum):
    BRIEF = "BRIEF"
    NORMAL = "NORMAL"
    FULL = "FULL"


class LocalizableMessage(Model):
    id: str
    default_message: str
    args: list[str]
    params: dict[str, Any] | None = None
    localized: str | None = None


class NativeProviderCreateSpec(Model):
    structure = KMS + "native_provider_create_spec"

    key_id: KeyId
    key_derivation_key: Secret


class ProviderCreateSpec(Model):
    """`native_spec` is optional by type and required by the service."""

    structure = KMS + "create_spec"

    provider: Identifier
    native_spec: NativeProviderCreateSpec | None = None


class NativeProviderInfo(Model):
    structure = KMS + "native_provider_info"

    key_id: str


class ProviderInfo(Model):
    structure = KMS + "info"

    type: ProviderType
    native_info: NativeProviderInfo | None = None


class ProviderSummary(Model):
    structure = KMS + "summary"

    provider: str
    available: bool
    details: list[LocalizableMessage]


class ProviderFilter(Model):
    """The query of the list of providers."""

    providers: list[Identifier] = Field(default_factory=list)
    available: bool | None = None


class ProviderFilterSpec(Model):
    """The same in JSON-RPC."""

    structure = KMS + "filter_spec"

    providers: Annotated[list[Identifier], Unique()] | None = None
    available: bool | None = None


class X509CertChain(Model):
    """The leaf first. The service refuses an empty one, unless a setting lets it through."""

    structure = TRUST + "x509_cert_chain"

    cert_chain: Annotated[list[Certificate], NOT_EMPTY]


class IssuerCreateSpec(Model):
    structure = TRUST + "create_spec"

    issuer_alias: Identifier
    issuer: Identifier
    signing_cert_chains: Annotated[list[X509CertChain], NOT_EMPTY]


class IssuerUpdateSpec(Model):
    """What is left out stays as it is; a given list replaces the whole list."""

    structure = TRUST + "update_spec"

    issuer: Identifier | None = None
    signing_cert_chains: Annotated[list[X509CertChain], NOT_EMPTY] | None = None


class CertChainAnswer(Model):
    structure = TRUST + "x509_cert_chain"

    cert_chain: list[str]


class IssuerInfo(Model):
    structure = TRUST + "info"

    issuer: str
    signing_cert_chains: list[CertChainAnswer]


class IssuerSummary(Model):
    structure = TRUST + "summary"

    summary_type: Projection
    issuer_alias: str | None = None
    issuer: str | None = None
    signing_cert_chains: list[CertChainAnswer] | None = None


class IssuerFilter(Model):
    """The query of the list of issuers."""

    projection: Projection = Projection.NORMAL


class ResourceType(str, enum.Enum):
    ENTITLEMENT = "ENTITLEMENT"


class Entitlement(str, enum.Enum):
    IDENTITY_MGMT = "IDENTITY_MGMT"
    SECURITY_MGMT = "SECURITY_MGMT"
    READ_ONLY = "READ_ONLY"
    OBSERVABILITY = "OBSERVABILITY"


class SubjectType(str, enum.Enum):
    LOCAL_USER = "LOCAL_USER"
    EXTERNAL_GROUP = "EXTERNAL_GROUP"
    EXTERNAL_USER = "EXTERNAL_USER"
    PRIVILEGES = "PRIVILEGES"


class AccessGrant(Model):
    """A union: an ENTITLEMENT names one."""

    structure = PROFILES + "access_grant"

    resource_type: ResourceType
    entitlement: Entitlement | None = None

    @model_validator(mode="after")
    def _complete(self) -> AccessGrant:
        if self.entitlement is None:
            raise ValueError("An ENTITLEMENT needs its entitlement.")
        return self


class ProfileCreateSpec(Model):
    """Exactly one subject; an external one has an issuer's alias and a domain."""

    structure = PROFILES + "create_spec"

    local_user_name: Identifier | None = None
    external_group_name: Identifier | None = None
    external_user_name: Identifier | None = None
    issuer_alias: Identifier | None = None
    domain: Identifier | None = None
    grants: list[AccessGrant]


class ProfileUpdateSpec(Model):
    """Only the grants can change; a given list replaces the whole list."""

    structure = PROFILES + "update_spec"

    grants: list[AccessGrant] | None = None


class ProfileFilterSpec(Model):
    """One subject, matched in all its fields."""

    structure = PROFILES + "filter_spec"

    local_user_name: Identifier | None = None
    external_group_name: Identifier | None = None
    external_user_name: Identifier | None = None
    issuer_alias: Identifier | None = None
    domain: Identifier | None = None


class ProfileFilter(ProfileFilterSpec):
    """The query of the list of client profiles."""

    projection: Projection = Projection.NORMAL


class AccessGrantAnswer(Model):
    """Newer hosts may grant what nobody knows yet."""

    structure = PROFILES + "access_grant"
    model_config = ConfigDict(extra="allow")

    resource_type: str
    entitlement: str | None = None


class SubjectAnswer(Model):
    """A union on the type."""

    structure = PROFILES + "subject"

    type: SubjectType
    name: str | None = None
    issuer_alias: str | None = None
    domain: str | None = None
    privileges: dict[str, list[str]] | None = None


class ProfileInfo(Model):
    structure = PROFILES + "info"

    subject: SubjectAnswer
    grants: list[AccessGrantAnswer]


class ProfileSummary(Model):
    """A union: BRIEF has the id, NORMAL the subject as well, FULL the grants too."""

    structure = PROFILES + "summary"

    summary_type: Projection
    client_profile: str | None = None
    subject: SubjectAnswer | None = None
    grants: list[AccessGrantAnswer] | None = None


class TokenInfo(Model):
    structure = LOGIN + "token_info"

    access_token: Annotated[str, Sensitive()]


class SessionInfo(Model):
    user: str
    created_time: str
    last_accessed_time: str


def validated_as(annotation: Any, value: Any) -> Any:
    """As validated(), for any annotation."""
    return _validated(TypeAdapter(annotation).validate_json, value)


def validated(model: type[BaseModel], value: Any) -> BaseModel:
    """The value as the model has it.

    Raises:
        ApiError: The value is not what the model describes.
    """
    made: BaseModel = _validated(model.model_validate_json, value)
    return made


def _validated(validate: Callable[[str], Any], value: Any) -> Any:
    try:
        # From JSON text, so that strictness means JSON's types: an enumeration may be written as its name.
        return validate(json.dumps(value))
    except ValidationError as error:
        reasons = error.errors(include_url=False, include_input=False, include_context=False)
        texts = [f"{'.'.join(str(part) for part in reason['loc'])}: {reason['msg']}" for reason in reasons[:20]]
        raise ApiError("INVALID_ARGUMENT", *(message(text, "invalid") for text in texts)) from error


class NoParameters(Model):
    """An operation that takes none."""


class ErrorContent(Model):
    """An error in the dialect of /api. Older servers leave error_type out."""

    error_type: str | None = None
    messages: list[LocalizableMessage]
    data: dict[str, Any] | None = None


class RestError(Model):
    """An error in the dialect of /rest."""

    type: Annotated[str, Field(pattern=r"^com\.vmware\.vapi\.std\.errors\.[a-z_]+$")]
    value: ErrorContent
