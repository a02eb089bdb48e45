# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that decide whether this process of Ansible or a module in another Python does the work."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any

#: The variable that forbids work in this process if it is false.
SWITCH = "esx_trust_in_worker"
#: The variable that names the Python of a host.
INTERPRETER = "ansible_python_interpreter"
#: The template with which inventories name Ansible's own Python.
_OWN_PYTHON = "{{ ansible_playbook_python }}"


@cache
def _own_python() -> str:
    """The path of the Python that runs this process."""
    return os.path.realpath(sys.executable)


def is_own_python(asked: Any, templar: Any) -> bool:
    """True if the variable of a host asks for the Python of this process, or leaves the choice to Ansible.

    asked: the value of the variable.
    templar: Ansible's Templar, which resolves a template in it.
    """
    asked = asked or ""
    if asked == _OWN_PYTHON:
        # The result is known. Resolving the template would cost every worker time.
        return True

    path = str(templar.template(asked))
    if not path or path.startswith("auto"):
        return True

    return os.path.realpath(path) == _own_python()
