# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module, as a module and as an action, with every login, in every failure: no secret anywhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

import pytest

from environment import ROOT
from leaks import scenes
from leaks.scene import FIELDS
from leaks.scene import LOGINS
from leaks.scene import MODES
from leaks.scene import MODULES
from leaks.scene import PASSWORDS
from leaks.scene import Scene
from leaks.scene import of_a_run
from leaks.scene import urls
from support.actions import Actions
from support.modules import Modules
from support.modules import OverJsonRpc
from support.modules import without_pauses
from support.search import words

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
    from support.search import Search


#: Scenes in which a secret stands inside the names that the host gives.
NAMED_BY_SECRETS = ("conflict_that_repeats_secrets", "data_that_repeat_secrets")


def sentences(result: Mapping[str, Any]) -> Iterator[str]:
    """What people read of a result."""
    failure = result.get("failure", {})
    yield from (str(result.get("msg", "")), failure.get("message", ""), failure.get("hint", ""))
    yield from map(str, result.get("warnings", ()))


@pytest.fixture(params=[Modules, Actions, OverJsonRpc], ids=["module", "action", "jsonrpc"])
def modules(
    request: pytest.FixtureRequest,
    host: Host,
    fleet: Fleet,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Modules]:
    with without_pauses(monkeypatch):
        yield request.param(host, fleet, capsys, monkeypatch)


def test_every_module_of_hosts_is_looked_at() -> None:
    hosts = {module.stem for module in (ROOT / "plugins" / "modules").glob("esx_*.py")}
    # They are searched in test_api_info and in test_fleet_look.
    without_scenes = {"esx_api_info", "esx_api_probe", "esx_fleet_trust"}
    assert set(MODULES) == hosts - without_scenes


def runs(modules: Modules, scene: str) -> Iterable[tuple[str, str]]:
    """Logins and modes: all pairs for the module.

    By another way, and in a scene that ends before there is a plan, each login meets one mode, and each mode is met.
    """
    if type(modules) is Modules and scene not in scenes.BEFORE_A_PLAN:
        return itertools.product(LOGINS, MODES)

    return zip(LOGINS, itertools.cycle(MODES))


@pytest.mark.parametrize(("module", "scene"), scenes.PAIRS)
def test_no_secret_comes_out(
    modules: Modules,
    fleet: Fleet,
    handed_out: list[str],
    search: Search,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    scene: str,
) -> None:
    passwords = itertools.cycle(PASSWORDS)
    wrong: list[str] = []
    searched = 0

    for login, mode in runs(modules, scene):
        # Each run is a process of its own anywhere else.
        handed_out.clear()
        arranged = Scene(module, login, mode, modules.host, fleet, next(passwords))
        arranged.protocol = "jsonrpc" if isinstance(modules, OverJsonRpc) else "rest"
        expected = scenes.SCENES[scene](arranged)
        if expected is NotImplemented:
            continue
        if isinstance(modules, OverJsonRpc) and login == "session":
            continue  # a service of vCenter, which hosts do not have
        ran = modules.run(module, check=arranged.check, diff=mode == "diff", **arranged.options)
        secrets = {**arranged.secrets, "handed out": list(handed_out)}
        places = {"output": ran.output, "result": "\n".join(words(ran.result))}
        # A provider that a host calls by a secret is asked for by its name.
        if scene != "data_that_repeat_secrets":
            places["URLs"] = "\n".join(urls(modules.host))

        if scene in NAMED_BY_SECRETS:
            # A short secret inside a name stays, since names are given back to modules; in a sentence it does not.
            findings = search.find(secrets, {"sentences": "\n".join(sentences(ran.result))})
            findings += search.find(of_a_run(secrets), places)
        else:
            findings = search.find(secrets, places)

        failure = ran.result.get("failure", {})
        if failure.get("code") != expected or (expected is not None) != ran.failed:
            findings.append(f"{failure.get('code')} in place of {expected}: {ran.message[:300]}")
        if ran.failed and not set(failure) >= FIELDS:
            findings.append(f"failure has only {sorted(failure)}")
        if "Traceback" in ran.output:
            findings.append("a traceback")
        wrong += [f"{login}, {mode}: {finding}" for finding in findings]
        searched += 1

    assert searched
    assert not wrong, "\n".join(wrong)
