# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose login it is, as far as the login tells. It is needed so that nobody locks himself out of a host."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._libraries import MISSING_FOR_SOME
from ansible_collections.esx.trust.plugins.module_utils._libraries import DefusedXmlException
from ansible_collections.esx.trust.plugins.module_utils._libraries import ParseError
from ansible_collections.esx.trust.plugins.module_utils._libraries import fromstring

#: Bytes; an assertion has some kilobytes.
_MAX_ASSERTION = 1024 * 1024
#: zlib reads the format of gzip.
_GZIP = 31
_SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
#: The end of the name of the attribute in which vCenter lists the groups of a user.
_GROUPS = "GroupIdentity"

#: The domain and the name of a user or a group, in lower case: directories do not tell cases apart.
_Name = tuple[str, str]


@dataclass(frozen=True)
class Account:
    """Who is logged in. What is not known is empty.

    username: the name that was given with a password. issuer: who issued the SAML token.
    users: how directories may call the user. groups: the groups of the user, which only a SAML token tells.
    aliases: those under which the host trusts the issuer of the token, None if that is not known.
    """

    username: Optional[str] = None
    issuer: Optional[str] = None
    users: frozenset[_Name] = frozenset()
    groups: frozenset[_Name] = frozenset()
    aliases: Optional[frozenset[str]] = None

    @classmethod
    def of_connection(cls, connection: Connection) -> Account:
        """Who logs in with these options. An access token tells nothing, because the API says nothing of its form."""
        if connection.access_token:
            return cls()
        if connection.saml_token:
            return cls.of_saml_token(connection.saml_token)
        return cls.of_user(connection.username) if connection.username else cls()

    @classmethod
    def of_user(cls, username: str) -> Account:
        """A user of the host, or one of a directory if the name has a domain in it."""
        return cls(username=username, users=_names([username]))

    @classmethod
    def of_saml_token(cls, token: str) -> Account:
        """Whom an assertion names. token: Base64 of the gzipped XML. What cannot be read names nobody."""
        assertion = _read_assertion(token)
        if assertion is None:
            return cls()

        groups = [
            value.text or ""
            for attribute in assertion.iter(f"{_SAML}Attribute")
            if attribute.get("Name", "").endswith(_GROUPS)
            for value in attribute.findall(f"{_SAML}AttributeValue")
        ]
        return cls(
            issuer=_text(assertion, f"{_SAML}Issuer"),
            users=_names([_text(assertion, f"{_SAML}Subject/{_SAML}NameID") or ""]),
            groups=_names(groups),
        )

    def known_on(self, issuers: Iterable[tuple[str, str]]) -> Account:
        """The same on a host that holds these issuers: pairs of an alias and an issuer, at the beginning or at the end.

        Directories of two issuers can have users and groups of the same name in a domain of the same name.
        """
        aliases = frozenset(alias for alias, issuer in issuers if issuer == self.issuer)
        return replace(self, aliases=aliases) if aliases else self

    def may_be_of(self, alias: Optional[str]) -> bool:
        """True if it is possible that the account comes from the issuer of this alias."""
        return self.aliases is None or alias in self.aliases

    def is_user(self, name: Optional[str], domain: Optional[str]) -> bool:
        """True if this is the user of a directory that has this name."""
        return _folded(name, domain) in self.users

    def is_member(self, name: Optional[str], domain: Optional[str]) -> bool:
        """True if this user is known to be in the group of a directory that has this name."""
        return _folded(name, domain) in self.groups


#: An account of which nothing is known.
UNKNOWN = Account()


def _names(texts: Iterable[str]) -> frozenset[_Name]:
    """The names in the two forms that directories have: DOMAIN\\name and name@domain."""
    names = set()
    for text in texts:
        domain, backslash, name = text.strip().partition("\\")
        if not backslash:
            name, _at, domain = text.strip().rpartition("@")
        if domain and name:
            names.add(_folded(name, domain))
    return frozenset(names)


def _folded(name: Optional[str], domain: Optional[str]) -> _Name:
    return (domain or "").casefold(), (name or "").casefold()


def _read_assertion(token: str) -> Any:
    """The XML of the assertion in a token, or None."""
    if "defusedxml" in MISSING_FOR_SOME:
        return None
    try:
        document = zlib.decompressobj(wbits=_GZIP).decompress(base64.b64decode(token), _MAX_ASSERTION)
        root = fromstring(document, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except (binascii.Error, zlib.error, DefusedXmlException, ParseError, ValueError, LookupError):
        return None
    # The answer of a token service may be wrapped around it.
    return next(root.iter(f"{_SAML}Assertion"), None)


def _text(element: Any, path: str) -> Optional[str]:
    text = element.findtext(path)
    return text.strip() if text and text.strip() else None
