# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the certificates of a temporary token issuer."""

from __future__ import annotations

import datetime
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._libraries import Encoding
from ansible_collections.esx.trust.plugins.module_utils._libraries import hashes
from ansible_collections.esx.trust.plugins.module_utils._libraries import rsa
from ansible_collections.esx.trust.plugins.module_utils._libraries import x509

#: The length of the keys in bits.
_KEY_BITS = 2048


def throw_away_chain() -> list[str]:
    """A chain of two certificates in PEM, with the leaf first. It is valid for a day. The keys are not kept."""
    authority, key_of_authority = _certificate("esx.trust probe authority", None)
    leaf, _key = _certificate("esx.trust probe", (authority, key_of_authority))

    return [certificate.public_bytes(Encoding.PEM).decode() for certificate in (leaf, authority)]


def _certificate(common_name: str, parent: Optional[tuple[Any, Any]]) -> tuple[Any, Any]:
    """A new certificate and its key. parent: the certificate and the key of the issuer; None if it signs itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.timezone.utc)

    issuer_name = parent[0].subject if parent else subject
    issuer_key = parent[1] if parent else key

    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=parent is None, path_length=None), critical=True)
    )

    return builder.sign(issuer_key, hashes.SHA256()), key
