# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a playbook rolls a change out: to which hosts, in which batches, and how many hosts may fail or be down."""

from __future__ import annotations

import re
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from typing import Union

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from ansible_collections.esx.trust.plugins.module_utils._services.option_specifications import is_blank
from ansible_collections.esx.trust.plugins.plugin_utils._role_variables import results_of

#: The percentage of a batch that may fail by default.
TOLERATED = 20.0

#: A number of hosts, or a text such as 10%.
Batch = Union[int, str]

#: A pattern that can only be a name.
_NAME = re.compile(r"\w+")
_NUMBER = re.compile(r"[0-9]{1,9}")
_PERCENTAGE = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?) *%?")


def hosts(
    groups: Mapping[str, Iterable[str]],
    pattern: Any,
    limit: Any,
    skipped_tags: Collection[str] = (),
) -> list[str]:
    """The hosts of an inventory that match a pattern and the limit of the command line.

    groups: the names of the hosts by group.
    pattern: the value of esx_hosts.
    limit: the value of --limit, or empty.
    skipped_tags: the value of --skip-tags.
    Raises AnsibleError if no task of the playbook would run, or if there is a limit and no host matches: Ansible would
    skip each play and report success.
    """
    for tag in ("always", "tagged"):
        if tag in skipped_tags:
            raise AnsibleError(
                f"Do not give --skip-tags {tag}. It leaves out the tasks of this playbook, and no host is looked at."
            )

    is_name = isinstance(pattern, str) and _NAME.fullmatch(pattern)
    if is_name and pattern in groups and not limit:
        # Each playbook asks several times, and almost always for a group. An InventoryManager takes long.
        return list(groups[pattern])

    contents = tuple((group, tuple(names)) for group, names in groups.items())
    patterns = pattern if isinstance(pattern, (list, tuple)) else [pattern]
    found = _matching(contents, tuple(str(entry) for entry in patterns), str(limit or ""))
    if limit and not found:
        raise AnsibleError(
            f"No host of the inventory matches {pattern} (esx_hosts) with --limit {limit}. Give another limit, or name"
            " the group with -e esx_hosts=GROUP."
        )

    return list(found)


@lru_cache(maxsize=1)
def _matching(
    groups: tuple[tuple[str, tuple[str, ...]], ...],
    patterns: tuple[str, ...],
    limit: str,
) -> tuple[str, ...]:
    """The hosts that match the patterns and a limit. The last answer is kept, because a playbook asks in each play.

    groups: each group with the names of its hosts.
    """
    manager = InventoryManager(DataLoader(), parse=False)
    for group, names in groups:
        manager.add_group(group)

        for name in names:
            manager.add_host(name, group=group)

    if limit:
        manager.subset(limit)

    return tuple(host.name for host in manager.get_hosts(list(patterns)))


def batches(value: Any, number: int) -> list[Batch]:
    """The batches of a play, in the form of Ansible's keyword `serial`.

    value: the value of esx_batches.
    number: the number of hosts.
    Raises AnsibleError if an entry is neither a number above 0 nor a percentage; Ansible itself
    would take 0 and negative numbers for "all hosts at once".
    """
    if is_blank(value) or value == []:
        # Later batches have at least five hosts. In a batch of a single host, one failure would end the play.
        return [1, max(5, number // 10), max(5, number // 4)]

    entries = value if isinstance(value, (list, tuple)) else str(value).split(",")
    return [_batch(entry) for entry in entries]


def _batch(entry: Any) -> Batch:
    """One batch: a number of hosts, or a text such as 10%. Raises AnsibleError."""
    text = "" if isinstance(entry, bool) else str(entry).strip()
    share = text.endswith("%")
    number = text[:-1].strip() if share else text

    valid = _NUMBER.fullmatch(number) and int(number) > 0
    if not valid or (share and int(number) > 100):
        raise AnsibleError(
            f"esx_batches: {str(entry)!r} is neither a number of hosts above 0 nor a share from 1% to 100%. "
            "Several are separated by commas, such as 1,10%,25%."
        )

    return f"{int(number)}%" if share else int(number)


def tolerated(value: Any) -> float:
    """The percentage of a batch that may fail.

    value: the value of esx_max_fail_percentage.
    Raises AnsibleError if it is not a number from 0 to 100.
    """
    if is_blank(value):
        return TOLERATED

    text = "" if isinstance(value, bool) else str(value).strip()
    found = _PERCENTAGE.fullmatch(text)
    if not found or float(found[1]) > 100:
        raise AnsibleError(f"esx_max_fail_percentage: {str(value)!r} is not a number from 0 to 100.")

    return float(found[1])


def problems(asked_batches: Any, asked_percentage: Any) -> list[str]:
    """A sentence for each of the two values that is not valid. Empty if both are valid."""
    sentences = []
    try:
        batches(asked_batches, 1)
    except AnsibleError as error:
        sentences.append(str(error))

    try:
        tolerated(asked_percentage)
    except AnsibleError as error:
        sentences.append(str(error))

    return sentences


def down(fleet: Iterable[str], hostvars: Mapping[str, Any]) -> list[str]:
    """The hosts of the fleet that were down when it was their turn. hostvars: Ansible's `hostvars`."""
    return [host for host, result in results_of(fleet, hostvars).items() if is_down(result)]


def is_down(result: Mapping[str, Any]) -> bool:
    """True if the host gave no answer, and nothing was written to it. result: that of esx_host_trust."""
    failure = result.get("failure")
    is_unreachable = isinstance(failure, Mapping) and failure.get("code") == "unreachable"

    return is_unreachable and not result.get("operations")
