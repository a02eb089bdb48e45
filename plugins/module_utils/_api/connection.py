# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a connection, after they were checked: everything that a client needs to reach one host."""

from __future__ import annotations

import base64
import binascii
import gzip
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.address import DEFAULT_PORT
from ansible_collections.esx.trust.plugins.module_utils._api.address import host_and_port
from ansible_collections.esx.trust.plugins.module_utils._api.address import in_url
from ansible_collections.esx.trust.plugins.module_utils._api.address import proxy_url
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import UserPassword
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._secrets.masks import check_unmasked

# RFC 7617 allows no control characters in a name or a password.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LINE_BREAKS = "\r\n"
_TOKEN = re.compile(r"[\x21-\x7e]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]+")
_ENDS_WITH_A_LINE_BREAK = (
    "ends with a line break, which is usually a mistake; nothing was sent. Put the value into the vault without the"
    " line break, for instance with printf in place of echo."
)
#: The longest time to wait for an answer, in seconds: one day.
_LONGEST_TIMEOUT = 86400


@dataclass(frozen=True)
class Connection:
    """Where a host is, how it proves its identity, and the credentials for it. The repr has no secrets.

    thumbprint: the 32 bytes of the SHA-256 of the host's certificate, or None.
    proxy: the URL of the proxy, or None.
    timeout: in seconds.
    retries: how many times a client may repeat a request.
    """

    hostname: str
    port: int = DEFAULT_PORT
    username: Optional[str] = None
    password: Optional[str] = field(default=None, repr=False)
    access_token: Optional[str] = field(default=None, repr=False)
    #: In the form of the SIGN scheme, which is the Base64 of the gzipped XML.
    saml_token: Optional[str] = field(default=None, repr=False)
    #: token, basic or session.
    auth_method: str = "token"
    #: The form of the API: auto, rest or jsonrpc.
    api_protocol: str = "auto"
    validate_certs: bool = True
    ca_path: Optional[str] = None
    thumbprint: Optional[bytes] = None
    proxy: Optional[str] = None
    timeout: float = 30
    retries: int = 3

    @classmethod
    def from_params(cls, params: Mapping[str, Any], public: bool = False) -> Connection:
        """Check the options of `connection_options.CONNECTION`, and make a connection of them.

        params: the options by their names.
        public: True if no login is needed; the options of the login are then ignored.

        Raises InvalidInput, which names the option, for a value that cannot work.
        """
        _check_numbers(params["timeout"], params["retries"])
        credentials = {} if public else _credentials(params)
        hostname, port = host_and_port(params["hostname"], params["port"])

        return cls(
            hostname=hostname,
            port=port,
            **credentials,
            auth_method=params["auth_method"],
            api_protocol=params.get("api_protocol") or "auto",
            validate_certs=params["validate_certs"],
            ca_path=params["ca_path"],
            thumbprint=_thumbprint(params["thumbprint"]),
            proxy=proxy_url(params["proxy_host"], params["proxy_port"]),
            timeout=params["timeout"],
            retries=params["retries"],
        )

    @property
    def secrets(self) -> tuple[Optional[str], ...]:
        """All values that must never be printed."""
        secrets = (self.password, self.access_token, self.saml_token)
        if not self.password:
            return secrets

        return (*secrets, UserPassword(self.username or "", self.password).basic)

    @property
    def url(self) -> str:
        """The base of the host's URLs."""
        return f"https://{in_url(self.hostname)}:{self.port}"

    @property
    def name(self) -> str:
        """The name of the host in messages. It has the port if that is not 443."""
        if self.port == DEFAULT_PORT:
            return self.hostname

        return f"{in_url(self.hostname)}:{self.port}"


def _check_numbers(timeout: float, retries: int) -> None:
    """Raise InvalidInput for a timeout or a number of retries that cannot work."""
    if not (math.isfinite(timeout) and 0 < timeout <= _LONGEST_TIMEOUT):
        raise InvalidInput(f"timeout: {timeout:g} is not a time, give seconds above 0 and up to {_LONGEST_TIMEOUT}.")

    if retries < 0:
        raise InvalidInput(f"retries: {retries} is less than 0.")


def _credentials(params: Mapping[str, Any]) -> dict[str, Optional[str]]:
    """The credentials in the options, by the names of the options. Raises InvalidInput for those that cannot work."""
    access_token = params["access_token"] or None
    saml_token = params["saml_token"] or None
    username = params["username"] or None
    password = params["password"] or None

    needs_password = not (access_token or saml_token)
    if needs_password and not (username and password):
        missing = "username" if not username else "password"
        raise InvalidInput(f"{missing}: is needed, unless access_token or saml_token is given.")

    if saml_token and not access_token and params["auth_method"] == "basic":
        raise InvalidInput("saml_token: cannot be sent with auth_method basic; use token or session.")

    for name, text in (("username", username), ("password", password)):
        if text and not _encodable(text):
            raise InvalidInput(f"{name}: is no valid Unicode text.")

    if needs_password:
        _check_login(username, password)
    if access_token:
        _check_token(access_token)
    if saml_token:
        saml_token = _saml(saml_token)

    return {
        "username": username,
        "password": password,
        "access_token": access_token,
        "saml_token": saml_token,
    }


def _check_login(username: Optional[str], password: Optional[str]) -> None:
    """Raise InvalidInput for a name or a password that a host would certainly refuse.

    A refused login counts towards the locking of the account, so it must not be sent. A password may begin or end with
    a blank.
    """
    for name, text in (("username", username), ("password", password)):
        if text and text.endswith(tuple(_LINE_BREAKS)):
            raise InvalidInput(f"{name}: {_ENDS_WITH_A_LINE_BREAK}")
        if text and _CONTROL.search(text):
            raise InvalidInput(f"{name}: has a line break, a tab or another control character in it; nothing was sent.")

        if text:
            check_unmasked(name, text)

    if username and ":" in username:
        raise InvalidInput(
            "username: HTTP Basic authentication allows no colon in a name.",
            secrets=(username,),
        )

    if username and username != username.strip():
        raise InvalidInput("username: has blanks at an end; nothing was sent.")


def _check_token(access_token: str) -> None:
    """Raise InvalidInput for a text that cannot be an access token."""
    check_unmasked("access_token", access_token)
    if access_token.endswith(tuple(_LINE_BREAKS)):
        raise InvalidInput(f"access_token: {_ENDS_WITH_A_LINE_BREAK}")

    if not _TOKEN.fullmatch(access_token):
        raise InvalidInput("access_token: has characters that a token cannot have.")


def _encodable(text: str) -> bool:
    """True if UTF-8 can express the text. It cannot express a half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False

    return True


def _saml(token: str) -> str:
    """The SAML token as the Base64 of the gzipped XML.

    token: the XML, the Base64 of the XML, or the Base64 of the gzipped XML.

    Raises InvalidInput.
    """
    check_unmasked("saml_token", token)

    if not _begins_as_xml(token):
        without_white_space = "".join(token.split())
        if not _BASE64.fullmatch(without_white_space):
            raise InvalidInput("saml_token: is neither XML nor Base64.")

        try:
            token = base64.b64decode(without_white_space, validate=True).decode()
        except (binascii.Error, ValueError):
            # Gzipped XML is no text.
            return without_white_space

        if not _begins_as_xml(token):
            return without_white_space

        check_unmasked("saml_token", token)

    if not _encodable(token):
        raise InvalidInput("saml_token: is no valid Unicode text.")

    # The time in the gzip header is fixed, so that the same token always has the same form.
    zipped = gzip.compress(token.strip().encode(), mtime=0)
    return base64.b64encode(zipped).decode()


def _begins_as_xml(text: str) -> bool:
    return text.lstrip().startswith("<")


def _thumbprint(value: Optional[str]) -> Optional[bytes]:
    """The 32 bytes of a SHA-256, or None without a value.

    value: 64 hexadecimal digits. Colons and blanks may separate them, and the name of the algorithm may come first.

    Raises InvalidInput.
    """
    if not value:
        return None

    without_name = re.sub(r"^\s*sha-?256(\s*fingerprint)?\s*[:=]?", "", value, flags=re.IGNORECASE)
    digits = re.sub(r"[:\s]", "", without_name)
    try:
        digest = bytes.fromhex(digits)
    except ValueError:
        digest = b""

    if len(digest) != 32:
        raise InvalidInput("thumbprint: is not the SHA-256 of a certificate, which has 64 hexadecimal digits.")

    return digest
