# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all pages share: how their templates are read, and their style sheet.

Everything in a template is escaped, and a name that is missing is an error.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path

from jinja2 import Environment
from jinja2 import FileSystemLoader
from jinja2 import StrictUndefined

_STYLE = Path(__file__).with_name("report.css")


def pages_of(folder: Path) -> Environment:
    """The environment of the templates in a folder."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@functools.lru_cache(maxsize=1)
def style() -> dict[str, str]:
    """The style sheet and the digest by which the page's policy allows it."""
    css = _STYLE.read_text(encoding="utf-8")
    digest = hashlib.sha256(css.encode()).digest()

    return {"css": css, "digest": base64.b64encode(digest).decode()}
