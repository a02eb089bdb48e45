# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The differences between a resource as a host holds it and the same resource as it is declared.

A difference is a mapping of `field`, `declared` and `found`. The side on which there is nothing is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._services.key_ids import same_key_id
from ansible_collections.esx.trust.plugins.module_utils._services.registry import RESOURCES
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_list
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mappings
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import certificate_name
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import end_in_words

# If the resource is on one side only, its id already tells its name.
_FIELDS_OF_BOTH = tuple(dict.fromkeys(field for facts in RESOURCES for field in facts.compared_fields))
_FIELDS_OF_ONE_SIDE = ("key_id", "issuer")
_FIELDS_OF_CERTIFICATES = ("sha256", "subject", "not_after")

Certificate = dict[str, str]
#: The SHA-256 of each certificate of a chain, the signing certificate first.
Chain = tuple[str, ...]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The differences between a resource on the host and its declaration.

    before: the record of the resource on the host.
    after: the record as it is declared.
    """
    fields = _FIELDS_OF_BOTH if before and after else _FIELDS_OF_ONE_SIDE
    found = []

    for field in fields:
        on_host = text(before.get(field)) or None
        declared = text(after.get(field)) or None
        if not _same(field, on_host, declared):
            found.append(_difference(field, declared, on_host))

    found.extend(_of_certificates(before, after))
    found.extend(_of_entitlements(before, after))

    return found


def _difference(field: str, declared: Any, found: Any) -> dict[str, Any]:
    return {"field": field, "declared": declared, "found": found}


def _same(field: str, declared: Optional[str], found: Optional[str]) -> bool:
    """True if two values of a field have the same meaning."""
    if field == "key_id":
        return same_key_id(declared or "", found or "")

    return declared == found


def _of_certificates(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The certificates that only one side has. If both have the same certificates, the chains that differ."""
    on_host = certificates(before)
    declared = certificates(after)
    found = []

    for digest, certificate in declared.items():
        if digest not in on_host:
            found.append(_difference("certificate", certificate, None))

    for digest, certificate in on_host.items():
        if digest not in declared:
            found.append(_difference("certificate", None, certificate))

    if on_host.keys() == declared.keys():
        declared_chains = _as_lists(chains(after))
        chains_on_host = _as_lists(chains(before))
        if declared_chains != chains_on_host:
            found.append(_difference("signing_cert_chains", declared_chains, chains_on_host))

    return found


def certificates(record: Mapping[str, Any]) -> dict[str, Certificate]:
    """The certificates in the record of an issuer, by the SHA-256 of each."""
    found = {}
    for certificate in as_mappings(record.get("certificates")):
        digest = text(certificate.get("sha256"))
        found[digest] = {field: text(certificate.get(field)) for field in _FIELDS_OF_CERTIFICATES}

    return found


def chains(record: Mapping[str, Any]) -> list[Chain]:
    """The chains in the record of an issuer. The order of the chains has no meaning, so they are sorted."""
    positions: dict[str, list[tuple[int, str]]] = {}

    for certificate in as_mappings(record.get("certificates")):
        chain = text(certificate.get("chain"))
        position = certificate.get("position")
        if not isinstance(position, int):
            position = 0

        positions.setdefault(chain, []).append((position, text(certificate.get("sha256"))))

    found = []
    for chain_positions in positions.values():
        found.append(tuple(digest for _position, digest in sorted(chain_positions)))

    return sorted(found)


def _as_lists(some_chains: list[Chain]) -> list[list[str]]:
    return [list(chain) for chain in some_chains]


def _of_entitlements(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entitlements of a client profile that only one side has. Their order has no meaning."""
    on_host = [text(entitlement) for entitlement in as_list(before.get("entitlements"))]
    declared = [text(entitlement) for entitlement in as_list(after.get("entitlements"))]
    found = []

    for entitlement in declared:
        if entitlement not in on_host:
            found.append(_difference("entitlement", entitlement, None))

    for entitlement in on_host:
        if entitlement not in declared:
            found.append(_difference("entitlement", None, entitlement))

    return found


def in_words(difference: Mapping[str, Any]) -> str:
    """One difference as a sentence without its full stop."""
    field = difference["field"]
    declared = difference["declared"]
    found = difference["found"]

    state = "declared and not there" if declared else "there and not declared"

    if field == "certificate":
        certificate = declared or found
        return f"certificate {certificate_name(certificate)} ({end_in_words(certificate)}) is {state}"

    if field == "entitlement":
        return f"entitlement {declared or found} is {state}"

    if field == "signing_cert_chains":
        return "the same certificates stand in other chains or in another order"

    return f"{field} is {found or 'not there'}, declared is {declared or 'nothing'}"
