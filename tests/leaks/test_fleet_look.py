# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a fleet in which every host fails in a way of its own: no secret in results, plan, report or lists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api import retries
from ansible_collections.esx.trust.plugins.module_utils._secrets.known_secrets import RUN
from leaks import scenes
from support.looks import connection
from support.looks import look_at
from support.looks import told
from support.search import words

if TYPE_CHECKING:
    from simulator import Fleet
    from support.search import Search

#: A short secret inside a name stays, since names are given back to modules.
NAMED_BY_SECRETS = "conflict_with_what_repeats_secrets"
#: A body of 17 MiB is read by nobody, and proves nothing more of a look.
LEFT_OUT = ("huge",)


def test_no_secret_comes_out(
    fleet: Fleet, handed_out: list[str], search: Search, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(retries, "FIRST_DELAY", 0.001)
    wrong = []
    seen: set[tuple[str, str]] = set()
    names = [scene for module, scene in scenes.PAIRS if module == "esx_host_trust" and scene not in LEFT_OUT]

    # Each scene meets another login and another password in the second turn.
    cells = (
        (name, scenes.LOGINS[(number + turn) % len(scenes.LOGINS)])
        for turn in range(2)
        for number, name in enumerate(names)
    )

    while True:
        batch = {}
        expected = {}

        for host, password in zip(fleet.hosts, scenes.PASSWORDS):
            scene, login = next(cells, ("", ""))
            if not scene:
                break
            it = scenes.Scene("esx_host_trust", login, "check", host, fleet, password)
            code = scenes.SCENES[scene](it)

            if code is not NotImplemented:
                batch[host.name] = it
                expected[host.name] = (scene, code)

        if not batch:
            break

        handed_out.clear()
        found = look_at({name: {**connection(fleet, it.host), **it.options} for name, it in batch.items()})
        folder = tmp_path / f"{len(seen)}"
        folder.mkdir()
        places = {"results": "\n".join(words(found)), **told(found, folder)}

        for name, it in batch.items():
            scene, code = expected[name]
            seen.add((scene, it.login))
            values = {**it.secrets, "handed out": list(handed_out)}
            if scene == NAMED_BY_SECRETS:
                values = {what: [value for value in each if len(value) >= RUN] for what, each in values.items()}
            wrong += [f"{scene}, {it.login}: {what}" for what in search.find(values, places)]
            failure = found[name]["trust"].get("failure") or {}
            if failure.get("code") != code:
                wrong.append(f"{scene}, {it.login}: {failure.get('code')} in place of {code}")
            if it.host.writes:
                wrong.append(f"{scene}, {it.login}: a host was written")

    assert not wrong, "\n".join(wrong)
    assert {scene for scene, _login in seen} == set(names)
