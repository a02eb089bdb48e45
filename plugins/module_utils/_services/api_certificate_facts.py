# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the form in which a host returns certificates."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_host
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_options


def certificate_facts(chains: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The form in which a host returns certificates. chains: as the API returns them."""
    texts: list[str] = []
    for chain in chains:
        texts.extend(chain["cert_chain"])

    return {**_facts_of_texts(texts), **_facts_of_chains(chains)}


def _facts_of_texts(texts: Sequence[str]) -> dict[str, Any]:
    """The form in which certificates are written."""
    forms = set()
    line_lengths = set()
    for text in texts:
        forms.add(text_form(text))
        if "\n" in text.strip():
            line_lengths.add(max(map(len, text.splitlines())))

    return {
        "forms": sorted(forms),
        "line_lengths": sorted(line_lengths),
        "trailing_newline": _same(text.endswith("\n") for text in texts),
        "one_certificate_each": _same(text.count("-----BEGIN ") <= 1 for text in texts),
    }


def _facts_of_chains(chains: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The lengths of chains, and the order of their certificates."""
    leaf_first = []
    for chain in chains:
        if len(chain["cert_chain"]) > 1:
            leaf_first.append(_leaf_first(chain))

    chain_lengths = []
    self_signed = []
    for read in chains_from_host(chains):
        chain_lengths.append(len(read.certificates))
        if len(read.certificates) > 1:
            last = read.certificates[-1]
            self_signed.append(last.subject == last.issuer)

    return {
        "chain_lengths": sorted(chain_lengths),
        "leaf_first": _same(leaf_first),
        "ends_with_self_signed": _same(self_signed),
    }


def text_form(text: str) -> str:
    """The form in which a certificate is written."""
    inner = text.strip()
    if "-----BEGIN " in inner:
        if "\\n" in inner:
            return "pem, line ends written out"

        if "\n" not in inner:
            return "pem, one line"

        return "pem, CRLF" if "\r\n" in inner else "pem"

    try:
        base64.b64decode("".join(inner.split()), validate=True)
    except (binascii.Error, ValueError):
        return "other"

    return "base64, lines" if "\n" in inner else "base64"


def _leaf_first(chain: Mapping[str, Any]) -> bool:
    """True if each certificate of a chain was issued by the next one."""
    try:
        chains_from_options("chain", [chain])
    except InvalidInput:
        return False

    return True


def _same(answers: Iterable[bool]) -> Optional[bool]:
    """The answer if all answers are equal, otherwise None."""
    found = set(answers)
    return found.pop() if len(found) == 1 else None
