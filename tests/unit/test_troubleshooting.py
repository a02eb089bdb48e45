# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The troubleshooting page is keyed by messages; it and the source are in step."""

from __future__ import annotations

import re

import pytest

import environment
from ansible_collections.esx.trust.plugins.module_utils import _errors
from support import messages

# It reads the source files of the collection, which takes seconds.
pytestmark = [pytest.mark.of_sources, pytest.mark.not_quick]

PAGE = (environment.ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
ENTRIES = re.findall(r"^- `(.*)`$", PAGE, re.MULTILINE)


def test_what_stands_there_can_be_printed() -> None:
    printed = {text.strip() for text in messages.of_modules() | messages.of_playbooks()}
    assert [entry for entry in ENTRIES if entry not in printed] == [], "no message of the source"


def test_what_can_be_printed_stands_there() -> None:
    assert sorted(messages.worth_an_entry() - set(ENTRIES)) == [], "give each an entry in docs/troubleshooting.md"


@pytest.mark.parametrize(
    "message",
    [
        "…: did not answer another task with the same login while this task waited for its turn; nothing was sent.",
        "A refused login cannot be noted in … (…); nothing was sent. …",
        "…: cannot be read (…). Run the playbook again.",
        "esx.trust.fleet_look: esx_fleet_trust has not looked at any host in this run.",
        "The changes were not confirmed (esx_confirm), so no host was written. …",
        "… expired on ….",
    ],
)
def test_messages_of_every_part_are_worth_an_entry(message: str) -> None:
    """Of modules, of actions, of filters and of playbooks; errors and warnings."""
    assert message in messages.worth_an_entry()


def test_a_message_about_a_value_is_none() -> None:
    """It says by itself what to give."""
    assert "thumbprint: is not the SHA-256 of a certificate, which has 64 hexadecimal digits." in messages.of_modules()
    assert [text for text in messages.worth_an_entry() if text.startswith(("thumbprint: ", "key_id: "))] == []


def test_each_stands_there_once_and_with_advice() -> None:
    assert len(ENTRIES) == len(set(ENTRIES))
    assert len(re.findall(r"^- `.*`\n\n  \S", PAGE, re.MULTILINE)) == len(ENTRIES)


def test_every_code_of_a_failure_stands_there() -> None:
    family = [value for value in vars(_errors).values() if isinstance(value, type)]
    codes = {each.code for each in family if issubclass(each, _errors.TrustError)}
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == codes
