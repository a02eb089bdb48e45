# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a host: its release, its faults and its hostile answers. All can be changed while it runs."""

from __future__ import annotations

from typing import Annotated
from typing import Literal

from pydantic import ConfigDict
from pydantic import Field

from simulator.models import Model

Service = Literal["client_profiles", "providers", "security_token_issuers"]


class SamlSubject(Model):
    """The subject of an assertion. Client profiles are matched with it."""

    name: str
    domain: str
    issuer_alias: str
    groups: list[str] = Field(default_factory=list)


class Settings(Model):
    """The settings of one host. A new host has these defaults."""

    model_config = ConfigDict(validate_assignment=True)

    latency: Annotated[float, Field(ge=0)] = 0.0
    """Seconds that pass before the host acts on a request, as on a slow line."""
    protocols: Literal["rest", "jsonrpc", "both", "none"] = "rest"
    """The forms of the API that the host speaks."""
    other_protocol: Literal["unsupported_content_type", "vendor_runtime", "empty_bad_request", "not_found"] = (
        "unsupported_content_type"
    )
    """The answer to a request of a form that the host does not speak."""
    introspection: Literal["open", "authenticated", "absent"] = "open"
    """Who may ask a JSON-RPC host for its services, operations and types."""
    dialect: Literal["api", "rest"] = "api"
    error_type_present: bool = True
    wrap_values: bool = False
    """Successful answers come as {"value": …}, like those of the old /rest."""
    token_service: bool = True
    session_service: bool = False
    basic_on_services: bool = True
    bearer_on_services: bool = True
    oauth_only: list[Service] = Field(default_factory=list)
    """The services that take an access token and nothing else."""
    token_needs_entitlements: bool = False
    """No token for a subject that neither its account nor a client profile grants anything."""
    lockdown: bool = False
    exception_users: list[str] = Field(default_factory=list)
    """Accounts that may still log in during lockdown."""
    saml_tokens: list[str] = Field(default_factory=list)
    """The assertions (XML) that are accepted at a login."""
    saml_subjects: dict[str, SamlSubject] = Field(default_factory=dict)
    """Assertions that are accepted while their issuer's alias is trusted; client profiles grant the rights."""
    token_lifetime: float = 600.0
    provider_delete: Literal[
        "operation_not_found", "supported", "method_not_allowed", "not_found", "unsupported_content_type"
    ] = "operation_not_found"
    provider_get: bool = True
    certificate_format: Literal["pem", "pem_crlf", "base64", "escaped", "one_line"] = "pem"
    standardises_certificates: bool = False
    """Certificates come back in lines of another length, and a chain without its root."""
    stored_chains: Literal["as_sent", "leaf_only", "upside_down"] = "as_sent"
    """The chains that the host saves. With `upside_down`, each chain is saved in the reverse order."""
    empty_chains_refused: bool = True
    projection_supported: bool = True
    already_exists_data: bool = True
    """already_exists names in its data the alias that holds the issuer; false: only a message's parameter does."""
    client_profiles_service: bool = True
    profiles_cascade: bool = True
    """A deleted issuer takes the client profiles along that name its alias."""
    profile_needs_issuer: bool = True
    """The alias of a new client profile has to be that of an issuer."""
    echo_requests: bool = False
    """Errors repeat the request, secrets included: a hostile host."""
