# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options, checked: everything that is needed to talk to one host."""

from __future__ import annotations

import base64
import binascii
import gzip
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput

# A name or an address and nothing that a URL would read as something else.
_HOSTNAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Connection:
    """Where a host is, how it proves itself, and how we do. Secrets stay out of its repr."""

    hostname: str
    port: int = 443
    username: Optional[str] = None
    password: Optional[str] = field(default=None, repr=False)
    access_token: Optional[str] = field(default=None, repr=False)
    saml_token: Optional[str] = field(default=None, repr=False)
    auth_method: str = "token"
    validate_certs: bool = True
    ca_path: Optional[str] = None
    thumbprint: Optional[bytes] = None
    proxy: Optional[str] = None
    timeout: float = 30
    retries: int = 3

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Connection:
        """Check the options of `_arguments.CONNECTION`.

        Raises InvalidInput, which names the option, for whatever could not work.
        """
        if params["timeout"] <= 0:
            raise InvalidInput(f"timeout: {params['timeout']:g} is not a time, give seconds above 0.")
        if params["retries"] < 0:
            raise InvalidInput(f"retries: {params['retries']} is less than 0.")
        access_token, saml_token = params["access_token"] or None, params["saml_token"] or None
        username, password = params["username"] or None, params["password"] or None
        if not (access_token or saml_token) and not (username and password):
            missing = "username" if not username else "password"
            raise InvalidInput(f"{missing}: is needed, unless access_token or saml_token is given.")
        if saml_token and not access_token and params["auth_method"] == "basic":
            raise InvalidInput("saml_token: cannot be sent with auth_method basic, use auth_method token.")
        if username and ":" in username and not (access_token or saml_token):
            raise InvalidInput("username: HTTP Basic authentication allows no colon in it.")
        for name, token in (("access_token", access_token),):
            if token and not re.fullmatch(r"[\x21-\x7e]+", token):
                raise InvalidInput(f"{name}: has characters that a token cannot have.")
        return cls(
            hostname=_host("hostname", params["hostname"]),
            port=_port("port", params["port"]),
            username=username,
            password=password,
            access_token=access_token,
            saml_token=saml_token,
            auth_method=params["auth_method"],
            validate_certs=params["validate_certs"],
            ca_path=params["ca_path"],
            thumbprint=_thumbprint(params["thumbprint"]),
            proxy=_proxy(params["proxy_host"], params["proxy_port"]),
            timeout=params["timeout"],
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
            self.saml_credentials if self.saml_token else None,
        )

    @property
    def url(self) -> str:
        """The base of the host's URLs."""
        return f"https://{_in_url(self.hostname)}:{self.port}"

    @property
    def name(self) -> str:
        """How messages call the host."""
        return self.hostname if self.port == 443 else f"{_in_url(self.hostname)}:{self.port}"

    @property
    def basic_credentials(self) -> str:
        """The credentials of the Basic scheme (RFC 7617, UTF-8)."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    @property
    def saml_credentials(self) -> str:
        """The SAML token as the SIGN scheme carries it: Base64 of the gzipped XML.

        Taken as it is if it is not XML, since it then has that form already.
        """
        token = (self.saml_token or "").strip()
        if not token.startswith("<"):
            try:
                token = base64.b64decode(token, validate=True).decode()
            except (binascii.Error, ValueError):
                return token
            if not token.lstrip().startswith("<"):
                return (self.saml_token or "").strip()
        # mtime is fixed so that the same token always looks the same.
        return base64.b64encode(gzip.compress(token.encode(), mtime=0)).decode()


def _host(option: str, value: str) -> str:
    value = value.strip()
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        pass
    try:
        ascii_name = value.encode("idna").decode() if not value.isascii() else value
    except UnicodeError:
        ascii_name = ""
    if not _HOSTNAME.fullmatch(ascii_name):
        raise InvalidInput(
            f"{option}: {value!r} is neither a host name nor an address; give it without scheme, port and path."
        )
    return ascii_name


def _port(option: str, value: int) -> int:
    if not 1 <= value <= 65535:
        raise InvalidInput(f"{option}: {value} is not a port.")
    return value


def _in_url(hostname: str) -> str:
    return f"[{hostname.replace('%', '%25')}]" if ":" in hostname else hostname


def _proxy(host: Optional[str], port: Optional[int]) -> Optional[str]:
    if not host or port is None:
        return None
    return f"http://{_in_url(_host('proxy_host', host))}:{_port('proxy_port', port)}"


def _thumbprint(value: Optional[str]) -> Optional[bytes]:
    if not value:
        return None
    digits = re.sub(r"[:\s]", "", re.sub(r"^\s*sha-?256\s*[:=]?", "", value, flags=re.IGNORECASE))
    try:
        digest = bytes.fromhex(digits)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise InvalidInput("thumbprint: is not the SHA-256 of a certificate, which has 64 hexadecimal digits.")
    return digest
