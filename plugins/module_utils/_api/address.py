# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names, addresses and ports of hosts and proxies, as people write them and as a URL needs them."""

from __future__ import annotations

import ipaddress
import re
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._secrets.masks import check_unmasked

# A name. It has no character that has another meaning in a URL, and no part that is empty or too long for DNS.
_HOSTNAME = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
# An address as a browser shows it.
_URL = re.compile(r"https://([^/?#]+)(?:[/?#].*)?", re.IGNORECASE)
# A name, or an address in brackets, with a port.
_WITH_PORT = re.compile(r"(\[.+\]|[^:]+):([0-9]{1,5})")
_ZONE = re.compile(r"[A-Za-z0-9._~-]+")
#: The port of HTTPS.
DEFAULT_PORT = 443


def host_and_port(hostname: str, port: Optional[int]) -> tuple[str, int]:
    """The host and the port.

    hostname: a name or an address. People also paste a URL here, with a scheme, a port, and a path.
    port: the option, or None if it was not given.

    Examples of `hostname`: "esx01.example.org", "192.0.2.7", "[2001:db8::7]:8443", "https://esx01.example.org/ui/".

    Raises InvalidInput.
    """
    text = hostname.strip()
    if not text:
        raise InvalidInput("hostname: is empty.")

    # A login in a URL can contain all characters that divide a URL. So no part is taken out of a text that may hold a
    # login; the check of the host name refuses it below.
    may_hold_a_login = "@" in text
    if not may_hold_a_login:
        url = _URL.fullmatch(text)
        text = url[1] if url else text

    with_port = None if may_hold_a_login else _WITH_PORT.fullmatch(text)
    if with_port is None:
        host = _host("hostname", text)
        return host, _port("port", DEFAULT_PORT if port is None else port)

    host = _host("hostname", with_port[1])
    port_in_hostname = _port("hostname", int(with_port[2]))
    if port is not None and port != port_in_hostname:
        raise InvalidInput(
            f"hostname: has port {port_in_hostname} in it, and port is {port}; leave one of them out.",
        )

    return host, port_in_hostname


def _host(option: str, value: str) -> str:
    """The host name in ASCII, or the address in its usual form. Raises InvalidInput, which names `option`."""
    value = check_unmasked(option, value.strip())
    if not value:
        raise InvalidInput(f"{option}: is empty.")

    has_brackets = value.startswith("[") and value.endswith("]")
    bare = value[1:-1] if has_brackets else value
    address, _percent, zone = bare.partition("%")
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        parsed = None

    if parsed is not None and not zone:
        return str(parsed)
    if parsed is not None and parsed.version == 6 and _ZONE.fullmatch(zone):
        return f"{parsed}%{zone}"

    try:
        ascii_name = value if value.isascii() else value.encode("idna").decode()
    except UnicodeError:
        ascii_name = ""

    if not _HOSTNAME.fullmatch(ascii_name):
        # People put logins into URLs, so the value may be a secret.
        raise InvalidInput(
            f"{option}: is neither a host name nor an address; give it without scheme, login, port and path.",
            secrets=(value,),
        )

    return ascii_name


def _port(option: str, value: int) -> int:
    """Return `value` if it is a port. Raises InvalidInput, which names `option`."""
    if not 1 <= value <= 65535:
        raise InvalidInput(f"{option}: {value} is not a port.")

    return value


def in_url(hostname: str) -> str:
    """The host in the form that a URL needs: an IPv6 address stands in brackets."""
    if ":" not in hostname:
        return hostname

    return f"[{hostname.replace('%', '%25')}]"


def proxy_url(host: Optional[str], port: Optional[int]) -> Optional[str]:
    """The URL of the proxy, or None without one. Raises InvalidInput."""
    if not host and port is None:
        return None

    if not host or port is None:
        missing, given = ("proxy_port", "proxy_host") if host else ("proxy_host", "proxy_port")
        raise InvalidInput(f"{missing}: is needed with {given}.")

    proxy_host = _host("proxy_host", host)
    proxy_port = _port("proxy_port", port)
    return f"http://{in_url(proxy_host)}:{proxy_port}"
