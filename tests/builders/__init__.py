# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Things to test with that are long to write and quick to make."""

from __future__ import annotations

from builders.certificates import Authority
from builders.certificates import Issued
from builders.certificates import bundle
from builders.certificates import chain
from builders.certificates import dresses
from builders.certificates import fingerprint
from builders.certificates import private_key_pem
from builders.certificates import private_keys

__all__ = ["Authority", "Issued", "bundle", "chain", "dresses", "fingerprint", "private_key_pem", "private_keys"]
