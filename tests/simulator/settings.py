# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a host: which generation, which quirks, how hostile. All can be changed while it runs."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict
from pydantic import Field

from simulator.models import Model


class Settings(Model):
    """Fresh hosts have these defaults."""

    model_config = ConfigDict(validate_assignment=True)

    dialect: Literal["api", "rest"] = "api"
    error_type_present: bool = True
    wrap_values: bool = False
    """Successful answers come as {"value": …}, like those of the old /rest."""
    token_service: bool = True
    session_service: bool = False
    basic_on_services: bool = True
    bearer_on_services: bool = True
    lockdown: bool = False
    exception_users: list[str] = Field(default_factory=list)
    """Accounts that may still log in during lockdown."""
    saml_tokens: list[str] = Field(default_factory=list)
    """The assertions (XML) that are accepted at a login."""
    token_lifetime: float = 600.0
    provider_delete: Literal[
        "operation_not_found", "supported", "method_not_allowed", "not_found", "unsupported_content_type"
    ] = "operation_not_found"
    provider_get: bool = True
    certificate_format: Literal["pem", "pem_crlf", "base64", "escaped", "one_line"] = "pem"
    stored_chains: Literal["as_sent", "leaf_only", "upside_down"] = "as_sent"
    """What the host makes of the certificate chains that it is sent."""
    projection_supported: bool = True
    jsonrpc_only: bool = False
    echo_requests: bool = False
    """Errors repeat the request, secrets included: a hostile host."""
