# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of this collection."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path


@cache
def collection_version() -> str:
    """The version of this collection, from its manifest, or from galaxy.yml in a checkout. Empty if unknown."""
    root = Path(__file__).resolve().parents[2]

    try:
        manifest = json.loads((root / "MANIFEST.json").read_text(encoding="utf-8"))
        return str(manifest["collection_info"]["version"])
    except (OSError, ValueError, KeyError, TypeError):
        # A checkout has no manifest.
        pass

    try:
        galaxy = (root / "galaxy.yml").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""

    found = re.search(r"^version: (\S+)$", galaxy, re.MULTILINE)
    return found[1] if found else ""
