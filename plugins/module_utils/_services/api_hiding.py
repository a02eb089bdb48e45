# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the names that a person has chosen, and hides them in facts that are published."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from typing import Optional
from urllib.parse import urlsplit

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import Reply
from ansible_collections.esx.trust.plugins.module_utils._services.registry import RESOURCES

#: Replaces a name that must not be published.
HIDDEN = "(hidden)"
#: A name with at most so many characters can be a part of ordinary words, so it is only hidden as a whole word.
_SHORT = 3
#: The fields of the resources of a host that hold names.
_NAME_FIELDS = frozenset(field for facts in RESOURCES for field in facts.name_fields)


def hide(value: Any, names: Iterable[Optional[str]]) -> Any:
    """The value without any of the names, at any depth.

    A short name is hidden only as a whole word, a longer name also inside of words.

    names: of hosts, users, providers, aliases and issuers. None and empty names are ignored.
    """
    given = {name for name in names if name}
    if not given:
        return value

    # Of two names that begin in the same place, the longer one has to be found.
    longest_first = sorted(given, key=len, reverse=True)
    patterns = []
    for name in longest_first:
        pattern = re.escape(name)
        if len(name) <= _SHORT:
            pattern = rf"(?<![A-Za-z0-9_]){pattern}(?![A-Za-z0-9_])"

        patterns.append(pattern)

    return _hidden(value, re.compile("|".join(patterns), re.IGNORECASE))


def _hidden(value: Any, names: re.Pattern[str]) -> Any:
    """The value, with HIDDEN in the place of each match."""
    if isinstance(value, str):
        return names.sub(HIDDEN, value)

    if isinstance(value, Mapping):
        return {name: _hidden(entry, names) for name, entry in value.items()}

    if isinstance(value, (list, tuple)):
        return [_hidden(entry, names) for entry in value]

    return value


def connection_names(connection: Connection) -> list[Optional[str]]:
    """The names in the options of a connection: of the host, the user and the proxy."""
    hostname = connection.hostname
    user = connection.username or ""
    proxy = urlsplit(connection.proxy).hostname if connection.proxy else None

    return [
        hostname,
        _short_name(hostname),
        user,
        user.partition("@")[0],
        user.rpartition("\\")[2],
        proxy,
        _short_name(proxy or ""),
    ]


def _short_name(hostname: str) -> Optional[str]:
    """The name of a host without its domain. None for an address, whose parts are no names."""
    try:
        ipaddress.ip_address(hostname.partition("%")[0])
    except ValueError:
        return hostname.partition(".")[0]

    return None


def host_names(*lists: Reply) -> list[str]:
    """Every name in the lists of a host: providers, aliases, issuers, the hosts in issuers, and subjects."""
    names: list[str] = []
    for reply in lists:
        names.extend(_chosen_names(reply.value))

    hosts = []
    for name in names:
        host = _host_of(name)
        if host:
            hosts.append(host)

    return names + hosts


def _chosen_names(value: Any) -> Iterator[str]:
    """The texts in the fields that hold names, at any depth of an answer."""
    if isinstance(value, list):
        for entry in value:
            yield from _chosen_names(entry)

    if isinstance(value, dict):
        for field, entry in value.items():
            if field in _NAME_FIELDS and isinstance(entry, str):
                yield entry
            else:
                yield from _chosen_names(entry)


def _host_of(text: str) -> Optional[str]:
    """The host in a URI, or None."""
    try:
        return urlsplit(text).hostname
    except ValueError:
        return None


def without_host_name(connection: Connection) -> Connection:
    """The connection with another name of the host, so that no warning of the result names the host."""
    return replace(connection, hostname="the host", port=443)
