# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the results of a look at a fleet for the later plays of the same run, in files.

The files are in Ansible's own temporary folder of the run. Variables are not safe for this: anybody can set a variable,
for example with -e, and the later plays would take its value for the result.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.errors import AnsibleError

#: The lists of hosts that the later plays ask for.
LISTS = "esx-trust-look.json"
#: The results of all hosts. This file is much larger, and is needed only if some hosts have a task of their own.
RESULTS = "esx-trust-look-results.json"


def keep(name: str, value: Any) -> None:
    """Keep a value under this name. It replaces an earlier value.

    value: anything that JSON can hold.
    Raises AnsibleActionFail if the file cannot be written.
    """
    path = _path(name)
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file)
    except OSError as error:
        raise AnsibleActionFail(
            f"{path}: cannot be written ({error.strerror or error}), and without it the later plays do not know what"
            " this look has found. Free space there, or set ANSIBLE_LOCAL_TEMP to another folder."
        ) from None


def forget() -> None:
    """Delete what an earlier look of this run has kept. If this look fails, no later play may take the earlier result.

    Raises AnsibleActionFail if a file cannot be deleted.
    """
    for name in (LISTS, RESULTS):
        path = _path(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise AnsibleActionFail(
                f"{path}: cannot be deleted ({error.strerror or error}), and later plays would take it for the result"
                " of this look. Delete it, or set ANSIBLE_LOCAL_TEMP to another folder."
            ) from None


def kept(name: str) -> Any:
    """The value that this run keeps under this name, or None if there is none.

    Raises AnsibleError if the file cannot be read.
    """
    path = _path(name)
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is incomplete"
        raise AnsibleError(f"{path}: cannot be read ({reason}). Run the playbook again.") from None


def _path(name: str) -> Path:
    return Path(constants.DEFAULT_LOCAL_TMP) / name
