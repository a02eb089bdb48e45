# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a playbook goes over a fleet: which hosts are meant, in which batches, and how many of a batch may fail."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import Union

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

#: The percentage of a batch that may fail where nothing else is said.
TOLERATED = 20.0

#: A number of hosts, or a text such as 10%.
Batch = Union[int, str]

_NUMBER = re.compile(r"[0-9]{1,9}")
_PERCENTAGE = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?) *%?")


def hosts(groups: Mapping[str, Iterable[str]], pattern: Any, limit: Any) -> list[str]:
    """The hosts of an inventory that a pattern means and that the limit of the command line leaves.

    Raises AnsibleError if there is a limit and no host is left: Ansible would skip each play and call that a success.
    """
    manager = InventoryManager(DataLoader(), parse=False)
    for group, names in groups.items():
        manager.add_group(group)
        for name in names:
            manager.add_host(name, group=group)
    if limit:
        manager.subset(limit)

    found = [host.name for host in manager.get_hosts(pattern)]
    if limit and not found:
        raise AnsibleError(f"No host of the inventory matches {pattern} (esx_hosts) with --limit {limit}.")
    return found


def batches(value: Any, number: int) -> list[Batch]:
    """What Ansible takes as the batches of a play over a number of hosts. Raises AnsibleError, which says why.

    Ansible itself takes 0 and negative numbers for "all hosts at once".
    """
    if is_blank(value) or value == []:
        # Not in ones, because a batch in which every host fails is the last one.
        return [1, max(5, number // 10), max(5, number // 4)]
    entries = value if isinstance(value, (list, tuple)) else str(value).split(",")
    return [_batch(entry) for entry in entries]


def _batch(entry: Any) -> Batch:
    text = "" if isinstance(entry, bool) else str(entry).strip()
    number = text.rstrip("%").strip() if text.count("%") <= 1 else ""
    share = text.endswith("%")
    if not _NUMBER.fullmatch(number) or int(number) == 0 or (share and int(number) > 100):
        raise AnsibleError(
            f"esx_batches: {str(entry)!r} is neither a number of hosts above 0 nor a share from 1% to 100%. "
            "Several are separated by commas, such as 1,10%,25%."
        )
    return f"{int(number)}%" if share else int(number)


def tolerated(value: Any) -> float:
    """The percentage of a batch that may fail. Raises AnsibleError, which says why."""
    if is_blank(value):
        return TOLERATED
    found = None if isinstance(value, bool) else _PERCENTAGE.fullmatch(str(value).strip())
    if not found or float(found[1]) > 100:
        raise AnsibleError(f"esx_max_fail_percentage: {str(value)!r} is not a number from 0 to 100.")
    return float(found[1])


def problems(asked_batches: Any, asked_percentage: Any) -> list[str]:
    """A sentence for each of the two that cannot be followed."""
    said = []
    for read in (lambda: batches(asked_batches, 1), lambda: tolerated(asked_percentage)):
        try:
            read()
        except AnsibleError as error:
            said.append(str(error))
    return said


def is_blank(value: Any) -> bool:
    """True for what stands for "not given": null, and a text with nothing in it, such as a blank survey answer."""
    return value is None or (isinstance(value, str) and not value.strip())
