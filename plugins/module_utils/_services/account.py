# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out which account is logged in, as far as the login shows it. So a plan can refuse to lock this account out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import SamlToken
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._libraries import MISSING_FOR_SOME
from ansible_collections.esx.trust.plugins.module_utils._libraries import DefusedXmlException
from ansible_collections.esx.trust.plugins.module_utils._libraries import ParseError
from ansible_collections.esx.trust.plugins.module_utils._libraries import fromstring

_SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
#: The end of the name of the attribute in which vCenter lists the groups of a user.
_GROUPS = "GroupIdentity"

#: The domain and the name of a user or a group, in lower case, because directories ignore the case.
_Name = tuple[str, str]


@dataclass(frozen=True)
class Account:
    """The account that is logged in. A field that is not known is empty.

    username: the name that was given with a password.
    issuer: the issuer of the SAML token.
    users: the names that the user can have in directories.
    groups: the groups of the user. Only a SAML token names them.
    aliases: the aliases under which the host trusts the issuer of the token; None if they are not known.
    """

    username: Optional[str] = None
    issuer: Optional[str] = None
    users: frozenset[_Name] = frozenset()
    groups: frozenset[_Name] = frozenset()
    aliases: Optional[frozenset[str]] = None

    @classmethod
    def of_connection(cls, connection: Connection) -> Account:
        """The account of a connection. It is unknown with an access token, because the API does not define its form."""
        if connection.access_token:
            return cls()

        if connection.saml_token:
            return cls.of_saml_token(connection.saml_token)

        return cls.of_user(connection.username) if connection.username else cls()

    @classmethod
    def of_user(cls, username: str) -> Account:
        """The account of a user name. With a domain in it, the name is also that of a user of a directory."""
        return cls(username=username, users=_names([username]))

    @classmethod
    def of_saml_token(cls, token: str) -> Account:
        """The account that the assertion in a SAML token names. It is unknown if the token cannot be read.

        token: Base64 of the gzipped XML.
        """
        assertion = _read_assertion(token)
        if assertion is None:
            return cls()

        name = _text(assertion, f"{_SAML}Subject/{_SAML}NameID") or ""

        groups = []
        for attribute in assertion.iter(f"{_SAML}Attribute"):
            if attribute.get("Name", "").endswith(_GROUPS):
                for value in attribute.findall(f"{_SAML}AttributeValue"):
                    groups.append(value.text or "")

        return cls(
            issuer=_text(assertion, f"{_SAML}Issuer"),
            users=_names([name]),
            groups=_names(groups),
        )

    def with_aliases(self, issuers: Iterable[tuple[str, str]]) -> Account:
        """This account, with the aliases under which the host trusts its issuer.

        issuers: pairs of alias and issuer, before and after the plan.

        Directories of two issuers can have users and groups of the same name in a domain of the same name.
        """
        aliases = frozenset(alias for alias, issuer in issuers if issuer == self.issuer)
        if not aliases:
            return self

        return replace(self, aliases=aliases)

    def may_be_of(self, alias: Optional[str]) -> bool:
        """True if it is possible that the account comes from the issuer of this alias."""
        return self.aliases is None or alias in self.aliases

    def is_user(self, name: Optional[str], domain: Optional[str]) -> bool:
        """True if this account is known to be the user of this name in a directory."""
        return _folded(name, domain) in self.users

    def is_member(self, name: Optional[str], domain: Optional[str]) -> bool:
        """True if this account is known to be in the group of this name in a directory."""
        return _folded(name, domain) in self.groups


#: An account about which nothing is known.
UNKNOWN = Account()


def _names(texts: Iterable[str]) -> frozenset[_Name]:
    """The names that have one of the two forms of directories: DOMAIN\\name and name@domain."""
    names = set()
    for text in texts:
        domain, backslash, name = text.strip().partition("\\")
        if not backslash:
            name, _at, domain = text.strip().rpartition("@")

        if domain and name:
            names.add(_folded(name, domain))

    return frozenset(names)


def _folded(name: Optional[str], domain: Optional[str]) -> _Name:
    """The name in the form in which names are compared."""
    return (domain or "").casefold(), (name or "").casefold()


def _read_assertion(token: str) -> Any:
    """The XML element of the assertion in a token, or None if it cannot be read."""
    if "defusedxml" in MISSING_FOR_SOME:
        return None

    try:
        document = SamlToken(token).document
        # Without a DTD, a document can neither define entities nor name external ones.
        root = fromstring(document, forbid_dtd=True)
    except (
        InvalidInput,
        DefusedXmlException,
        ParseError,
        ValueError,
        LookupError,
    ):
        return None

    # The assertion may be inside of the answer of a token service.
    return next(root.iter(f"{_SAML}Assertion"), None)


def _text(element: Any, path: str) -> Optional[str]:
    """The text of an element below, or None if there is none."""
    text = (element.findtext(path) or "").strip()
    return text or None
