# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the metadata of a SAML identity provider: its name, and its signing certificates. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._libraries import DefusedXmlException
from ansible_collections.esx.trust.plugins.module_utils._libraries import ParseError
from ansible_collections.esx.trust.plugins.module_utils._libraries import fromstring
from ansible_collections.esx.trust.plugins.module_utils._services.names import check_name

#: The largest document that is read, in bytes. Usual metadata has some kilobytes, and parsing takes many times that.
MAX_DOCUMENT = 1024 * 1024
_METADATA = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}"
_KEY_DESCRIPTOR = f"{_METADATA}IDPSSODescriptor/{_METADATA}KeyDescriptor"
_X509_DATA = f"{_SIGNATURE}KeyInfo/{_SIGNATURE}X509Data"
_X509_CERTIFICATE = f"{_SIGNATURE}X509Certificate"


@dataclass(frozen=True)
class SamlMetadata:
    """The metadata of an identity provider.

    entity_id: its name.
    cert_chains: the chains of its signing keys in the order of the document, each certificate in Base64 DER.
    """

    entity_id: str
    cert_chains: tuple[tuple[str, ...], ...]


class NotSamlMetadata(ValueError):
    """A document is no SAML metadata. The message says what is wrong with it."""


def read_saml_metadata(document: bytes) -> SamlMetadata:
    """Read the XML of an EntityDescriptor.

    Raises NotSamlMetadata, also for every document with a DTD or an entity, because these can be used for attacks.
    """
    if len(document) > MAX_DOCUMENT:
        raise NotSamlMetadata(f"it is larger than {MAX_DOCUMENT // 2**20} MiB")

    try:
        # Without a DTD, a document can neither define entities nor name external ones.
        root = fromstring(document, forbid_dtd=True)
    except DefusedXmlException as error:
        raise NotSamlMetadata("it has a document type definition, which metadata does not need") from error
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
        # A key without the attribute `use` is for signing too.
        if key.get("use", "signing") != "signing":
            continue

        for data in key.findall(_X509_DATA):
            chain = tuple(certificate.text or "" for certificate in data.findall(_X509_CERTIFICATE))
            if chain:
                chains.append(chain)

    return SamlMetadata(entity_id, tuple(chains))
