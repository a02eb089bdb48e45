# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of credentials of a request. Each form of the API writes them in its own way."""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass
from dataclasses import field
from typing import Union

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput

#: The most bytes of a SAML token's XML document. A usual token has some kilobytes.
_MAX_DOCUMENT = 1024 * 1024
#: The value of zlib's parameter wbits for the format of gzip.
_GZIP = 31
_NO_DOCUMENT = "saml_token: is not the Base64 of a gzipped XML document."


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
    def document(self) -> bytes:
        """The XML document. Raises InvalidInput if `signed` is not the Base64 of a gzipped text, or if it is too large.

        A few bytes of gzip can hold gigabytes, so no more than the limit is unpacked.
        """
        decompressor = zlib.decompressobj(wbits=_GZIP)
        try:
            zipped = base64.b64decode(self.signed, validate=True)
            document = decompressor.decompress(zipped, _MAX_DOCUMENT + 1)
        except (binascii.Error, zlib.error):
            raise InvalidInput(_NO_DOCUMENT) from None

        if len(document) > _MAX_DOCUMENT:
            raise InvalidInput(f"saml_token: is larger than {_MAX_DOCUMENT // 2**20} MiB after it was unpacked.")
        if not decompressor.eof:
            raise InvalidInput(_NO_DOCUMENT)

        return document

    @property
    def xml(self) -> str:
        """The XML document as text. Raises InvalidInput as `document`, and for a document that is not in UTF-8."""
        try:
            return self.document.decode()
        except UnicodeError:
            raise InvalidInput(_NO_DOCUMENT) from None


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
