# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request or an answer of the API looks like. The OpenAPI document is assembled from these models."""

from __future__ import annotations

import base64
import binascii
import enum
import re
from typing import Annotated
from typing import Any

from pydantic import AfterValidator
from pydantic import BaseModel
from pydantic import ConfigDict
from pydantic import Field

from simulator import certificates


class Model(BaseModel):
    """Nothing is converted and nothing unknown is let through."""

    model_config = ConfigDict(strict=True, extra="forbid")


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
Secret = Annotated[str, AfterValidator(_base64), Field(min_length=4, json_schema_extra={"format": "password"})]
Certificate = Annotated[str, AfterValidator(certificates.canonical), Field(min_length=1)]


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
    key_id: KeyId
    key_derivation_key: Secret


class ProviderCreateSpec(Model):
    """`native_spec` is optional by type and required by the service."""

    provider: Identifier
    native_spec: NativeProviderCreateSpec | None = None


class NativeProviderInfo(Model):
    key_id: str


class ProviderInfo(Model):
    type: ProviderType
    native_info: NativeProviderInfo | None = None


class ProviderSummary(Model):
    provider: str
    available: bool
    details: list[LocalizableMessage]


class ProviderFilter(Model):
    """The query of the list of providers."""

    providers: list[Identifier] = Field(default_factory=list)
    available: bool | None = None


class X509CertChain(Model):
    """The leaf first."""

    cert_chain: Annotated[list[Certificate], Field(min_length=1)]


class IssuerCreateSpec(Model):
    issuer_alias: Identifier
    issuer: Identifier
    signing_cert_chains: Annotated[list[X509CertChain], Field(min_length=1)]


class IssuerUpdateSpec(Model):
    """What is left out stays as it is; a given list replaces the whole list."""

    issuer: Identifier | None = None
    signing_cert_chains: Annotated[list[X509CertChain], Field(min_length=1)] | None = None


class CertChainAnswer(Model):
    cert_chain: list[str]


class IssuerInfo(Model):
    issuer: str
    signing_cert_chains: list[CertChainAnswer]


class IssuerSummary(Model):
    summary_type: Projection
    issuer_alias: str
    issuer: str | None = None
    signing_cert_chains: list[CertChainAnswer] | None = None


class IssuerFilter(Model):
    """The query of the list of issuers."""

    projection: Projection = Projection.NORMAL


class TokenInfo(Model):
    access_token: str


class SessionInfo(Model):
    user: str
    created_time: str
    last_accessed_time: str


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
