# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options, checked: everything that is needed to talk to one host."""

from __future__ import annotations

import base64
import binascii
import gzip
import ipaddress
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput

# A name and nothing that a URL would read as something else; DNS knows no empty parts, and none of more characters.
_HOSTNAME = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
# An address as a browser shows it, and a name or a bracketed address with a port behind it.
_URL = re.compile(r"https://([^/?#]+)(?:[/?#].*)?", re.IGNORECASE)
_WITH_PORT = re.compile(r"(\[.+\]|[^:]+):([0-9]{1,5})")
# RFC 7617 allows none of them in a name or a password.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LINE_BREAKS = "\r\n"
_ZONE = re.compile(r"[A-Za-z0-9._~-]+")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]+")
#: Seconds; nobody waits longer than a day for one answer.
_LONGEST_TIMEOUT = 86400
_DEFAULT_PORT = 443


@dataclass(frozen=True)
class Connection:
    """Where a host is, how it proves itself, and how we do. Secrets stay out of its repr."""

    hostname: str
    port: int = _DEFAULT_PORT
    username: Optional[str] = None
    password: Optional[str] = field(default=None, repr=False)
    access_token: Optional[str] = field(default=None, repr=False)
    #: As the SIGN scheme carries it: Base64 of the gzipped XML.
    saml_token: Optional[str] = field(default=None, repr=False)
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
        """Check the options of `arguments.CONNECTION`; those of the login mean nothing to what is `public`.

        Raises InvalidInput, which names the option, for whatever could not work.
        """
        timeout = params["timeout"]
        if not (math.isfinite(timeout) and 0 < timeout <= _LONGEST_TIMEOUT):
            raise InvalidInput(
                f"timeout: {timeout:g} is not a time, give seconds above 0 and up to {_LONGEST_TIMEOUT}."
            )
        if params["retries"] < 0:
            raise InvalidInput(f"retries: {params['retries']} is less than 0.")
        access_token, saml_token = params["access_token"] or None, params["saml_token"] or None
        username, password = params["username"] or None, params["password"] or None
        if public:
            access_token = saml_token = username = password = None
        elif not (access_token or saml_token) and not (username and password):
            missing = "username" if not username else "password"
            raise InvalidInput(f"{missing}: is needed, unless access_token or saml_token is given.")
        if saml_token and not access_token and params["auth_method"] == "basic":
            raise InvalidInput("saml_token: cannot be sent with auth_method basic, use another.")
        for name, text in (("username", username), ("password", password)):
            if text and not _encodable(text):
                raise InvalidInput(f"{name}: is no valid Unicode text.")
        _check_login(username, password, needed=not (access_token or saml_token))
        if access_token and access_token.endswith(tuple(_LINE_BREAKS)):
            raise InvalidInput(f"access_token: {_ENDS_WITH_A_LINE_BREAK}")
        if access_token and not _TOKEN.fullmatch(access_token):
            raise InvalidInput("access_token: has characters that a token cannot have.")
        if saml_token:
            saml_token = _saml(saml_token)
        hostname, port = where(params["hostname"], params["port"])
        return cls(
            hostname=hostname,
            port=port,
            username=username,
            password=password,
            access_token=access_token,
            saml_token=saml_token,
            auth_method=params["auth_method"],
            api_protocol=params.get("api_protocol") or "auto",
            validate_certs=params["validate_certs"],
            ca_path=params["ca_path"],
            thumbprint=_thumbprint(params["thumbprint"]),
            proxy=_proxy(params["proxy_host"], params["proxy_port"]),
            timeout=timeout,
            retries=params["retries"],
        )

    @property
    def secrets(self) -> tuple[Optional[str], ...]:
        """Every value that must never be printed."""
        return (
            self.password,
            self.access_token,
            self.saml_token,
            self.basic_credentials if self.password else None,
        )

    @property
    def url(self) -> str:
        """The base of the host's URLs."""
        return f"https://{_in_url(self.hostname)}:{self.port}"

    @property
    def name(self) -> str:
        """How messages call the host."""
        return self.hostname if self.port == _DEFAULT_PORT else f"{_in_url(self.hostname)}:{self.port}"

    @property
    def basic_credentials(self) -> str:
        """The credentials of the Basic scheme (RFC 7617, UTF-8)."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


_ENDS_WITH_A_LINE_BREAK = (
    "ends with a line break, which is no part of it as a rule; nothing was sent. Put it into the vault without one, for"
    " instance with printf in place of echo."
)


def _check_login(username: Optional[str], password: Optional[str], needed: bool) -> None:
    """Refuse what cannot be a login, because a refused login counts towards the locking of the account.

    Blanks at the ends of a password are legal. Raises InvalidInput.
    """
    if not needed:
        return
    for name, text in (("username", username), ("password", password)):
        if text and text.endswith(tuple(_LINE_BREAKS)):
            raise InvalidInput(f"{name}: {_ENDS_WITH_A_LINE_BREAK}")
        if text and _CONTROL.search(text):
            raise InvalidInput(f"{name}: has a line break, a tab or another control character in it; nothing was sent.")
    if username and ":" in username:
        raise InvalidInput("username: HTTP Basic authentication allows no colon in it.", secrets=(username,))
    if username and username != username.strip():
        raise InvalidInput("username: has blanks at an end; nothing was sent.")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _saml(token: str) -> str:
    """The token as Base64 of the gzipped XML, from the XML, from Base64 of it, or from that form itself."""
    if not token.lstrip().startswith("<"):
        folded = "".join(token.split())
        if not _BASE64.fullmatch(folded):
            raise InvalidInput("saml_token: is neither XML nor Base64.")
        try:
            token = base64.b64decode(folded, validate=True).decode()
        except (binascii.Error, ValueError):
            return folded
        if not token.lstrip().startswith("<"):
            return folded
    if not _encodable(token):
        raise InvalidInput("saml_token: is no valid Unicode text.")
    # mtime is fixed so that the same token always looks the same.
    return base64.b64encode(gzip.compress(token.strip().encode(), mtime=0)).decode()


def where(hostname: str, port: Optional[int]) -> tuple[str, int]:
    """Host and port, from the options or from what people paste as hostname: with a scheme, a port, and a path.

    port: None if it was not given. Raises InvalidInput.
    """
    text = hostname.strip()
    if not text:
        raise InvalidInput("hostname: is empty.")
    # A login can hold any of the characters that divide a URL, so nothing is taken out of what may have one.
    pasted = None if "@" in text else _URL.fullmatch(text)
    text = pasted[1] if pasted else text
    with_port = None if "@" in text else _WITH_PORT.fullmatch(text)
    if with_port is None:
        return _host("hostname", text), _port("port", _DEFAULT_PORT if port is None else port)
    host, own_port = _host("hostname", with_port[1]), _port("hostname", int(with_port[2]))
    if port is not None and port != own_port:
        raise InvalidInput(f"hostname: has port {own_port} in it, and port is {port}; leave one of them out.")
    return host, own_port


def _host(option: str, value: str) -> str:
    value = value.strip()
    if not value:
        raise InvalidInput(f"{option}: is empty.")
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    address, _percent, zone = bare.partition("%")
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        parsed = None
    if parsed is not None and (not zone or (parsed.version == 6 and _ZONE.fullmatch(zone))):
        return f"{parsed}%{zone}" if zone else str(parsed)
    try:
        ascii_name = value.encode("idna").decode() if not value.isascii() else value
    except UnicodeError:
        ascii_name = ""
    if not _HOSTNAME.fullmatch(ascii_name):
        # People put logins into URLs.
        raise InvalidInput(
            f"{option}: is neither a host name nor an address; give it without scheme, login, port and path.",
            secrets=(value,),
        )
    return ascii_name


def _port(option: str, value: int) -> int:
    if not 1 <= value <= 65535:
        raise InvalidInput(f"{option}: {value} is not a port.")
    return value


def _in_url(hostname: str) -> str:
    return f"[{hostname.replace('%', '%25')}]" if ":" in hostname else hostname


def _proxy(host: Optional[str], port: Optional[int]) -> Optional[str]:
    if not host and port is None:
        return None
    if not host or port is None:
        missing, given = ("proxy_port", "proxy_host") if host else ("proxy_host", "proxy_port")
        raise InvalidInput(f"{missing}: is needed with {given}.")
    return f"http://{_in_url(_host('proxy_host', host))}:{_port('proxy_port', port)}"


def _thumbprint(value: Optional[str]) -> Optional[bytes]:
    if not value:
        return None
    digits = re.sub(r"[:\s]", "", re.sub(r"^\s*sha-?256(\s*fingerprint)?\s*[:=]?", "", value, flags=re.IGNORECASE))
    try:
        digest = bytes.fromhex(digits)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise InvalidInput("thumbprint: is not the SHA-256 of a certificate, which has 64 hexadecimal digits.")
    return digest
