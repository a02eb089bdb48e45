# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where packages come from: what pip is configured with here, and the same for uv."""

from __future__ import annotations

import os
from pathlib import Path

from programs import run

#: The sections of pip's configuration that say where packages come from.
_SECTIONS = ("global", "install", "download", ":env:")
#: The variables of uv, and the settings of pip that they correspond to.
_VARIABLES_OF_UV = {"UV_DEFAULT_INDEX": "index-url", "SSL_CERT_FILE": "cert", "UV_HTTP_TIMEOUT": "default-timeout"}


def settings_of_pip(python: str | Path) -> dict[str, str]:
    """What pip is configured with here, from its files and its environment variables."""
    settings: dict[str, str] = {}

    for line in run([python, "-m", "pip", "config", "list"]).splitlines():
        key, separator, value = line.partition("=")
        section, _dot, name = key.rpartition(".")
        if separator and section in _SECTIONS:
            settings[name] = value.strip("'\"").replace("\\n", "\n")

    return settings


def environment_of_uv(python: str | Path, cache: Path) -> dict[str, str]:
    """The environment variables for uv, which does not read what pip is configured with.

    python: an interpreter with pip. cache: the folder of uv's cache, if nobody has set another.
    """
    pip = settings_of_pip(python)
    variables = {"UV_SYSTEM_CERTS": "true", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", **os.environ}
    variables.pop("VIRTUAL_ENV", None)

    for variable, setting in _VARIABLES_OF_UV.items():
        if pip.get(setting):
            variables.setdefault(variable, pip[setting])

    extra = [address for address in pip.get("extra-index-url", "").split() if address.startswith("http")]
    if extra:
        variables.setdefault("UV_INDEX", " ".join(extra))

    # The home of the user stays as it is.
    variables.setdefault("UV_CACHE_DIR", str(cache))

    return variables
