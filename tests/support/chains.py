# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains as somebody declares them and as a host holds them, for the tests of reading certificates."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import pytest

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_host
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_options
from support.certificates import chain

PEM = chain(subject="plain")[0]
DEEP = chain(4, subject="deep")
BODY = "".join(PEM.splitlines()[1:-1])


def declared(*chains: Sequence[str]) -> tuple[Chain, ...]:
    return chains_from_options("chains", [{"cert_chain": list(texts)} for texts in chains])


def held(*chains: Sequence[str]) -> tuple[Chain, ...]:
    return chains_from_host([{"cert_chain": list(texts)} for texts in chains])


def refusal(*texts: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        declared(texts)
    return caught.value


def of_version(number: int) -> str:
    """A certificate that says it has another version of X.509."""
    der = base64.b64decode(BODY)
    assert der.count(b"\xa0\x03\x02\x01\x02") == 1

    return base64.b64encode(der.replace(b"\xa0\x03\x02\x01\x02", bytes([0xA0, 3, 2, 1, number - 1]))).decode()
