# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a fleet in which every host fails in a way of its own: no secret in results, plan, report or lists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api import retries
from leaks import scenes
from leaks.scene import LOGINS
from leaks.scene import PASSWORDS
from leaks.scene import Scene
from leaks.scene import of_a_run
from support.looks import connection
from support.looks import look_at
from support.looks import texts
from support.search import words

if TYPE_CHECKING:
    from simulator import Fleet
    from support.search import Search

#: A short secret inside a name stays, since names are given back to modules.
NAMED_BY_SECRETS = "conflict_that_repeats_secrets"
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
    cells: list[tuple[str, str]] = []
    for turn in range(2):
        cells += [(name, LOGINS[(number + turn) % len(LOGINS)]) for number, name in enumerate(names)]

    remaining = iter(cells)

    while True:
        batch = {}
        expected = {}

        for host, password in zip(fleet.hosts, PASSWORDS):
            scene, login = next(remaining, ("", ""))
            if not scene:
                break
            arranged = Scene("esx_host_trust", login, "check", host, fleet, password)
            code = scenes.SCENES[scene](arranged)

            if code is not NotImplemented:
                batch[host.name] = arranged
                expected[host.name] = (scene, code)

        if not batch:
            break

        handed_out.clear()
        options = {}
        for name, arranged in batch.items():
            options[name] = {**connection(fleet, arranged.host), **arranged.options}

        results = look_at(options)
        folder = tmp_path / f"{len(seen)}"
        folder.mkdir()
        places = {"results": "\n".join(words(results)), **texts(results, folder)}

        for name, arranged in batch.items():
            scene, code = expected[name]
            seen.add((scene, arranged.login))
            cell = f"{scene}, {arranged.login}"
            secrets = {**arranged.secrets, "handed out": list(handed_out)}
            if scene == NAMED_BY_SECRETS:
                secrets = of_a_run(secrets)
            wrong += [f"{cell}: {finding}" for finding in search.find(secrets, places)]
            failure = results[name]["trust"].get("failure") or {}
            if failure.get("code") != code:
                wrong.append(f"{cell}: {failure.get('code')} in place of {code}")
            if arranged.host.writes:
                wrong.append(f"{cell}: a host was written")

    assert not wrong, "\n".join(wrong)
    assert {scene for scene, _login in seen} == set(names)
