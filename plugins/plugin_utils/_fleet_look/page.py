# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the plan as one HTML file that loads nothing else, in the style of the audit's report."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Template

from ansible_collections.esx.trust.plugins.plugin_utils._audit.pages import pages_of
from ansible_collections.esx.trust.plugins.plugin_utils._audit.pages import style
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import count
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import in_words
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import plain

_FOLDER = Path(__file__).parent


def render(plan: Mapping[str, Any]) -> str:
    """The HTML document of a plan. plan: the record that `plan.build` returns, with the shared `warnings`."""
    groups = [_plain_group(group) for group in plan["groups"]]

    return _template().render(
        groups=groups,
        warnings=plan["warnings"],
        total=len(plan["hosts"]),
        made=in_words(plan["generated_at"]),
        **style(),
    )


def _plain_group(group: Mapping[str, Any]) -> dict[str, Any]:
    """A group with plain texts only."""
    return {name: plain(group[name]) for name in ("kind", "sentence", "hosts")}


@functools.lru_cache(maxsize=1)
def _template() -> Template:
    environment = pages_of(_FOLDER)
    environment.globals.update(count=count)

    return environment.get_template("plan.html.j2")
