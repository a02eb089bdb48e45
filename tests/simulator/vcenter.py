# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A vCenter: what it tells, with a login and without, about the tokens that it issues. It keeps no other service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated
from typing import Any
from typing import ClassVar
from typing import Literal
from typing import cast
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import Field

from simulator import certificates
from simulator.authentication import SESSION_OPERATIONS
from simulator.base64url import base64url
from simulator.certificates import formatted
from simulator.errors import ApiError
from simulator.errors import message
from simulator.models import CertChainAnswer
from simulator.models import Certificate
from simulator.models import Model
from simulator.operations import Call
from simulator.operations import Operation
from simulator.settings import Settings
from simulator.state import HostState

USERNAME = "administrator@vsphere.local"
SERVICE = "com.vmware.vcenter.certificate_management.vcenter.signing_certificate"
METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"


class VcenterSettings(Settings):
    """Those of a host that mean anything here, and its own."""

    session_service: bool = True
    sso_domain: str = "vsphere.local"
    public_name: str | None = None
    """How it calls itself; its own name in example.test, when None."""
    signing_certificate_service: bool = True
    """Offered from 7.0 Update 3 on."""
    active_listed: bool = True
    """The active chain is among those that are good for verifying."""
    openidconnect: bool = True
    jwks_uri: str | None = None
    """What the discovery names in place of the vCenter's own."""
    x5c: Literal["leaf", "chain", "absent"] = "leaf"
    jwks_keys: Literal["active", "all"] = "active"
    symmetric_key: bool = False
    """One more key, which should not be published."""
    broker: bool = False
    """The pages of an identity broker of VCF 9 are here, too."""
    broker_tenant: str = "CUSTOMER"
    saml: bool = True
    saml_key_use: Literal["signing", "absent"] = "signing"
    saml_root_first: bool = False


class SigningCertificateInfo(Model):
    active_cert_chain: CertChainAnswer
    signing_cert_chains: list[CertChainAnswer]


class VcenterDocument(Model):
    """The state of a vCenter as a request brings it. The first chain is the active one."""

    signing_cert_chains: Annotated[list[Annotated[list[Certificate], Field(min_length=1)]], Field(min_length=1)]

    def load(self, state: HostState) -> None:
        cast(VcenterState, state).signing_cert_chains = self.signing_cert_chains


class VcenterState(HostState):
    """What a vCenter remembers."""

    kind: ClassVar[str] = "vcenter"
    settings_type: ClassVar[type[Settings]] = VcenterSettings

    def reset(self) -> None:
        self.signing_cert_chains = [certificates.signing_chain("ssoserverSign", 2)]
        super().reset()

    @property
    def own(self) -> VcenterSettings:
        return cast(VcenterSettings, self.settings)

    @property
    def base_url(self) -> str:
        """The beginning of everything that it calls its own."""
        return f"https://{self.own.public_name or f'{self.name}.example.test'}"

    @property
    def oidc_issuer(self) -> str:
        return f"{self.base_url}/openidconnect/{self.own.sso_domain}"

    @property
    def broker_issuer(self) -> str:
        return f"{self.base_url}/acs/t/{self.own.broker_tenant}"

    @property
    def entity_id(self) -> str:
        return f"{self.base_url}/websso/SAML2/Metadata/{self.own.sso_domain}"

    def put_signing_cert_chains(self, chains: list[list[str]]) -> None:
        """These and no others; the first signs."""
        self.signing_cert_chains = [[certificates.canonical(text) for text in chain] for chain in chains]

    def rotate(self, chain: list[str]) -> None:
        """The chain signs from now on; the others stay good for verifying."""
        if not chain:
            raise ValueError("A chain has a certificate.")
        self.put_signing_cert_chains([chain, *self.signing_cert_chains])


def _state(call: Call) -> VcenterState:
    return cast(VcenterState, call.host)


def _page(call: Call) -> VcenterState:
    """The vCenter, if the page of a tenant is one of its own."""
    state = _state(call)
    if call.identifiers and call.identifiers[0] != state.own.sso_domain:
        raise ApiError("NOT_FOUND", message("There is no such tenant.", "tenant_not_found"))
    return state


def get_signing_certificate(call: Call) -> dict[str, Any]:
    state = _state(call)
    style = state.settings.certificate_format
    chains = [{"cert_chain": [formatted(pem, style) for pem in chain]} for chain in state.signing_cert_chains]

    return {"active_cert_chain": chains[0], "signing_cert_chains": chains[0 if state.own.active_listed else 1 :]}


def get_discovery(call: Call) -> dict[str, Any]:
    state = _page(call)
    base, domain = f"{state.base_url}/openidconnect", quote(state.own.sso_domain)
    return {
        "issuer": state.oidc_issuer,
        "authorization_endpoint": f"{base}/oidc/authorize/{domain}",
        "token_endpoint": f"{base}/token/{domain}",
        "end_session_endpoint": f"{base}/logout/{domain}",
        "jwks_uri": state.own.jwks_uri or f"{base}/jwks/{domain}",
        "response_types_supported": ["code", "id_token", "token id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def get_broker_discovery(call: Call) -> dict[str, Any]:
    state = _state(call)
    if call.identifiers[0] != state.own.broker_tenant:
        raise ApiError("NOT_FOUND", message("There is no such tenant.", "tenant_not_found"))
    return {
        "issuer": state.broker_issuer,
        "authorization_endpoint": f"{state.broker_issuer}/authorize",
        "token_endpoint": f"{state.broker_issuer}/token",
        "jwks_uri": state.own.jwks_uri or f"{state.base_url}/acs/jwks",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def get_jwks(call: Call) -> dict[str, Any]:
    return _jwks(_page(call))


def get_broker_jwks(call: Call) -> dict[str, Any]:
    return _jwks(_state(call))


def _jwks(state: VcenterState) -> dict[str, Any]:
    chains = state.signing_cert_chains if state.own.jwks_keys == "all" else state.signing_cert_chains[:1]
    keys = [_key(chain, state.own.x5c) for chain in chains]
    if state.own.symmetric_key:
        keys.append({"kty": "oct", "use": "sig", "alg": "HS256", "k": base64url(b"no secret of anybody, 32 bytes..")})

    return {"keys": keys}


def get_saml_metadata(call: Call) -> str:
    state = _page(call)
    base, domain = f"{state.base_url}/websso/SAML2", state.own.sso_domain
    keys = "".join(_key_descriptor(chain, state.own) for chain in state.signing_cert_chains)

    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<EntityDescriptor xmlns="{METADATA}" xmlns:ds="{SIGNATURE}"'
        f" entityID={quoteattr(state.entity_id)}>"
        f'<IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="{PROTOCOL}">'
        f"{keys}"
        f'<SingleLogoutService Binding="{BINDING}" Location={quoteattr(f"{base}/SLO/{domain}")}/>'
        "<NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</NameIDFormat>"
        f'<SingleSignOnService Binding="{BINDING}" Location={quoteattr(f"{base}/SSO/{domain}")}/>'
        "</IDPSSODescriptor></EntityDescriptor>\n"
    )


def _key_descriptor(chain: list[str], settings: VcenterSettings) -> str:
    use = ' use="signing"' if settings.saml_key_use == "signing" else ""
    ordered = reversed(chain) if settings.saml_root_first else chain
    texts = (f"<ds:X509Certificate>{formatted(pem, 'base64')}</ds:X509Certificate>" for pem in ordered)
    data = f"<ds:KeyInfo><ds:X509Data>{''.join(texts)}</ds:X509Data></ds:KeyInfo>"

    return f"<KeyDescriptor{use}>{data}</KeyDescriptor>"


def _key(chain: list[str], x5c: str) -> dict[str, Any]:
    """The public key of a chain's leaf (RFC 7517), with so much of the chain."""
    leaf = x509.load_pem_x509_certificate(chain[0].encode())
    public = leaf.public_key()
    key: dict[str, Any] = {"use": "sig", "kid": leaf.fingerprint(hashes.SHA256()).hex()}

    if isinstance(public, rsa.RSAPublicKey):
        modulus = public.public_numbers()
        key |= {"kty": "RSA", "alg": "RS256", "n": _number(modulus.n), "e": _number(modulus.e)}
    elif isinstance(public, ec.EllipticCurvePublicKey):
        point = public.public_numbers()
        key |= {"kty": "EC", "alg": "ES256", "crv": "P-256", "x": _number(point.x, 32), "y": _number(point.y, 32)}

    if x5c != "absent":
        key["x5c"] = [formatted(pem, "base64") for pem in (chain[:1] if x5c == "leaf" else chain)]

    return key


def _number(value: int, size: int = 0) -> str:
    return base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def _page_of(
    name: str, path: str, perform: Callable[[Call], Any], shown: Callable[[VcenterSettings], bool]
) -> Operation:
    return Operation(
        id=name,
        method="GET",
        path=path,
        success=200,
        errors={},
        perform=perform,
        result=dict,
        public=True,
        switch=lambda host: shown(cast(VcenterState, host).own),
    )


def _openidconnect(name: str, path: str, perform: Callable[[Call], Any]) -> Operation:
    return _page_of("openidconnect." + name, "/openidconnect" + path, perform, lambda settings: settings.openidconnect)


def _broker(name: str, path: str, perform: Callable[[Call], Any]) -> Operation:
    return _page_of("acs." + name, "/acs" + path, perform, lambda settings: settings.broker)


SIGNING_CERTIFICATE = Operation(
    id=SERVICE + ".get",
    method="GET",
    path="/api/vcenter/certificate-management/vcenter/signing-certificate",
    success=200,
    errors={"UNAUTHENTICATED": 401, "UNAUTHORIZED": 403},
    perform=get_signing_certificate,
    result=SigningCertificateInfo,
    entitlements=("READ_ONLY",),
    switch=lambda host: cast(VcenterState, host).own.signing_certificate_service,
)
WELL_KNOWN = "/.well-known/openid-configuration"
OPERATIONS: tuple[Operation, ...] = (
    *SESSION_OPERATIONS,
    SIGNING_CERTIFICATE,
    _openidconnect("discovery", "/{sso_domain}" + WELL_KNOWN, get_discovery),
    _openidconnect("discovery_of_the_default", WELL_KNOWN, get_discovery),
    _openidconnect("jwks", "/jwks/{sso_domain}", get_jwks),
    _openidconnect("jwks_of_the_default", "/jwks", get_jwks),
    _broker("discovery", "/t/{broker_tenant}" + WELL_KNOWN, get_broker_discovery),
    _broker("jwks", "/jwks", get_broker_jwks),
    replace(
        _page_of(
            "websso.saml2.metadata",
            "/websso/SAML2/Metadata/{sso_domain}",
            get_saml_metadata,
            lambda vcenter: vcenter.saml,
        ),
        content_type="application/samlmetadata+xml",
        headers={"Content-Disposition": 'attachment; filename="vsphere.local.xml"'},
    ),
)
