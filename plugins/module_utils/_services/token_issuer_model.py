# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a token issuer: as a host holds it, and as it is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.rest import path_element
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._secrets.masks import check_unmasked
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_reading import Certificate
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import certificate_records
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_options
from ansible_collections.esx.trust.plugins.module_utils._services.names import check_name
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import Marker
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import is_parking_alias
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import looks_like_marker
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import read_marker

RESOURCE = "token_issuer"


@dataclass(frozen=True)
class TokenIssuer:
    """A token issuer that a host trusts.

    The alias identifies it. On a host, each alias is unique, and each issuer is unique too.
    """

    issuer_alias: str
    issuer: str
    chains: tuple[Chain, ...]

    def spec(self) -> dict[str, Any]:
        """The argument `spec` of the operation that creates it."""
        chains = [chain.to_api() for chain in self.chains]

        return {
            "issuer_alias": self.issuer_alias,
            "issuer": self.issuer,
            "signing_cert_chains": chains,
        }

    @property
    def marker(self) -> Optional[Marker]:
        """The marker that a renaming has put in the place of the issuer, or None."""
        return read_marker(self.issuer)

    @property
    def true_issuer(self) -> str:
        """The issuer that the chains belong to. If there is a marker, it names this issuer."""
        return self.marker.issuer if self.marker else self.issuer

    @property
    def parked(self) -> bool:
        """True if the alias only keeps an issuer until the new alias of this issuer is free."""
        return self.marker is not None and is_parking_alias(self.issuer_alias)

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """All certificates of its chains, chain after chain."""
        certificates: list[Certificate] = []
        for chain in self.chains:
            certificates.extend(chain.certificates)

        return tuple(certificates)

    def difference(self, before: TokenIssuer) -> dict[str, Any]:
        """The argument `spec` of the update that turns `before` into this issuer: only the fields that differ."""
        body: dict[str, Any] = {}
        if self.issuer != before.issuer:
            body["issuer"] = self.issuer

        if self.chains != before.chains:
            body["signing_cert_chains"] = self.spec()["signing_cert_chains"]

        return body

    def record(self) -> dict[str, Any]:
        """The record that the modules return.

        The chains are sorted, because their order has no meaning. A chain that the host holds several times is there
        once, as in a declaration: a host that drops root certificates saves equal chains where different ones were
        written.
        """

        def digests(chain: Chain) -> list[str]:
            return [certificate.sha256 for certificate in chain.certificates]

        chains = tuple(sorted(dict.fromkeys(self.chains), key=digests))
        spec = TokenIssuer(self.issuer_alias, self.issuer, chains).spec()

        return {**spec, "certificates": certificate_records(chains)}


@dataclass(frozen=True)
class DesiredTokenIssuer:
    """A token issuer as it is declared.

    state: present or absent.
    chains_mode: exact or merge.
    issuer_conflict: fail, adopt or rename.
    """

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
        alias = check_unmasked("issuer_alias", path_element("issuer_alias", params["issuer_alias"]))
        issuer = params["issuer"]
        chains: tuple[Chain, ...] = ()
        _check_no_marker(issuer, alias if present else None)

        # A removal needs no other option, so it must not fail because of a wrong one.
        if present:
            alias = check_name("issuer_alias", alias)
            issuer = check_name("issuer", issuer)

            declared = params["signing_cert_chains"]
            if declared is not None:
                chains = chains_from_options("signing_cert_chains", declared)

        return cls(
            issuer_alias=alias,
            issuer=issuer,
            chains=chains,
            state=params["state"],
            chains_mode=params["chains_mode"],
            issuer_conflict=params["issuer_conflict"],
        )

    def saved_as(self, alias: str, chains: tuple[Chain, ...]) -> TokenIssuer:
        """The declared issuer as the host will hold it, under this alias and with these chains."""
        return TokenIssuer(alias, self.issuer or "", chains)

    def is_met_by(self, held: TokenIssuer) -> bool:
        """True if the chains of an issuer on the host are as declared. Their order has no meaning."""
        if self.chains_mode == "merge":
            return set(self.chains) <= set(held.chains)

        return set(self.chains) == set(held.chains)


def _check_no_marker(issuer: Optional[str], alias: Optional[str]) -> None:
    """Raise InvalidInput for an issuer or an alias that this collection itself writes during a renaming."""
    if issuer is not None and looks_like_marker(issuer):
        raise InvalidInput("issuer: is the marker of a renaming, which this collection writes, and no issuer.")

    if alias is not None and is_parking_alias(alias):
        raise InvalidInput("issuer_alias: is of the form under which this collection keeps issuers for a moment.")


def shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record in the form that a diff shows: without the texts of the certificates."""
    return {name: value for name, value in record.items() if name != "signing_cert_chains"}
