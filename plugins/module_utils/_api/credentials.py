# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways in which a request can say who sends it. Each form of the API writes them in its own way."""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from dataclasses import dataclass
from dataclasses import field
from typing import Union

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput


@dataclass(frozen=True)
class UserPassword:
    """A name and its password."""

    username: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """The credentials of the Basic scheme (RFC 7617, UTF-8)."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass(frozen=True)
class SamlToken:
    """A SAML bearer token, as the SIGN scheme carries it: Base64 of the gzipped XML."""

    signed: str = field(repr=False)

    @property
    def xml(self) -> str:
        """The token itself. Raises InvalidInput."""
        try:
            return gzip.decompress(base64.b64decode(self.signed, validate=True)).decode()
        except (binascii.Error, OSError, EOFError, UnicodeError, zlib.error):
            raise InvalidInput("saml_token: is not the Base64 of a gzipped XML document.") from None


@dataclass(frozen=True)
class AccessToken:
    """An OAuth access token, the host's own or a ready one."""

    token: str = field(repr=False)


@dataclass(frozen=True)
class SessionId:
    """The id of a session that was opened before."""

    id: str = field(repr=False)


@dataclass(frozen=True)
class NoCredentials:
    """Nothing: for operations that anybody may call."""


Credentials = Union[UserPassword, SamlToken, AccessToken, SessionId, NoCredentials]
