# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the hosts of a fleet are given the same key for the same key provider. Of a key, only a digest is kept."""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.plugin_utils._roll_out import is_blank

#: How many hosts are named where more are meant.
NAMED = 5

#: Why a declaration that leaves no issuer is refused.
REFUSAL = (
    "esx_purge_token_issuers is true, and esx_token_issuers declares no issuer that shall be there. That would "
    "delete every token issuer of the host. If you mean it, set esx_purge_all_token_issuers to true as well."
)

#: Which keys a host is given, by provider: the key_id in one spelling and a digest of the key, or empty texts.
Keys = dict[str, list[dict[str, str]]]


def keys(providers: Any) -> Keys:
    """The keys of a declaration of key providers.

    What is not of the right form is left out: the module refuses it, and says why without repeating it.
    """
    found: Keys = {}
    # What is undefined raises when it is asked whether it is empty, and only then.
    for entry in providers if providers and isinstance(providers, (list, tuple)) else ():
        if not isinstance(entry, Mapping) or not is_present(entry):
            continue
        key_id, key = _text(entry.get("key_id")), _text(entry.get("key_derivation_key"))
        if _text(entry.get("provider")):
            one = {"key_id": _key_id(key_id), "key": _digest(key)}
            found.setdefault(_text(entry["provider"]), []).append(one)
    return found


def is_present(entry: Mapping[str, Any]) -> bool:
    """True if an entry of a declaration shall be there. An empty state is as good as none, and none means present."""
    state = entry.get("state")
    return is_blank(state) or str(state).strip() == "present"


def differences(fleet: Mapping[str, Keys]) -> list[str]:
    """A sentence for each provider that is given different keys or key_ids; no key and no key_id is in it."""
    names = sorted({name for given in fleet.values() for name in given})
    return [sentence for name in names for sentence in _differences_of(name, fleet)]


def _differences_of(name: str, fleet: Mapping[str, Keys]) -> Iterator[str]:
    for part, what in (("key_id", "key_ids"), ("key", "keys")):
        hosts: dict[str, list[str]] = {}
        for host, given in fleet.items():
            # One host may name a provider twice.
            for value in dict.fromkeys(entry[part] for entry in given.get(name, ()) if entry[part]):
                hosts.setdefault(value, []).append(host)
        if len(hosts) > 1:
            groups = sorted(hosts.values(), key=lambda group: (-len(group), group))
            parts = [f"{'one' if number == 0 else 'another'} to {named(g)}" for number, g in enumerate(groups)]
            yield f"The key provider {name!r} is given different {what}: {'; '.join(parts)}."


def named(hosts: Iterable[str]) -> str:
    """The hosts as a sentence names them: all of a few, and of many the first and a number."""
    every = sorted(hosts)
    more = len(every) - NAMED
    if more <= 1:
        return ", ".join(every)
    return f"{', '.join(every[:NAMED])} and {more} more"


def _text(value: Any) -> str:
    """The value as text, that of a vaulted one too. Empty for a template that could not be resolved."""
    text = str(value or "").strip()
    return "" if "{{" in text else text


def _key_id(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return text.lower()


def _digest(text: str) -> str:
    if not text:
        return ""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = text.encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest()
