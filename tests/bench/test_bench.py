# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench with a handful of hosts: it measures what it says, and shows all of it. No time is judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bench
import bench_report
import bench_stage
import bench_work
from environment import ENVIRONMENTS
from environment import ROOT
from support.tools import made_environment

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("bench")]
SIZES, SLOW_HOSTS = (2,), 1
SLOW = {"esx_kms_provider as a module", "ansible.builtin.uri"}
LATE = {"no-op task", "audit", "converge", "threads, requests of audit", "threads, requests of converge"}
#: What each host that is as declared is asked, counted by the hosts.
AGAIN = {
    "no-op task": 0,
    "audit": 5,
    "audit, an event for each host": 5,
    "threads, requests of audit": 5,
    "converge": 3,
    "converge, an event for each host": 3,
    "threads, requests of converge": 3,
    "esx_kms_provider": 2,
    "esx_kms_provider as a module": 2,
    "ansible.builtin.uri": 2,
}
#: And each that is not, in a run in which so many hosts differ.
DIFFER = {
    "converge, first run": 2,
    "converge, a tenth differs": 1,
    "audit, a tenth differs": 1,
}


@pytest.fixture(scope="module", autouse=True)
def _run_environment() -> None:
    made_environment("run")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `make bench` finds on a small fleet."""
    figures = tmp_path_factory.mktemp("bench") / "figures.json"
    sizes = ",".join(map(str, SIZES))
    small = ["--hosts", sizes, "--slow-hosts", str(SLOW_HOSTS), "--rounds", "1", "--forks", "2"]

    assert bench.main([*small, "--json", str(figures)]) == 0

    read: dict[str, Any] = json.loads(figures.read_text("utf-8"))

    return read


def test_every_way_is_measured_over_every_fleet(found: dict[str, Any]) -> None:
    measured = [(row["name"], row["size"]) for row in found["rows"]]
    expected = {(name, size) for name in {*AGAIN, *DIFFER} for size in SIZES if name not in SLOW or size == SIZES[0]}

    assert len(measured) == len(expected)
    assert set(measured) == expected
    assert {row["name"] for row in found["rows"] if row["seconds_late"]} == LATE
    assert all(len(row["runs"]) == found["rounds"] for row in found["rows"])


def test_each_way_does_the_work_that_it_says(found: dict[str, Any]) -> None:
    for row in found["rows"]:
        name, hosts = row["name"], row["hosts"]
        assert hosts == (SLOW_HOSTS if name in SLOW else row["size"])

        if name in DIFFER:
            # Each way asks more of a host that differs, and converge writes it over a connection of its own.
            differing, again = DIFFER[name], AGAIN[name.partition(",")[0]]
            assert row["requests"] > hosts * again, row
            assert row["connections"] == hosts + (differing if "converge" in name else 0), row

            continue

        assert row["requests"] == hosts * AGAIN[name], row
        assert row["connections"] == hosts * (AGAIN[name] if name == "ansible.builtin.uri" else min(AGAIN[name], 1))


def test_ratios_come_from_the_same_run(found: dict[str, Any]) -> None:
    rows = {(row["name"], row["size"]): row for row in found["rows"]}
    for (_name, size), row in rows.items():
        assert row["times_no_op"] == pytest.approx(row["cpu"] / rows["no-op task", size]["cpu"])
        assert row["cpu_each"] == pytest.approx(row["cpu"] / size)


def test_both_tables_show_every_way(found: dict[str, Any], tmp_path: Path) -> None:
    text = "\n".join(bench_report.lines(found))
    names = {*AGAIN, *DIFFER}

    assert all(f"  {name}  " in text for name in names)
    assert text.count("at most") == 1
    assert text.count("holds") + text.count("missed") == len(SIZES) * len(bench_report.TARGETS)

    page = tmp_path / "performance.md"
    page.write_bytes((ROOT / "docs" / "performance.md").read_bytes())
    bench_report.write(page, found)
    written = page.read_text("utf-8")

    assert all(f"| {name} |" in written for name in names)


def test_what_was_measured_with_fewer_hosts_is_projected() -> None:
    """What a run costs before any host is paid once."""
    assert bench.projected(3.0, 1.0, hosts=2, size=10) == 11.0
    assert bench.projected(3.0, 1.0, hosts=10, size=10) == 3.0


@pytest.fixture(scope="module")
def stage() -> Iterator[bench_stage.Stage]:
    with bench_stage.stage(4, ENVIRONMENTS["run"]) as made:
        yield made


def test_a_run_that_did_not_do_its_work_is_no_figure(stage: bench_stage.Stage) -> None:
    claimed = bench_work.Work("idle", bench_work.NO_OP.tasks, again=2)
    with pytest.raises(SystemExit, match=r"took \(0, 0\) requests and connections, not \(4, 2\)"):
        stage.measure(claimed, 2, 2)

    failing = bench_work.Work("failing", [{"name": "Fail", "ansible.builtin.fail": {"msg": "on purpose"}}])
    with pytest.raises(SystemExit, match="on purpose"):
        stage.measure(failing, 2, 2)


def test_hosts_that_answer_late_are_waited_for(stage: bench_stage.Stage) -> None:
    work = bench_work.Work("two requests", paths=[bench_work.PROVIDERS], again=2)
    with stage.fleet.late(2.0, stage.fleet.addresses[1:]):
        assert stage.measure(work, 2, 2).seconds > 2 * 2.0
