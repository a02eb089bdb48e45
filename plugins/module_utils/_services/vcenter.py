# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from a vCenter the names of its token issuers and the certificates with which they sign."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import Any
from typing import Optional
from urllib.parse import urlsplit

from ansible_collections.esx.trust.plugins.module_utils._api.answer import is_list_of_texts
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.rest import url_path
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._libraries import MISSING_FOR_SOME
from ansible_collections.esx.trust.plugins.module_utils._libraries import missing_message
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_links import leaf_first
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import certificate_records
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_options
from ansible_collections.esx.trust.plugins.module_utils._services.names import check_name
from ansible_collections.esx.trust.plugins.module_utils._services.saml_metadata import NotSamlMetadata
from ansible_collections.esx.trust.plugins.module_utils._services.saml_metadata import SamlMetadata
from ansible_collections.esx.trust.plugins.module_utils._services.saml_metadata import read_saml_metadata
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_hints import hint_for
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_hints import hint_for_form
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import BROKER_DISCOVERY
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import BROKER_JWKS
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import DISCOVERY
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import JWKS
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import OIDC_ISSUER
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import SAML_METADATA
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import SIGNING_CERTIFICATE

#: The characters of the path and the query of a URI (RFC 3986).
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]{0,1000}")
_QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?-]{0,1000}")
#: The types of keys that can sign tokens (RFC 7518, 6.1). The type oct is a symmetric key.
_KEY_TYPES = ("RSA", "EC")


@dataclass(frozen=True)
class VcenterTokenIssuer:
    """A token issuer as the vCenter itself describes it.

    protocol: oidc or saml.
    chains: its signing certificates; the active chain is the first.
    """

    issuer: str
    protocol: str
    chains: tuple[Chain, ...]

    def record(self) -> dict[str, Any]:
        """The record that the module returns."""
        return {
            "issuer": self.issuer,
            "protocol": self.protocol,
            "signing_cert_chains": [chain.to_api() for chain in self.chains],
            "certificates": certificate_records(self.chains),
        }


def _page(operation: Operation, **arguments: str) -> Operation:
    """The operation of one page, with its whole path. Messages then name the path, in which the error may be."""
    return replace(operation, path=url_path(operation(**arguments)), parameters=())


class Vcenter:
    """Reads the token issuers of one vCenter.

    warnings: warnings about the answers, which are added while reading.
    """

    def __init__(self, client: Client, connection: Connection, sso_domain: str, broker_tenant: str) -> None:
        self._client = client
        self._connection = connection
        self._discovery_page = _page(DISCOVERY, sso_domain=sso_domain)
        self._metadata_page = _page(SAML_METADATA, sso_domain=sso_domain)
        self._broker_page = _page(BROKER_DISCOVERY, broker_tenant=broker_tenant)

        base = connection.url.removesuffix(":443")
        self._usual_issuer = base + _page(OIDC_ISSUER, sso_domain=sso_domain).path
        self._usual_entity_id = base + self._metadata_page.path
        self.warnings: list[str] = []

    def managed(self) -> tuple[VcenterTokenIssuer, ...]:
        """Both issuers, with all certificates of the certificate management. Raises TrustError."""
        value = self._call(SIGNING_CERTIFICATE)
        if not isinstance(value, dict):
            raise self._wrong_shape(SIGNING_CERTIFICATE)

        listed = value.get("signing_cert_chains")
        if listed is None:
            listed = []
        if not isinstance(listed, list):
            raise self._wrong_shape(SIGNING_CERTIFICATE)

        entries = list(listed)
        active = value.get("active_cert_chain")
        if active is not None:
            entries.insert(0, active)

        cert_chains = []
        for entry in entries:
            cert_chain = entry.get("cert_chain") if isinstance(entry, dict) else None
            if not is_list_of_texts(cert_chain):
                raise self._wrong_shape(SIGNING_CERTIFICATE)

            if cert_chain:
                cert_chains.append(leaf_first(cert_chain))

        # The active chain is often listed again. Equal chains become one, so it is the first and is there once.
        chains = self._chains(SIGNING_CERTIFICATE, cert_chains)
        issuer = self._name_or_usual(self._oidc_issuer, self._usual_issuer)
        entity_id = self._name_or_usual(self._entity_id, self._usual_entity_id)

        return VcenterTokenIssuer(issuer, "oidc", chains), VcenterTokenIssuer(entity_id, "saml", chains)

    def oidc(self) -> tuple[VcenterTokenIssuer, ...]:
        """The issuer of the OpenID Connect tokens, with the certificates of its published keys. Raises TrustError."""
        return self._published(self._discovery_page, JWKS)

    def broker(self) -> tuple[VcenterTokenIssuer, ...]:
        """The issuer of an identity broker's tokens, with the certificates of its published keys. Raises TrustError."""
        return self._published(self._broker_page, BROKER_JWKS)

    def _published(self, discovery: Operation, keys: Operation) -> tuple[VcenterTokenIssuer, ...]:
        """The issuer that a discovery page names, with the certificates of the keys to which the page leads.

        Raises TrustError.
        """
        page = self._discovery(discovery)
        path = _own_path(page.get("jwks_uri"))
        if path is None:
            raise self._wrong_shape(discovery)

        operation = replace(keys, path=path, parameters=())
        cert_chains = self._x5c(operation, self._call(operation))
        chains = self._chains(operation, cert_chains)

        return (VcenterTokenIssuer(page["issuer"], "oidc", chains),)

    def saml(self) -> tuple[VcenterTokenIssuer, ...]:
        """The issuer of the SAML tokens, with the certificates in its metadata. Raises TrustError."""
        metadata = self._metadata()
        cert_chains = [leaf_first(chain) for chain in metadata.cert_chains]
        chains = self._chains(self._metadata_page, cert_chains)

        return (VcenterTokenIssuer(metadata.entity_id, "saml", chains),)

    def _name_or_usual(self, read: Callable[[], str], usual: str) -> str:
        """The name that the vCenter publishes for an issuer. If it cannot be read, the usual name, with a warning."""
        try:
            return read()
        except (_ParserMissing, ApiError, UnexpectedAnswer, AnswerLost) as error:
            self.warnings.append(
                f"{error.message} The issuer {usual!r} was therefore not read, but put together from hostname and"
                " sso_domain; compare it with a token of this vCenter before hosts are told to trust it."
            )
            return usual

    def _oidc_issuer(self) -> str:
        """The name of the issuer of the OpenID Connect tokens. Raises TrustError."""
        return str(self._discovery(self._discovery_page)["issuer"])

    def _entity_id(self) -> str:
        """The name of the issuer of the SAML tokens. Raises TrustError."""
        return self._metadata().entity_id

    def _discovery(self, operation: Operation) -> dict[str, Any]:
        """The contents of a discovery page; its `issuer` is checked. Raises TrustError."""
        page = self._call(operation)
        if not isinstance(page, dict) or not _is_name(page.get("issuer")):
            raise self._wrong_shape(operation)

        return page

    def _metadata(self) -> SamlMetadata:
        """The SAML metadata. Raises TrustError."""
        need_parser()
        document = self._call(self._metadata_page)
        try:
            return read_saml_metadata(document)
        except NotSamlMetadata as error:
            message = f"{self._client.host}: the answer to {self._metadata_page.title} is no SAML metadata: {error}."
            raise UnexpectedAnswer(message, hint_for_form(SAML_METADATA.id), operation=SAML_METADATA.id) from error

    def _x5c(self, operation: Operation, value: Any) -> list[list[str]]:
        """The certificate chains of the keys that sign tokens (x5c in RFC 7517, 4.7). Raises TrustError."""
        keys = value.get("keys") if isinstance(value, dict) else None
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise self._wrong_shape(operation)

        # A symmetric key must not be published, and no host accepts one.
        signing = [key for key in keys if key.get("kty") in _KEY_TYPES and key.get("use") in (None, "sig")]

        chains = [key["x5c"] for key in signing if key.get("x5c")]
        if not all(is_list_of_texts(chain) for chain in chains):
            raise self._wrong_shape(operation)

        if not chains:
            reason = "it holds no RSA or EC key that signs"
            if signing:
                reason = "its keys have no certificates (x5c), without which no host can be told to trust them"

            raise UnexpectedAnswer(
                f"{self._client.host}: the answer to {operation.title} cannot be used: {reason}.",
                "" if operation.id == BROKER_JWKS.id else "Use source certificate_management or saml.",
                operation=operation.id,
            )

        left_out = len(signing) - len(chains)
        if left_out:
            self.warnings.append(
                f"{self._client.host}: of {len(signing)} keys that sign, {left_out} have no"
                " certificates (x5c) and were left out; hosts accept no token that these keys sign."
            )

        return chains

    def _chains(self, operation: Operation, cert_chains: Sequence[Sequence[str]]) -> tuple[Chain, ...]:
        """The chains, checked by the rules for declared chains, because they will be declared. Raises TrustError."""
        declared = [{"cert_chain": chain} for chain in cert_chains]
        try:
            return chains_from_options("signing_cert_chains", declared)
        except InvalidInput as error:
            raise UnexpectedAnswer(
                f"{self._client.host}: the certificates in the answer to {operation.title} cannot be used:"
                f" {error.message}",
                operation=operation.id,
                secrets=error.secrets,
            ) from None

    def _call(self, operation: Operation) -> Any:
        """The answer to an operation. Raises TrustError, with a hint about vCenters."""
        try:
            return self._client.call(operation())
        except TrustError as error:
            error.reword(hint=hint_for(error, self._connection) or error.hint)
            raise

    def _wrong_shape(self, operation: Operation) -> UnexpectedAnswer:
        """The error for an answer of another form."""
        error = self._client.wrong_shape(operation)
        error.reword(hint=hint_for_form(operation.id))

        return error


class _ParserMissing(InvalidInput):
    """The library that reads XML is not installed."""


def need_parser() -> None:
    """Raise _ParserMissing if the library that reads XML is not installed."""
    if "defusedxml" in MISSING_FOR_SOME:
        raise _ParserMissing(missing_message("defusedxml", "to read SAML metadata"))


def _is_name(value: Any) -> bool:
    """True for a text that can be the name of an issuer. The rule is the one for declared issuers."""
    try:
        return isinstance(value, str) and bool(check_name("issuer", value))
    except InvalidInput:
        return False


def _own_path(uri: Any) -> Optional[str]:
    """The path of a URI with its query, or None. The host in the URI is ignored: always the same vCenter is asked."""
    if not isinstance(uri, str):
        return None

    try:
        parts = urlsplit(uri)
    except ValueError:
        return None

    if not _PATH.fullmatch(parts.path) or not _QUERY.fullmatch(parts.query):
        return None

    return f"{parts.path}?{parts.query}" if parts.query else parts.path
