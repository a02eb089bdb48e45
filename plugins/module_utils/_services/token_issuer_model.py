# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a token issuer is, and how it is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.rest import path_element
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import check_name
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import check_unmasked
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Certificate
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import certificate_records
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_options
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import Marker
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import is_parking_alias
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import looks_like_marker
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import read_marker


@dataclass(frozen=True)
class TokenIssuer:
    """A token issuer that a host trusts. The alias is its identity; alias and issuer are each unique on a host."""

    issuer_alias: str
    issuer: str
    chains: tuple[Chain, ...]

    def spec(self) -> dict[str, Any]:
        """The body with which the API creates it."""
        chains = [chain.to_api() for chain in self.chains]
        return {"issuer_alias": self.issuer_alias, "issuer": self.issuer, "signing_cert_chains": chains}

    @property
    def marker(self) -> Optional[Marker]:
        """The trace of a renaming that stands in the place of the issuer, if one does."""
        return read_marker(self.issuer)

    @property
    def true_issuer(self) -> str:
        """The issuer that the chains belong to, also where a marker stands in its place."""
        return self.marker.issuer if self.marker else self.issuer

    @property
    def parked(self) -> bool:
        """True if the alias exists only to keep an issuer until its own alias is free."""
        return self.marker is not None and is_parking_alias(self.issuer_alias)

    @property
    def certificates(self) -> frozenset[Certificate]:
        """All certificates of its chains."""
        return frozenset(certificate for chain in self.chains for certificate in chain.certificates)

    def difference(self, before: TokenIssuer) -> dict[str, Any]:
        """The body with which the API makes this of `before`: only what differs."""
        body: dict[str, Any] = {}
        if self.issuer != before.issuer:
            body["issuer"] = self.issuer
        if self.chains != before.chains:
            body["signing_cert_chains"] = self.spec()["signing_cert_chains"]
        return body

    def record(self) -> dict[str, Any]:
        """The form in which the modules return it; the order of chains means nothing, so it is always the same."""
        chains = tuple(
            sorted(self.chains, key=lambda chain: [certificate.sha256 for certificate in chain.certificates])
        )
        return {
            **TokenIssuer(self.issuer_alias, self.issuer, chains).spec(),
            "certificates": certificate_records(chains),
        }


@dataclass(frozen=True)
class DesiredTokenIssuer:
    """A token issuer as it is declared."""

    issuer_alias: str
    issuer: Optional[str] = None
    chains: tuple[Chain, ...] = ()
    state: str = "present"
    chains_mode: str = "exact"
    issuer_conflict: str = "fail"

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> DesiredTokenIssuer:
        """Check the module's options. Raises InvalidInput, which names the option."""
        present = params["state"] == "present"
        # A removal must not fail over an option that it does not need.
        declared = params["signing_cert_chains"] if present else None
        alias = check_unmasked("issuer_alias", path_element("issuer_alias", params["issuer_alias"]))
        _check_no_marker(params["issuer"], alias if present else None)
        return cls(
            issuer_alias=check_name("issuer_alias", alias) if present else alias,
            issuer=check_name("issuer", params["issuer"]) if present else params["issuer"],
            chains=() if declared is None else chains_from_options("signing_cert_chains", declared),
            state=params["state"],
            chains_mode=params["chains_mode"],
            issuer_conflict=params["issuer_conflict"],
        )

    def saved_as(self, alias: str, chains: tuple[Chain, ...]) -> TokenIssuer:
        """What the host shall hold under the alias."""
        return TokenIssuer(alias, self.issuer or "", chains)

    def is_met_by(self, held: TokenIssuer) -> bool:
        """True if the chains of what is held are as declared; their order means nothing."""
        if self.chains_mode == "merge":
            return set(self.chains) <= set(held.chains)
        return set(self.chains) == set(held.chains)


def _check_no_marker(issuer: Optional[str], alias: Optional[str]) -> None:
    if issuer is not None and looks_like_marker(issuer):
        raise InvalidInput("issuer: is the trace of a renaming that this collection writes, and no issuer.")
    if alias is not None and is_parking_alias(alias):
        raise InvalidInput("issuer_alias: is of the form under which this collection keeps issuers for a moment.")


def shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record for a diff: what each certificate is, without its text."""
    return {name: value for name, value in record.items() if name != "signing_cert_chains"}
