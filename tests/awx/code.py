# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pattern, the credential types, and what AWX's own code says of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

import environment
from support.tools import Tools
from support.tools import made_environment

PATTERN = environment.ROOT / "extensions/patterns/host_trust"
CREDENTIAL_TYPES = environment.ROOT / "playbooks/vars/awx_credential_types.yml"


class Loader(yaml.SafeLoader):
    """Takes text that Ansible must leave alone as the text that it is."""


def _unsafe(_loader: Loader, node: yaml.ScalarNode) -> str:
    return str(node.value)


Loader.add_constructor("!unsafe", _unsafe)


class Inside:
    """Asks what only AWX's own code can tell."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def ask(self, question: str, **values: Any) -> Any:
        venv = made_environment("awx")

        done = subprocess.run(
            [str(venv.python), str(Path(__file__).with_name("inside.py")), question],
            env=self._tools.variables(venv),
            input=json.dumps(values),
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, done.stderr

        return json.loads(done.stdout)
