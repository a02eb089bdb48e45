# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module tests of token issuers declare, and what a simulated host then holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.certificates import chain

if TYPE_CHECKING:
    from simulator import Host

SERVICE = "com.vmware.esx.authentication.trust.security_token_issuers"
#: The chain that most tests declare, and another.
CHAIN, OTHER_CHAIN = chain(2, subject="one"), chain(2, subject="two")


def declared(*chains: list[str]) -> list[dict[str, list[str]]]:
    return [{"cert_chain": each} for each in chains]


def held(host: Host, alias: str) -> list[list[str]]:
    """The chains on the host as a comparable value."""
    return sorted([[text.strip() for text in each] for each in host.issuers[alias].chains])


def expected(*chains: list[str]) -> list[list[str]]:
    return sorted([[text.strip() for text in each] for each in chains])


def operation(kind: str, alias: str) -> dict[str, str]:
    return {"operation": kind, "resource": "token_issuer", "id": alias}
