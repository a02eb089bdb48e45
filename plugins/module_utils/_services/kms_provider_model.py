# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a key provider: as a host holds it, and as it is declared."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.rest import path_element
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._secrets.masks import check_unmasked
from ansible_collections.esx.trust.plugins.module_utils._services.key_ids import canonical_key_id
from ansible_collections.esx.trust.plugins.module_utils._services.key_ids import is_key_id
from ansible_collections.esx.trust.plugins.module_utils._services.names import check_name

RESOURCE = "kms_provider"
#: The length of a key derivation key in bytes. It is a key for AES-256.
KEY_BYTES = 32
_HEXADECIMAL_KEY = re.compile(r"[0-9a-fA-F]{64}")
_BASE64_KEY = re.compile(r"[0-9A-Za-z+/]{43}=")


@dataclass(frozen=True)
class KmsProvider:
    """A key provider as a host describes it.

    key_derivation_key: only of a provider that is to be created, because a host never returns the key.
    """

    provider: str
    type: str
    key_id: Optional[str] = None
    key_derivation_key: Optional[str] = field(default=None, repr=False, compare=False)

    def spec(self) -> dict[str, Any]:
        """The argument `spec` of the operation that creates it."""
        native = {"key_id": self.key_id, "key_derivation_key": self.key_derivation_key}
        return {"provider": self.provider, "native_spec": native}

    def record(self) -> dict[str, Any]:
        """The record that the modules return."""
        return {"provider": self.provider, "type": self.type, "key_id": self.key_id}


@dataclass(frozen=True)
class DesiredKmsProvider:
    """A key provider as it is declared.

    state: present or absent.
    key_derivation_key: the key in Base64, if it is given.
    """

    provider: str
    state: str = "present"
    key_id: Optional[str] = None
    key_derivation_key: Optional[str] = field(default=None, repr=False)

    @property
    def creates(self) -> bool:
        """True if the provider will be created on a host that does not have it."""
        return self.state == "present" and self.key_derivation_key is not None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> DesiredKmsProvider:
        """Check the module's options. Raises InvalidInput, which names the option."""
        present = params["state"] == "present"
        if present and params.get("type") == "TRUST_AUTHORITY":
            raise InvalidInput(
                "type: is TRUST_AUTHORITY, and only native key providers can be declared present; remove this entry."
            )

        if present and params["key_id"] is None:
            raise InvalidInput("key_id: is needed with state present.")

        key = None
        if present:
            # A removal needs no key, so it must not fail because of a wrong one.
            key = _read_key(params["key_derivation_key"])

        provider = check_unmasked("provider", path_element("provider", params["provider"]))
        if present:
            if looks_like_key(provider):
                raise InvalidInput("provider: has the form of a key, and everybody may see the name of a provider.")

            provider = check_name("provider", provider)

        return cls(
            provider=provider,
            state=params["state"],
            key_id=_read_key_id(params["key_id"]),
            key_derivation_key=key,
        )


def looks_like_key(text: str) -> bool:
    """True for a text that has the form of a key, in Base64 or in hexadecimal digits."""
    stripped = text.strip()

    return any(form.fullmatch(stripped) for form in (_BASE64_KEY, _HEXADECIMAL_KEY))


def _read_key_id(value: Optional[str]) -> Optional[str]:
    """The key_id in one spelling for all hosts. Raises InvalidInput if it is no UUID."""
    if value is None:
        return None

    key_id = value.strip()
    if not is_key_id(key_id):
        raise InvalidInput("key_id: is no UUID such as 12345678-abcd-1234-cdef-123456789abc.")

    return canonical_key_id(key_id)


def _read_key(value: Optional[str]) -> Optional[str]:
    """The key in Base64. Raises InvalidInput, whose message shows only the length of the value."""
    if value is None:
        return None

    key = check_unmasked("key_derivation_key", value.strip())
    if _HEXADECIMAL_KEY.fullmatch(key):
        # The digits are also valid Base64, but of other bytes.
        raise InvalidInput(
            "key_derivation_key: is in hexadecimal; give the same bytes in Base64 (xxd -r -p | base64 does that)."
        )

    try:
        length = len(base64.b64decode(key, validate=True))
    except (binascii.Error, ValueError):
        length = 0

    if not length:
        raise InvalidInput("key_derivation_key: is no Base64 of a key (for a new one: openssl rand -base64 32).")

    if length != KEY_BYTES:
        raise InvalidInput(
            f"key_derivation_key: has {length} bytes, and a key has {KEY_BYTES} (for a new one: openssl rand"
            " -base64 32)."
        )

    return key
