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

from ansible_collections.esx.trust.plugins.module_utils._secrets.known_secrets import RUN
from environment import ROOT
from leaks import scenes
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
NAMED_BY_SECRETS = ("conflict_with_what_repeats_secrets", "data_that_repeat_secrets")


def sentences(result: Mapping[str, Any]) -> Iterator[str]:
    """What people read of a result."""
    failure = result.get("failure", {})
    yield from (str(result.get("msg", "")), failure.get("message", ""), failure.get("hint", ""))
    yield from map(str, result.get("warnings", ()))


def of_a_run(secrets: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The secrets that are as long as a run of characters that is never shown."""
    return {name: [value for value in values if len(value) >= RUN] for name, values in secrets.items()}


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
    assert set(scenes.MODULES) == hosts - without_scenes


def runs(modules: Modules, scene: str) -> Iterable[tuple[str, str]]:
    """Logins and modes: all pairs for the module.

    By another way, and in a scene that ends before there is a plan, each login meets one mode, and each mode is met.
    """
    if type(modules) is Modules and scene not in scenes.BEFORE_A_PLAN:
        return itertools.product(scenes.LOGINS, scenes.MODES)

    return zip(scenes.LOGINS, itertools.cycle(scenes.MODES))


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
    passwords = itertools.cycle(scenes.PASSWORDS)
    wrong: list[str] = []
    searched = 0

    for login, mode in runs(modules, scene):
        # Each run is a process of its own anywhere else.
        handed_out.clear()
        it = scenes.Scene(module, login, mode, modules.host, fleet, next(passwords))
        it.protocol = "jsonrpc" if isinstance(modules, OverJsonRpc) else "rest"
        expected = scenes.SCENES[scene](it)
        if expected is NotImplemented:
            continue
        if isinstance(modules, OverJsonRpc) and login == "session":
            continue  # a service of vCenter, which hosts do not have
        ran = modules.run(module, check=it.check, diff=mode == "diff", **it.options)
        it.secrets["handed out"] = list(handed_out)
        places = {"output": ran.output, "result": "\n".join(words(ran.result))}
        # A provider that a host calls by a secret is asked for by its name.
        if scene != "data_that_repeat_secrets":
            places["URLs"] = "\n".join(scenes.urls(modules.host))

        if scene in NAMED_BY_SECRETS:
            # A short secret inside a name stays, since names are given back to modules; in a sentence it does not.
            said = search.find(it.secrets, {"sentences": "\n".join(sentences(ran.result))})
            said += search.find(of_a_run(it.secrets), places)
        else:
            said = search.find(it.secrets, places)

        failure = ran.result.get("failure", {})
        if failure.get("code") != expected or (expected is not None) != ran.failed:
            said.append(f"{failure.get('code')} in place of {expected}: {ran.message[:300]}")
        if ran.failed and not set(failure) >= scenes.FIELDS:
            said.append(f"failure has only {sorted(failure)}")
        if "Traceback" in ran.output:
            said.append("a traceback")
        wrong += [f"{login}, {mode}: {what}" for what in said]
        searched += 1

    assert searched
    assert not wrong, "\n".join(wrong)
