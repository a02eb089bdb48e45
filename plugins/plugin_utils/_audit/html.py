# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of an audit as one HTML file that needs nothing else: no network, no script, no font, no image.

view.py decides what the page shows, report.html.j2 makes the page from it, and report.css says how the page looks.
The texts of hosts may be hostile. So the template escapes every value, and the policy in the head of the page lets a
browser use nothing but this one style sheet.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Template

from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import check_version
from ansible_collections.esx.trust.plugins.plugin_utils._audit.marks import MARKS
from ansible_collections.esx.trust.plugins.plugin_utils._audit.pages import pages_of
from ansible_collections.esx.trust.plugins.plugin_utils._audit.pages import style
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import count
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import plain
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import sentence_case
from ansible_collections.esx.trust.plugins.plugin_utils._audit.view import view_of
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import name_of

_FOLDER = Path(__file__).parent

#: So many hosts are named before the rest is folded away, and so many are printed on paper.
_HOSTS_SHOWN = 8
_HOSTS_PRINTED = 60

#: A longer command is folded away.
_COMMAND_SHOWN = 400


def render(data: Mapping[str, Any]) -> str:
    """The HTML document. Raises ValueError if data is no record of an audit."""
    check_version(data)
    # Plain texts only: a subclass of str could tell the template that it needs no escaping.
    view = view_of(plain(data))

    return _template().render(**view, **style())


@functools.lru_cache(maxsize=1)
def _template() -> Template:
    environment = pages_of(_FOLDER)
    environment.globals.update(
        marks=MARKS,
        count=count,
        kind=_kind,
        hosts_shown=_HOSTS_SHOWN,
        hosts_printed=_HOSTS_PRINTED,
        command_shown=_COMMAND_SHOWN,
    )

    environment.filters["short"] = _short
    environment.filters["breakable"] = _breakable

    return environment.get_template("report.html.j2")


def _kind(kind: str) -> str:
    """How a kind of resource is called at the beginning of a line."""
    return sentence_case(name_of(kind))


def _short(digest: str) -> str:
    return digest if len(digest) <= 16 else f"{digest[:16]}…"


def _breakable(name: str) -> list[str]:
    """The parts of a host's name. A narrow column may break the name between them."""
    return re.findall(r"[^.]*\.|[^.]+", name)
