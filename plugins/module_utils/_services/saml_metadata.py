# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the metadata of a SAML identity provider: its name, and the certificates of what it signs. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._libraries import DefusedXmlException
from ansible_collections.esx.trust.plugins.module_utils._libraries import ParseError
from ansible_collections.esx.trust.plugins.module_utils._libraries import fromstring
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import check_name

#: Metadata is some kilobytes; a document takes many times its size in memory.
MAX_DOCUMENT = 1024 * 1024
_METADATA = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}"
_KEY_DESCRIPTOR = f"{_METADATA}IDPSSODescriptor/{_METADATA}KeyDescriptor"
_X509_DATA = f"{_SIGNATURE}KeyInfo/{_SIGNATURE}X509Data"
_X509_CERTIFICATE = f"{_SIGNATURE}X509Certificate"


@dataclass(frozen=True)
class SamlMetadata:
    """What an identity provider says about itself. cert_chains: of its signing keys, in Base64 DER, in its order."""

    entity_id: str
    cert_chains: tuple[tuple[str, ...], ...]


class NotSamlMetadata(ValueError):
    """Says what a document is instead, or lacks."""


def read_saml_metadata(document: bytes) -> SamlMetadata:
    """Read an EntityDescriptor. Raises NotSamlMetadata, also for every kind of DTD and entity."""
    if len(document) > MAX_DOCUMENT:
        raise NotSamlMetadata(f"it is larger than {MAX_DOCUMENT // 2**20} MiB")
    try:
        root = fromstring(document, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException as error:
        raise NotSamlMetadata("it has a document type definition, which nothing honest needs") from error
    except (ParseError, ValueError, LookupError) as error:
        raise NotSamlMetadata("it is no XML") from error
    if root.tag != f"{_METADATA}EntityDescriptor":
        raise NotSamlMetadata("it is XML, but no EntityDescriptor")
    entity_id = root.get("entityID", "")
    try:
        check_name("entityID", entity_id)
    except InvalidInput as error:
        raise NotSamlMetadata("it has no entityID that could be read") from error
    chains = []
    for key in root.findall(_KEY_DESCRIPTOR):
        # Without a use, a key is for everything.
        if key.get("use", "signing") == "signing":
            for data in key.findall(_X509_DATA):
                chains.append(tuple(one.text or "" for one in data.findall(_X509_CERTIFICATE)))
    return SamlMetadata(entity_id, tuple(chain for chain in chains if chain))
