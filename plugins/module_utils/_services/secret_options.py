# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds secrets in the values of options: in the secret options, and in wrong places."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._secrets.masks import NOT_SHOWN
from ansible_collections.esx.trust.plugins.module_utils._services.option_specifications import entries_of
from ansible_collections.esx.trust.plugins.module_utils._services.option_specifications import options_by_spelling

#: The separators at which Ansible cuts a text into words.
_WORDS = re.compile(r"[=,\s]+")


def without_secrets(value: Any, names: set[str]) -> Any:
    """The value, with the values of these names replaced at any depth."""
    if isinstance(value, Mapping):
        shown = {}
        for name, entry in value.items():
            if name in names and entry is not None:
                shown[name] = NOT_SHOWN
            else:
                shown[name] = without_secrets(entry, names)

        return shown

    if isinstance(value, (list, tuple)):
        return [without_secrets(entry, names) for entry in value]

    return value


def secret_names(options: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The names and aliases of the secret options, at any depth."""
    for name, option in options.items():
        if option.get("no_log"):
            yield from (name, *option.get("aliases", ()))

        yield from secret_names(option.get("options", {}))


def names_with_choices(options: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The names of the options that take one of a few words, at any depth. No such word is a secret."""
    for name, option in options.items():
        if "choices" in option and option.get("type") != "list":
            yield name

        yield from names_with_choices(option.get("options", {}))


def texts_under(names: Collection[str], value: Any) -> list[str]:
    """Every text under one of the names, at any depth."""
    found: list[str] = []

    if isinstance(value, (dict, Mapping)):
        for name, entry in value.items():
            found += _texts(entry) if name in names else texts_under(names, entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            found += texts_under(names, entry)

    return found


def misplaced_texts(
    options: Mapping[str, Mapping[str, Any]],
    likely_secrets: Mapping[str, Callable[[Any], Iterable[str]]],
    params: Mapping[str, Any],
) -> Iterator[str]:
    """The texts that may be a secret in a wrong place: values that their option cannot have, and unknown options."""
    by_spelling = options_by_spelling(options)
    for name, value in params.items():
        option = by_spelling.get(name)
        if option is None:
            yield from _texts(value)
            if value in ("", None):
                # The name may be Base64 that ends in "=", which Ansible reads as "name=value".
                yield str(name)
        elif not _is_choice(option, value):
            yield from _texts(value)
        elif option["type"] in ("bool", "int", "float") and isinstance(value, str):
            yield value
        elif "options" in option:
            yield from _misplaced_in_entries(option["options"], likely_secrets, value)
        elif name in likely_secrets and value is not None:
            yield from likely_secrets[name](value)


def _misplaced_in_entries(
    options: Mapping[str, Mapping[str, Any]],
    likely_secrets: Mapping[str, Callable[[Any], Iterable[str]]],
    value: Any,
) -> Iterator[str]:
    """The texts in the entries of an option that may be a secret in a wrong place. options: those of an entry."""
    for entry in entries_of(value):
        if isinstance(entry, Mapping):
            yield from misplaced_texts(options, likely_secrets, entry)
            continue

        for text in _texts(entry):
            yield text
            # Ansible may cut the text into words before it shows them.
            yield from _WORDS.split(text)


def _is_choice(option: Mapping[str, Any], value: Any) -> bool:
    """True if the value, or each entry of a list, is one of the option's choices. True if the option has no choices."""
    if "choices" not in option:
        return True

    entries = entries_of(value) if option["type"] == "list" else (value,)
    return all(entry in option["choices"] for entry in entries)


def _texts(value: Any) -> Iterator[str]:
    """Every text and number in the value, also the keys of dictionaries, because YAML makes them of some texts."""
    if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "":
        yield str(value)
    elif isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _texts(name)
            yield from _texts(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _texts(entry)


def private_keys(value: Any) -> list[str]:
    """Every text in the value that holds a private key."""
    if isinstance(value, str):
        return [value] if "PRIVATE KEY" in value else []

    entries: Iterable[Any] = ()
    if isinstance(value, (dict, Mapping)):
        entries = value.values()
    elif isinstance(value, (list, tuple)):
        entries = value

    found = []
    for entry in entries:
        found += private_keys(entry)

    return found
