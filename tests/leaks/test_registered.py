# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registered result that is written to a file holds no secret, on any core, also where Ansible adds the options."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from support.constants import KEY
from support.constants import KEY_ID
from support.playbooks import in_worker
from support.playbooks import playbooks
from support.tools import tools

if TYPE_CHECKING:
    from support.playbooks import Playbooks
    from support.search import Search

__all__ = ["in_worker", "playbooks", "tools"]

PASSWORD = "Sekrit-Typo-1"
PROVIDER = {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY}
#: Ways in which a password or a key gets into a result.
GIVEN: dict[str, dict[str, Any]] = {
    "right": {**PROVIDER},
    "a refused login": {**PROVIDER, "password": PASSWORD},
    "a misspelt option": {**PROVIDER, "pasword": PASSWORD, "port": PASSWORD},
    "an alias": {**PROVIDER, "password": None, "pwd": PASSWORD, "timeout": PASSWORD},
    "a choice": {**PROVIDER, "password": PASSWORD, "auth_method": PASSWORD},
    "a list in place of a text": {**PROVIDER, "password": [PASSWORD], "port": PASSWORD},
    "an unquoted template": {**PROVIDER, "password": {PASSWORD: None}, "port": PASSWORD},
    "the key in place of its id": {"provider": "site-a", "key_id": KEY},
    "the key in two options": {**PROVIDER, "key_id": KEY, "port": KEY},
}


@pytest.mark.every_core
def test_a_registered_result_holds_no_secret(
    playbooks: Playbooks, search: Search, request: pytest.FixtureRequest
) -> None:
    host = playbooks.hosts[0]
    host.settings(echo_requests=True)
    tasks: list[dict[str, Any]] = []

    for number, given in enumerate(GIVEN.values()):
        options: dict[str, Any] = {"retries": 0}
        for name, value in given.items():
            options[name] = "{{ omit }}" if value is None else value

        task = {"name": f"Given {number}", "esx.trust.esx_kms_provider": options, "ignore_errors": True}
        kept = {"content": f"{{{{ result_{number} }}}}", "dest": f"{{{{ playbook_dir }}}}/kept-{number}.json"}
        copy = {"name": f"Keep {number}", "ansible.builtin.copy": {**kept, "mode": "0600"}}
        tasks += [{**task, "register": f"result_{number}"}, {**copy, "when": f"result_{number} is defined"}]

    # Until 2.20 every result holds the options; from 2.21 on, where somebody asks for it.
    config = "[defaults]\ninject_invocation = true\nfact_caching = memory\n"
    (playbooks.folder / "ansible.cfg").write_text(config)
    played = playbooks.play(tasks, "-vvvv", "--limit", host.name)
    kept = {name: text for name, text in played.files.items() if "kept-" in name}

    assert len(kept) == len(GIVEN), played.output
    assert "module_args" in played.output

    # Older cores show the options and do not register them.
    core = request.node.callspec.params["playbooks"]
    if core not in ("core-2.16", "core-2.19"):
        assert any("module_args" in text for text in kept.values())
    secrets = {"password": [PASSWORD, host.password], "key": [KEY]}

    assert not search.find(secrets, {"output": played.output, **kept})
