# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations and the public pages of a vCenter that this collection reads."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.esx.trust.plugins.module_utils._api.data_types import STRING
from ansible_collections.esx.trust.plugins.module_utils._api.login import SESSION_CREATE
from ansible_collections.esx.trust.plugins.module_utils._api.login import SESSION_DELETE
from ansible_collections.esx.trust.plugins.module_utils._api.operation import PATH
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Parameter

SIGNING_CERTIFICATE = Operation(
    id="com.vmware.vcenter.certificate_management.vcenter.signing_certificate.get",
    method="GET",
    path="/api/vcenter/certificate-management/vcenter/signing-certificate",
    success=(200,),
    errors=("UNAUTHENTICATED", "UNAUTHORIZED"),
    returns=True,
)
_SSO_DOMAIN = Parameter("sso_domain", STRING, PATH)
# The pages below are no part of the vAPI, so their ids are ours. Anybody may read these pages.
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
#: Its path is the path in the usual name of the OpenID Connect issuer.
OIDC_ISSUER = replace(DISCOVERY, path="/openidconnect/{sso_domain}")
#: The page with the keys. The discovery gives its real path; this is the usual path.
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
#: The identity broker of VCF 9 publishes the same pages under other paths.
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
    SESSION_CREATE,
    SESSION_DELETE,
    SIGNING_CERTIFICATE,
    DISCOVERY,
    JWKS,
    BROKER_DISCOVERY,
    BROKER_JWKS,
    SAML_METADATA,
)
