# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/simulator.md names whatever a simulated host can be told."""

from __future__ import annotations

import json
import re
import shlex
from typing import get_args

import pytest

import environment
from simulator import files
from simulator import host_profiles
from simulator.__main__ import arguments
from simulator.admin import Renewal
from simulator.documents import FirstState
from simulator.faults import Fault
from simulator.faults import Kind
from simulator.server import Power
from simulator.settings import Settings
from simulator.vcenter import VcenterSettings
from support.programs import clean_environment
from support.programs import run_program

pytestmark = pytest.mark.of_sources

PAGE = (environment.ROOT / "docs" / "simulator.md").read_text("utf-8")
MAKEFILE = (environment.ROOT / "Makefile").read_text("utf-8")


def _section(title: str) -> str:
    match = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert match, f"docs/simulator.md has no section {title}"
    return match[1]


def _unnamed(names: set[str], text: str) -> set[str]:
    return {name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)}


def test_settings_and_faults() -> None:
    of_vcenter_alone = set(VcenterSettings.model_fields) - set(Settings.model_fields)

    assert _unnamed(set(Settings.model_fields), _section("Settings")) == set()
    assert _unnamed(of_vcenter_alone, _section("vCenters")) == set()
    assert _unnamed(set(get_args(Kind)) | set(Fault.model_fields) - {"kind"}, _section("Faults")) == set()
    assert _unnamed(set(host_profiles.NAMES), _section("Profiles of hosts")) == set()


def test_the_admin_interface() -> None:
    source = (environment.ROOT / "tests" / "simulator" / "admin.py").read_text("utf-8")
    routes = re.findall(r'web\.(get|put|patch|post|delete)\("([^"]+)"', source)
    table = [line for line in _section("Look and steer").splitlines() if line.startswith("| `")]
    documented = {
        (method, path)
        for line in table
        for method in re.findall(r"\b(GET|PUT|PATCH|POST|DELETE)\b", line.split("|")[1])
        for path in re.findall(r"/[\w./]+", line.split("|")[1])
    }

    assert routes
    assert {(method.upper(), path.replace("{address}", "HOST")) for method, path in routes} <= documented

    steering = _section("Look and steer")
    assert _unnamed(set(get_args(Power)), steering) == set()
    assert _unnamed(set(Renewal.model_fields), steering) == set()


def test_options_and_files(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--help"])
    options = set(re.findall(r"(--[\w-]+)", capsys.readouterr().out)) - {"--help"}
    (recipe,) = re.findall(r"^simulator:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    variables = set(re.findall(r"\$\((?:if \$\()?(?:filter 1,\$\()?([A-Z]+)\)", recipe)) - {"PYTHON"}

    assert "KEEP" in variables
    assert _unnamed(options | variables, _section("Start")) == set()
    assert _unnamed({*files.NAMES, files.IDENTITIES}, PAGE) == set()


def test_a_variable_of_make_gives_the_option_of_its_row() -> None:
    rows = re.findall(r"^\| `([A-Z]+)=([^`]+)` \| `(--[\w-]+)", _section("Start"), re.MULTILINE)
    plain = _started_by_make()

    assert ("JSON", "1", "--json") in rows

    for name, value, option in rows:
        assert option in _started_by_make(f"{name}={value}"), name

        has_default = name in ("HOSTS", "VCENTERS", "DIRECTORY")
        assert (option in plain) is has_default, name


def _started_by_make(*variables: str) -> list[str]:
    """The words of the command with which make would start the simulator."""
    ended = run_program(["make", "-n", "simulator", *variables], environment.ROOT, clean_environment())
    assert ended.code == 0, ended.output

    return shlex.split(ended.output.partition("tools/simulate.py ")[2].replace("\\\n", " "))


def test_the_first_state_that_is_shown() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", _section("The first state"), re.DOTALL)
    first = FirstState.model_validate_json(shown)

    assert set(json.loads(shown)["hosts"]) == {"esx02", "esx03"}
    for settings in (first.settings, *(each.settings for each in first.hosts.values())):
        Settings.model_validate(settings)
