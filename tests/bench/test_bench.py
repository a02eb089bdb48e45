# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench with a handful of hosts: it measures what it says, and shows all of it. No time is judged."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

import bench
import bench_advice
import bench_report
import bench_stage
from environment import ENVIRONMENTS
from environment import ROOT
from environment import missing

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("bench")]
HOSTS, SLOW_HOSTS = 4, 2
WORKS = {
    "no-op task",
    "no-op task with our options",
    "esx_kms_provider",
    "esx_kms_provider as a module",
    "ansible.builtin.uri",
}


@pytest.fixture(scope="module", autouse=True)
def _run_environment() -> None:
    if not ENVIRONMENTS["run"].python.exists():
        pytest.skip(f"no environment run: {missing(ENVIRONMENTS['run'])}")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `make bench` finds on a small fleet."""
    figures = tmp_path_factory.mktemp("bench") / "figures.json"
    small = ["--hosts", str(HOSTS), "--slow-hosts", str(SLOW_HOSTS), "--rounds", "1", "--forks", "2,4"]
    assert bench.main([*small, "--growth", f"{SLOW_HOSTS},{HOSTS}", "--json", str(figures)]) == 0
    read: dict[str, Any] = json.loads(figures.read_text("utf-8"))
    return read


def test_every_way_is_measured_at_every_number_of_forks(found: dict[str, Any]) -> None:
    measured = {(row["work"], row["run"], row["forks"]) for row in found["rows"]}
    expected = {(work, "converged", forks) for work in WORKS for forks in (2, 4)}
    expected |= {(work, "first run", forks) for work in WORKS if not work.startswith("no-op") for forks in (2, 4)}
    assert measured == expected


def test_each_way_does_the_same_work(found: dict[str, Any]) -> None:
    """The hosts counted what they were asked: login and read, and the creation in a first run."""
    for row in found["rows"]:
        each = {"first run": 3, "converged": 2}[row["run"]] if "no-op" not in row["work"] else 0
        assert row["requests"] == each * row["hosts"], row
        connections = each if row["work"] == "ansible.builtin.uri" else min(each, 1)
        assert row["connections"] == connections * row["hosts"], row
        assert len(row["runs"]) == found["rounds"]


def test_what_is_compared_comes_from_the_same_run(found: dict[str, Any]) -> None:
    assert set(found["compared"]) == set(bench_report.TARGETS)
    assert all(value > 0 for value in found["compared"].values())
    rows = {(row["work"], row["forks"], row["hosts"]): row for row in found["rows"] if row["run"] == "converged"}
    ours, floor = rows["esx_kms_provider", 2, HOSTS], rows["no-op task", 2, HOSTS]
    assert found["compared"]["floor"] == pytest.approx(ours["seconds"] / floor["seconds"])
    assert found["compared"]["memory"] == pytest.approx(ours["memory"] / floor["memory"])
    assert sum(found["parts"].values()) == pytest.approx(ours["cpu_each"])


def test_tables_and_chart_show_every_way(found: dict[str, Any], tmp_path: Path) -> None:
    text = "\n".join(bench_report.lines(found))
    assert all(f"  {work}  " in text for work in WORKS)
    (tmp_path / "performance.md").write_bytes((ROOT / "docs" / "performance.md").read_bytes())
    bench_report.write(tmp_path, found)
    page = (tmp_path / "performance.md").read_text("utf-8")
    assert all(f"| {work} |" in page for work in WORKS)
    drawn = "".join(ET.parse(tmp_path / "performance.svg").getroot().itertext())
    assert all(work in drawn for work in WORKS - {"no-op task with our options"})


def test_a_run_that_did_not_do_its_work_is_no_figure() -> None:
    with bench_stage.stage(2, ENVIRONMENTS["run"]) as stage:
        claimed = bench_stage.Work("idle", bench_stage.NO_OP.tasks, first=3, again=2, connections=1)
        with pytest.raises(SystemExit, match=r"took \(0, 0\) requests and connections, not \(4, 2\)"):
            stage.work(claimed, 2, 2)
        failing = bench_stage.Work("failing", [{"name": "Fail", "ansible.builtin.fail": {"msg": "on purpose"}}])
        with pytest.raises(SystemExit, match="on purpose"):
            stage.work(failing, 2, 2)


def test_every_piece_of_advice_is_measured() -> None:
    hosts = 20
    with bench_stage.stage(hosts, ENVIRONMENTS["run"]) as stage:
        found = bench_advice.measure(stage, hosts, 1, bench.machine(stage))
    asked = {question.text: [setting.label for setting in question.settings] for question in bench_advice.questions()}
    assert {each["question"]: [row["setting"] for row in each["rows"]] for each in found["advice"]} == asked
    assert all(row["seconds"] > 0 and row["cpu"] > 0 for each in found["advice"] for row in each["rows"])
    page = (ROOT / "docs" / "performance.md").read_text("utf-8")
    assert [question for question in asked if question not in page] == [], "run tools/bench.py --advice --docs"
