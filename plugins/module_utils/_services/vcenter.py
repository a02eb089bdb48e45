# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from a vCenter the names of its token issuers and the certificates with which they sign."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import Any
from typing import Optional
from urllib.parse import urlsplit

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.login import SESSION_CREATE
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._api.rest import path_element
from ansible_collections.esx.trust.plugins.module_utils._api.rest import url_path
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._libraries import MISSING_FOR_SOME
from ansible_collections.esx.trust.plugins.module_utils._libraries import missing_message
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import check_name
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_links import leaf_first
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import certificate_records
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_options
from ansible_collections.esx.trust.plugins.module_utils._services.connection_options import CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.results import info_result
from ansible_collections.esx.trust.plugins.module_utils._services.saml_metadata import NotSamlMetadata
from ansible_collections.esx.trust.plugins.module_utils._services.saml_metadata import SamlMetadata
from ansible_collections.esx.trust.plugins.module_utils._services.saml_metadata import read_saml_metadata
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import BROKER_DISCOVERY
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import BROKER_JWKS
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import DISCOVERY
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import JWKS
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import OIDC_ISSUER
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import SAML_METADATA
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import SIGNING_CERTIFICATE

INFO_ARGUMENTS = CONNECTION.merge(
    Arguments(
        options={
            # It has no fall-back: VMWARE_AUTH_METHOD is set for hosts, and a vCenter does not have their usual method.
            "auth_method": {
                "type": "str",
                "choices": ["session", "basic", "token"],
                "default": "session",
            },
            "source": {
                "type": "str",
                "choices": ["certificate_management", "oidc", "saml", "broker"],
                "default": "certificate_management",
            },
            "sso_domain": {"type": "str", "default": "vsphere.local"},
            "broker_tenant": {"type": "str", "default": "CUSTOMER"},
        }
    )
)

#: The characters of the path and the query of a URI (RFC 3986).
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]{0,1000}")
_QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?-]{0,1000}")
#: The types of keys that can sign tokens (RFC 7518, 6.1). The type oct is a symmetric key.
_KEY_TYPES = ("RSA", "EC")
_IMPOSTOR = "put certificates of its own in place of the vCenter's"
_CHECK = "Check that hostname and port are those of a vCenter, and that sso_domain is the name of its SSO domain."
_CHECK_BROKER = (
    "Check that hostname and port are those of an identity broker of VCF 9, and that broker_tenant is its tenant."
)


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


def needs_login(source: Optional[str]) -> bool:
    """True if a source is read with a login. The others are published for everybody.

    source: the option, or None for its default.
    """
    return source in (None, "certificate_management")


def run_info(params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    """vcenter_token_issuer_info: the module's result. Raises TrustError."""
    source = params["source"]
    managed = needs_login(source)
    if managed and params["auth_method"] == "token":
        raise InvalidInput("auth_method: token is a service of ESX hosts that no vCenter has; use session or basic.")

    if source == "saml":
        _need_parser()

    sso_domain = path_element("sso_domain", check_name("sso_domain", params["sso_domain"]))
    broker_tenant = path_element("broker_tenant", check_name("broker_tenant", params["broker_tenant"]))

    connection = Connection.from_params(params, public=not managed)
    with connect(connection, INFO_ARGUMENTS.secrets(params), codecs=(REST,)) as client:
        vcenter = _Vcenter(client, connection, sso_domain, broker_tenant)
        read = {
            "certificate_management": vcenter.managed,
            "oidc": vcenter.oidc,
            "saml": vcenter.saml,
            "broker": vcenter.broker,
        }

        records = [issuer.record() for issuer in read[source]()]
        danger = f"read the login, and {_IMPOSTOR}" if managed else _IMPOSTOR
        result = info_result("token_issuers", records, connection, vcenter.warnings, danger)

        return client.scrub_result(result)


def _page(operation: Operation, **arguments: str) -> Operation:
    """The operation of one page, with its whole path. Messages then name the path, in which the error may be."""
    return replace(operation, path=url_path(operation(**arguments)), parameters=())


class _Vcenter:
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
            if not _is_chain(cert_chain):
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
        _need_parser()
        document = self._call(self._metadata_page)
        try:
            return read_saml_metadata(document)
        except NotSamlMetadata as error:
            message = f"{self._client.host}: the answer to {self._metadata_page.title} is no SAML metadata: {error}."
            raise UnexpectedAnswer(message, _CHECK, operation=SAML_METADATA.id) from error

    def _x5c(self, operation: Operation, value: Any) -> list[list[str]]:
        """The certificate chains of the keys that sign tokens (x5c in RFC 7517, 4.7). Raises TrustError."""
        keys = value.get("keys") if isinstance(value, dict) else None
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise self._wrong_shape(operation)

        # A symmetric key must not be published, and no host accepts one.
        signing = [key for key in keys if key.get("kty") in _KEY_TYPES and key.get("use") in (None, "sig")]

        chains = [key["x5c"] for key in signing if key.get("x5c")]
        if not all(_is_chain(chain) for chain in chains):
            raise self._wrong_shape(operation)

        if not chains:
            reason = "it holds no RSA or EC key that signs"
            if signing:
                reason = "its keys have no certificates (x5c), without which no host can be told to trust them"

            raise UnexpectedAnswer(
                f"{self._client.host}: the answer to {operation.title} is of no use: {reason}.",
                "" if operation.id == BROKER_JWKS.id else "Use source certificate_management or saml.",
                operation=operation.id,
            )

        left_out = len(signing) - len(chains)
        if left_out:
            self.warnings.append(
                f"{self._client.host}: of {len(signing)} keys that sign, {left_out} have no"
                " certificates (x5c) and were left out; hosts will not believe what they sign."
            )

        return chains

    def _chains(self, operation: Operation, cert_chains: Sequence[Sequence[str]]) -> tuple[Chain, ...]:
        """The chains, checked by the rules for declared chains, because they will be declared. Raises TrustError."""
        declared = [{"cert_chain": chain} for chain in cert_chains]
        try:
            return chains_from_options("signing_cert_chains", declared)
        except InvalidInput as error:
            raise UnexpectedAnswer(
                f"{self._client.host}: the certificates in the answer to {operation.title} are of no use:"
                f" {error.message}",
                operation=operation.id,
                secrets=error.secrets,
            ) from None

    def _call(self, operation: Operation) -> Any:
        """The answer to an operation. Raises TrustError, with a hint about vCenters."""
        try:
            return self._client.call(operation())
        except TrustError as error:
            error.reword(hint=_hint(error, self._connection) or error.hint)
            raise

    def _wrong_shape(self, operation: Operation) -> UnexpectedAnswer:
        """The error for an answer of another form."""
        error = self._client.wrong_shape(operation)
        error.reword(hint=_check(operation.id))

        return error


class _ParserMissing(InvalidInput):
    """The library that reads XML is not installed."""


def _need_parser() -> None:
    """Raise _ParserMissing if the library that reads XML is not installed."""
    for library in MISSING_FOR_SOME:
        raise _ParserMissing(missing_message(library, "to read SAML metadata"))


def _is_name(value: Any) -> bool:
    """True for a text that can be the name of an issuer. The rule is the one for declared issuers."""
    try:
        return isinstance(value, str) and bool(check_name("issuer", value))
    except InvalidInput:
        return False


def _is_chain(value: Any) -> bool:
    """True for a list of texts."""
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


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


def _check(operation: Optional[str]) -> str:
    """The hint for an answer of another form."""
    return _CHECK_BROKER if operation in (BROKER_DISCOVERY.id, BROKER_JWKS.id) else _CHECK


def _hint(error: TrustError, connection: Connection) -> str:
    """The hint for an error of a vCenter. Empty if the hint for hosts is right for a vCenter too."""
    later = error.retriable and (error.status or 0) >= 400
    if later or not isinstance(error, (ApiError, UnexpectedAnswer)):
        return ""

    if error.operation == SESSION_CREATE.id and isinstance(error, Unauthorized):
        return "The vCenter does not let this account log in, or a proxy before it does not let the login through."

    if error.operation == SESSION_CREATE.id and not isinstance(error, Unauthenticated):
        return "Check that hostname and port are those of a vCenter, 7.0 or later; ESX hosts have no session service."

    if error.operation not in (SESSION_CREATE.id, SIGNING_CERTIFICATE.id):
        return _check(error.operation)

    if isinstance(error, Unauthenticated):
        if connection.access_token or connection.saml_token:
            return ""

        if error.operation == SIGNING_CERTIFICATE.id and connection.auth_method == "session":
            return "The vCenter opened a session and then did not accept it; run the task again."

        return (
            f"The login of {connection.username!r} was refused and is not tried again, because a vCenter locks an"
            " account after five refusals. Check the password, and that the name has its domain, as in"
            " administrator@vsphere.local."
        )

    if isinstance(error, Unauthorized):
        return "Give the account the privilege System.Read on the vCenter, which the role Read-only has."

    if error.status is not None and error.status >= 500:
        return "Look into the logs of the vCenter."

    return (
        "A vCenter offers this from 7.0 Update 3 on. Check that hostname and port are those of a vCenter; use source"
        " oidc or saml for an older one."
    )
