# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look keeps for the later plays of the same run: in Ansible's own temporary folder, where no variable reaches.

A variable could be set by anybody, with -e too, and would then stand in for what was found.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible import constants

#: What the plays after it ask for: which hosts, and what is said of them.
LISTS = "esx-trust-look.json"
#: The results themselves, which are much more.
RESULTS = "esx-trust-look-results.json"


def keep(name: str, value: Any) -> None:
    """Write what is kept under this name anew."""
    path = _path(name)
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(value, file)


def kept(name: str) -> Any:
    """What this run keeps under this name, or None."""
    try:
        return json.loads(_path(name).read_text("utf-8"))
    except FileNotFoundError:
        return None


def _path(name: str) -> Path:
    return Path(constants.DEFAULT_LOCAL_TMP) / name
