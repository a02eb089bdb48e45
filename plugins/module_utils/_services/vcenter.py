# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a vCenter says about the tokens that it issues: who it calls itself, and which certificates sign them."""

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

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import STRING
from ansible_collections.esx.trust.plugins.module_utils._api.login import SESSION_CREATE
from ansible_collections.esx.trust.plugins.module_utils._api.login import SESSION_DELETE
from ansible_collections.esx.trust.plugins.module_utils._api.operation import PATH
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Parameter
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
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import check_name
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import certificate_records
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_options
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import leaf_first
from ansible_collections.esx.trust.plugins.module_utils._services.results import info_result
from ansible_collections.esx.trust.plugins.module_utils._services.saml_metadata import NotSamlMetadata
from ansible_collections.esx.trust.plugins.module_utils._services.saml_metadata import SamlMetadata
from ansible_collections.esx.trust.plugins.module_utils._services.saml_metadata import read_saml_metadata

SIGNING_CERTIFICATE = Operation(
    id="com.vmware.vcenter.certificate_management.vcenter.signing_certificate.get",
    method="GET",
    path="/api/vcenter/certificate-management/vcenter/signing-certificate",
    success=(200,),
    errors=("UNAUTHENTICATED", "UNAUTHORIZED"),
    returns=True,
)
_SSO_DOMAIN = Parameter("sso_domain", STRING, PATH)
# The pages below are no part of the vAPI and have no id there; anybody may read them.
DISCOVERY = Operation(
    id="openidconnect.discovery",
    method="GET",
    path="/openidconnect/{sso_domain}/.well-known/openid-configuration",
    success=(200,),
    errors=(),
    parameters=(_SSO_DOMAIN,),
    returns=True,
    public=True,
)
_OIDC_ISSUER = replace(DISCOVERY, path="/openidconnect/{sso_domain}")
#: Where its keys are is for the discovery to say; this is where they usually are.
JWKS = Operation(
    id="openidconnect.jwks",
    method="GET",
    path="/openidconnect/jwks/{sso_domain}",
    success=(200,),
    errors=(),
    parameters=(_SSO_DOMAIN,),
    returns=True,
    public=True,
)
#: The identity broker of VCF 9 publishes the same, at a place of its own.
BROKER_DISCOVERY = Operation(
    id="acs.discovery",
    method="GET",
    path="/acs/t/{broker_tenant}/.well-known/openid-configuration",
    success=(200,),
    errors=(),
    parameters=(Parameter("broker_tenant", STRING, PATH),),
    returns=True,
    public=True,
)
BROKER_JWKS = Operation(
    id="acs.jwks",
    method="GET",
    path="/acs/jwks",
    success=(200,),
    errors=(),
    returns=True,
    public=True,
)
SAML_METADATA = Operation(
    id="websso.saml2.metadata",
    method="GET",
    path="/websso/SAML2/Metadata/{sso_domain}",
    success=(200,),
    errors=(),
    parameters=(_SSO_DOMAIN,),
    returns=True,
    public=True,
    media="xml",
)
OPERATIONS = (
    *(SESSION_CREATE, SESSION_DELETE, SIGNING_CERTIFICATE),
    *(DISCOVERY, JWKS, BROKER_DISCOVERY, BROKER_JWKS, SAML_METADATA),
)

INFO_ARGUMENTS = CONNECTION.merge(
    Arguments(
        options={
            # Without a fall-back: VMWARE_AUTH_METHOD is set for hosts, whose usual method a vCenter does not know.
            "auth_method": {"type": "str", "choices": ["session", "basic", "token"], "default": "session"},
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

#: The path, and the query, of a URI (RFC 3986), as it may be sent.
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]{0,1000}")
_QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?-]{0,1000}")
_KEY_TYPES = ("RSA", "EC")
_IMPOSTOR = "put certificates of its own in place of the vCenter's"
_CHECK = "Check that hostname and port are those of a vCenter, and that sso_domain is the name of its SSO domain."
_CHECK_BROKER = (
    "Check that hostname and port are those of an identity broker of VCF 9, and that broker_tenant is its tenant."
)


@dataclass(frozen=True)
class VcenterTokenIssuer:
    """An issuer as the vCenter itself describes it. protocol: oidc or saml. chains: the active one first."""

    issuer: str
    protocol: str
    chains: tuple[Chain, ...]

    def record(self) -> dict[str, Any]:
        """The form in which the module returns it."""
        return {
            "issuer": self.issuer,
            "protocol": self.protocol,
            "signing_cert_chains": [chain.to_api() for chain in self.chains],
            "certificates": certificate_records(self.chains),
        }


def run_info(params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    """vcenter_token_issuer_info: the module's result. Raises TrustError."""
    source = params["source"]
    managed = source == "certificate_management"
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
        records = [one.record() for one in read[source]()]
        danger = f"read the login, and {_IMPOSTOR}" if managed else _IMPOSTOR
        return client.scrub_result(info_result("token_issuers", records, connection, vcenter.warnings, danger))


class _Vcenter:
    """One vCenter, read; `warnings` are what a person should know about the answers."""

    def __init__(self, client: Client, connection: Connection, sso_domain: str, broker_tenant: str) -> None:
        self._client = client
        self._connection = connection
        # Named in full, also in messages: what is wrong may be the domain.
        discovery, metadata, issuer = (
            replace(one, path=url_path(one(sso_domain=sso_domain)), parameters=())
            for one in (DISCOVERY, SAML_METADATA, _OIDC_ISSUER)
        )
        self._discovery_page, self._metadata_page = discovery, metadata
        self._broker_page = replace(
            BROKER_DISCOVERY, path=url_path(BROKER_DISCOVERY(broker_tenant=broker_tenant)), parameters=()
        )
        base = connection.url.removesuffix(":443")
        self._usual_issuer, self._usual_entity_id = base + issuer.path, base + metadata.path
        self.warnings: list[str] = []

    def managed(self) -> tuple[VcenterTokenIssuer, ...]:
        """Both issuers, with all certificates that the certificate management knows of."""
        value = self._call(SIGNING_CERTIFICATE)
        if not isinstance(value, dict):
            raise self._wrong_shape(SIGNING_CERTIFICATE)
        active, listed = value.get("active_cert_chain"), value.get("signing_cert_chains")
        found = [*([] if active is None else [active]), *(listed if isinstance(listed, list) else [])]
        texts = [one.get("cert_chain") if isinstance(one, dict) else None for one in found]
        if not (listed is None or isinstance(listed, list)) or not all(_is_chain(chain) for chain in texts):
            raise self._wrong_shape(SIGNING_CERTIFICATE)
        # Equal chains are folded, so that the active one is first and once there.
        chains = self._chains(SIGNING_CERTIFICATE, [leaf_first(chain) for chain in texts if chain])
        issuer = self._named(self._oidc_issuer, self._usual_issuer)
        entity_id = self._named(self._entity_id, self._usual_entity_id)
        return VcenterTokenIssuer(issuer, "oidc", chains), VcenterTokenIssuer(entity_id, "saml", chains)

    def oidc(self) -> tuple[VcenterTokenIssuer, ...]:
        """The issuer of the OpenID Connect tokens, with the certificates of its published keys."""
        return self._published(self._discovery_page, JWKS)

    def broker(self) -> tuple[VcenterTokenIssuer, ...]:
        """The issuer of an identity broker's tokens, with the certificates of its published keys."""
        return self._published(self._broker_page, BROKER_JWKS)

    def _published(self, discovery: Operation, keys: Operation) -> tuple[VcenterTokenIssuer, ...]:
        """The issuer that a discovery names, with the certificates of the keys to which it leads."""
        page = self._discovery(discovery)
        path = _own_path(page.get("jwks_uri"))
        if path is None:
            raise self._wrong_shape(discovery)
        operation = replace(keys, path=path, parameters=())
        chains = self._chains(operation, self._x5c(operation, self._call(operation)))
        return (VcenterTokenIssuer(page["issuer"], "oidc", chains),)

    def saml(self) -> tuple[VcenterTokenIssuer, ...]:
        """The issuer of the SAML tokens, with the certificates in its metadata."""
        metadata = self._metadata()
        chains = self._chains(self._metadata_page, [leaf_first(chain) for chain in metadata.cert_chains])
        return (VcenterTokenIssuer(metadata.entity_id, "saml", chains),)

    def _named(self, read: Callable[[], str], usual: str) -> str:
        """What the vCenter calls itself, or what it is called as a rule where its public page does not tell."""
        try:
            return read()
        except (_ParserMissing, ApiError, UnexpectedAnswer, AnswerLost) as error:
            self.warnings.append(
                f"{error.message} The issuer {usual!r} was therefore not read, but put together from hostname and"
                " sso_domain; compare it with a token of this vCenter before hosts are told to trust it."
            )
            return usual

    def _oidc_issuer(self) -> str:
        return str(self._discovery(self._discovery_page)["issuer"])

    def _entity_id(self) -> str:
        return self._metadata().entity_id

    def _discovery(self, operation: Operation) -> dict[str, Any]:
        page = self._call(operation)
        if not isinstance(page, dict) or not _is_name(page.get("issuer")):
            raise self._wrong_shape(operation)
        return page

    def _metadata(self) -> SamlMetadata:
        _need_parser()
        document = self._call(self._metadata_page)
        try:
            return read_saml_metadata(document)
        except NotSamlMetadata as error:
            message = f"{self._client.host}: the answer to {self._metadata_page.title} is no SAML metadata: {error}."
            raise UnexpectedAnswer(message, _CHECK, operation=SAML_METADATA.id) from error

    def _x5c(self, operation: Operation, value: Any) -> list[list[str]]:
        """The chains of the keys that sign tokens."""
        keys = value.get("keys") if isinstance(value, dict) else None
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise self._wrong_shape(operation)
        # A symmetric key must not be published, and no host takes one.
        signing = [key for key in keys if key.get("kty") in _KEY_TYPES and key.get("use") in (None, "sig")]
        chains = [key["x5c"] for key in signing if key.get("x5c")]
        if not all(_is_chain(chain) for chain in chains):
            raise self._wrong_shape(operation)
        if not chains:
            bare = "have no certificates (x5c), without which no host can be told to trust them"
            why = f"its keys {bare}" if signing else "it holds no RSA or EC key that signs"
            raise UnexpectedAnswer(
                f"{self._client.host}: the answer to {operation.title} is of no use: {why}.",
                "" if operation.id == BROKER_JWKS.id else "Use source certificate_management or saml.",
                operation=operation.id,
            )
        if len(chains) < len(signing):
            self.warnings.append(
                f"{self._client.host}: of {len(signing)} keys that sign, {len(signing) - len(chains)} have no"
                " certificates (x5c) and were left out; hosts will not believe what they sign."
            )
        return chains

    def _chains(self, operation: Operation, cert_chains: Sequence[Sequence[str]]) -> tuple[Chain, ...]:
        """The chains, by the rules by which hosts will be given them."""
        try:
            return chains_from_options("signing_cert_chains", [{"cert_chain": chain} for chain in cert_chains])
        except InvalidInput as error:
            raise UnexpectedAnswer(
                f"{self._client.host}: the certificates in the answer to {operation.title} are of no use:"
                f" {error.message}",
                operation=operation.id,
                secrets=error.secrets,
            ) from None

    def _call(self, operation: Operation) -> Any:
        try:
            return self._client.call(operation())
        except TrustError as error:
            error.hint = _hint(error, self._connection) or error.hint
            raise

    def _wrong_shape(self, operation: Operation) -> UnexpectedAnswer:
        error = self._client.wrong_shape(operation)
        error.hint = _check(operation.id)
        return error


class _ParserMissing(InvalidInput):
    """There is nothing to read XML with."""


def _need_parser() -> None:
    for library in MISSING_FOR_SOME:
        raise _ParserMissing(missing_required_lib(library, reason="to read SAML metadata"))


def _is_name(value: Any) -> bool:
    """True for what an issuer can be called, by the rule for what users give."""
    try:
        return isinstance(value, str) and bool(check_name("issuer", value))
    except InvalidInput:
        return False


def _is_chain(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _own_path(uri: Any) -> Optional[str]:
    """The path of a URI with its query, or None. Who is asked for it is not for the URI to say."""
    try:
        parts = urlsplit(uri) if isinstance(uri, str) else None
    except ValueError:
        parts = None
    if parts is None or not _PATH.fullmatch(parts.path) or not _QUERY.fullmatch(parts.query):
        return None
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _check(operation: Optional[str]) -> str:
    """What to look at where an answer is none of what was asked."""
    return _CHECK_BROKER if operation in (BROKER_DISCOVERY.id, BROKER_JWKS.id) else _CHECK


def _hint(error: TrustError, connection: Connection) -> str:
    """What to do about an error of a vCenter, or empty where what is said of hosts is right for it, too."""
    later = error.retriable and (error.status or 0) >= 400
    if later or not isinstance(error, (ApiError, UnexpectedAnswer)):
        return ""
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
