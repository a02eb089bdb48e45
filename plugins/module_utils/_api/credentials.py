# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of credentials of a request. Each form of the API writes them in its own way."""

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
    """The name and the password of an account."""

    username: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """The credentials of the Basic scheme (RFC 7617, UTF-8)."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass(frozen=True)
class SamlToken:
    """A SAML bearer token.

    signed: the token as the SIGN scheme carries it, which is the Base64 of the gzipped XML.
    """

    signed: str = field(repr=False)

    @property
    def xml(self) -> str:
        """The token as XML. Raises InvalidInput if `signed` is not the Base64 of gzipped XML."""
        try:
            zipped = base64.b64decode(self.signed, validate=True)
            return gzip.decompress(zipped).decode()
        except (binascii.Error, OSError, EOFError, UnicodeError, zlib.error):
            raise InvalidInput("saml_token: is not the Base64 of a gzipped XML document.") from None


@dataclass(frozen=True)
class AccessToken:
    """An OAuth access token. The login gave it, or the user has given it as an option."""

    token: str = field(repr=False)


@dataclass(frozen=True)
class SessionId:
    """The id of a session that is open."""

    id: str = field(repr=False)


@dataclass(frozen=True)
class NoCredentials:
    """No credentials, for operations that anybody may call."""


Credentials = Union[UserPassword, SamlToken, AccessToken, SessionId, NoCredentials]
