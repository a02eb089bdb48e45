# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the declarations of a fleet give every host the same key for the same key provider.

Only a digest of each key is kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._services.key_ids import canonical_key_id
from ansible_collections.esx.trust.plugins.module_utils._services.option_specifications import is_blank
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import listed

#: A sentence about many hosts names so many of them.
NAMED = 5

#: The keys that a host is given, by the name of the provider. Each has `key_id`, in one spelling, and `key`, a digest.
#: A part that is not declared is an empty text.
Keys = dict[str, list[dict[str, str]]]


def keys(providers: Any) -> Keys:
    """The keys that a declaration of key providers gives.

    Entries of a wrong form are left out, because the module refuses them and says why without
    repeating them.
    Raises jinja2's UndefinedError if the variable is undefined.
    """
    found: Keys = {}
    # The first test must be whether it is empty: only this makes an undefined variable raise its error.
    if not providers or not isinstance(providers, (list, tuple)):
        return found

    for entry in providers:
        if not isinstance(entry, Mapping) or not is_present(entry):
            continue

        name = _text(entry.get("provider"))
        key_id = _text(entry.get("key_id"))
        key = _text(entry.get("key_derivation_key"))
        if name:
            found.setdefault(name, []).append({"key_id": canonical_key_id(key_id), "key": _digest(key)})

    return found


def is_present(entry: Mapping[str, Any]) -> bool:
    """True if the state of a declared entry is present. An entry without a state, or with a blank one, is present."""
    state = entry.get("state")
    return is_blank(state) or str(state).strip() == "present"


def differences(fleet: Mapping[str, Keys]) -> list[str]:
    """A sentence for each provider that is given different keys or key_ids. It holds no key and no key_id.

    fleet: the keys of each host, by the name of the host.
    """
    names: set[str] = set()
    for keys_of_host in fleet.values():
        names.update(keys_of_host)

    sentences: list[str] = []
    for name in sorted(names):
        sentences.extend(_differences_of(name, fleet))

    return sentences


def _differences_of(name: str, fleet: Mapping[str, Keys]) -> Iterator[str]:
    """The sentences about the provider of this name."""
    for part, noun in (("key_id", "key_ids"), ("key", "keys")):
        hosts: dict[str, list[str]] = {}
        for host, keys_of_host in fleet.items():
            # A host may declare a provider twice. It is counted once for each value.
            values = dict.fromkeys(entry[part] for entry in keys_of_host.get(name, ()))
            for value in values:
                if value:
                    hosts.setdefault(value, []).append(host)

        if len(hosts) < 2:
            continue

        clauses: list[str] = []
        for group in sorted(hosts.values(), key=lambda group: (-len(group), group)):
            article = "another" if clauses else "one"
            clauses.append(f"{article} to {named(group)}")

        yield f"The key provider {name!r} is given different {noun}: {'; '.join(clauses)}."


def named(hosts: Iterable[str]) -> str:
    """The hosts as a sentence names them: all of them, or the first few and the number of the others."""
    names = sorted(hosts)
    # The name of one more host takes no more room than the words for it.
    most = NAMED + 1 if len(names) == NAMED + 1 else NAMED

    return listed(names, most)


def _text(value: Any) -> str:
    """The value as text; a vaulted value is decrypted. Empty for a template that could not be resolved."""
    text = str(value or "").strip()
    return "" if "{{" in text else text


def _digest(text: str) -> str:
    """The SHA-256 of the key's bytes, in hexadecimal. Empty for an empty key."""
    if not text:
        return ""

    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = text.encode("utf-8", "surrogatepass")

    return hashlib.sha256(data).hexdigest()
