# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a job template the way AWX does: a private data directory for each slice, and ansible-runner on it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from awx.code import Inside
from support.tools import Tools
from support.tools import made_environment

#: What ansible-runner writes down of how it was called, the environment included. AWX keeps it nowhere: it goes with
#: the private data directory, and the job's record has the environment with the secrets masked.
CALL = "command"


@dataclass(frozen=True)
class Credential:
    """type: a credential type as data, or the name of one of AWX's own."""

    type: Mapping[str, Any] | str
    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class Project:
    """files: a folder with everything that is in it. playbooks: where in it the playbooks of the job templates are."""

    files: Path
    playbooks: str = "playbooks"


@dataclass
class Job:
    """One slice, or the whole."""

    ident: str
    folder: Path
    hosts: list[str]
    #: What AWX shows of the environment in the job's record.
    safe_env: dict[str, str] = field(default_factory=dict)
    code: int = -1
    output: str = ""

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts" / self.ident

    @property
    def events(self) -> list[dict[str, Any]]:
        files = sorted(self.artifacts.glob("job_events/*.json"), key=lambda each: int(each.name.partition("-")[0]))
        return [json.loads(each.read_text("utf-8")) for each in files]

    @property
    def stats(self) -> dict[str, Any]:
        """What the job leaves to AWX: the recap, and what set_stats was given."""
        (found,) = [event["event_data"] for event in self.events if event["event"] == "playbook_on_stats"]
        return dict(found)

    @property
    def places(self) -> dict[str, str]:
        """Everything that the job left for somebody to read."""
        files = [each for each in self.folder.rglob("*") if each.is_file() and not self._given(each)]
        texts = {f"slice {self.ident}: {each.name}": each.read_text("utf-8", "replace") for each in files}
        return {**texts, f"slice {self.ident}: output": self.output, f"slice {self.ident}: record": str(self.safe_env)}

    def _given(self, file: Path) -> bool:
        """It is what the job was given."""
        return file.relative_to(self.folder).parts[0] == "env"


class Awx:
    """Launches jobs."""

    def __init__(self, tools: Tools, inside: Inside, folder: Path, project: Project) -> None:
        self._tools = tools
        self._inside = inside
        self._folder = folder
        self._project = project

    def launch(
        self,
        playbook: str,
        hosts: Mapping[str, Mapping[str, Any]],
        variables: Mapping[str, Any],
        credentials: Sequence[Credential],
        answers: Mapping[str, Any],
        *,
        slices: int = 1,
        verbosity: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> list[Job]:
        """Run a job template's playbook, all slices at the same time.

        hosts: the inventory's group esx, with the variables of each. variables: the group's. answers: to the survey.
        environment: what AWX's own settings add to it.
        """
        first = len(list(self._folder.iterdir()))
        jobs = []

        for number in range(slices):
            job = Job(
                str(first + number + 1), self._folder / f"job-{first + number + 1}", sorted(hosts)[number::slices]
            )
            hosts_of_job = {name: hosts[name] for name in job.hosts}
            self._prepare(job, hosts_of_job, variables, credentials, answers, environment or {})

            if verbosity:
                with (job.folder / "env" / "cmdline").open("a", encoding="utf-8") as arguments:
                    arguments.write(f" -{'v' * verbosity}")

            jobs.append(job)

        venv = made_environment("awx")
        path = f"{self._project.playbooks}/{playbook}"

        running = [
            subprocess.Popen(
                [venv.bin / "ansible-runner", "run", job.folder, "-p", path, "--ident", job.ident],
                env=self._tools.variables(venv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for job in jobs
        ]

        try:
            for job, process in zip(jobs, running):
                job.output, _none = process.communicate()
                job.code = process.returncode
        finally:
            # Where the test is broken off, none of them goes on.
            for process in running:
                process.kill()
                process.wait()

        return jobs

    def _prepare(
        self,
        job: Job,
        hosts: Mapping[str, Any],
        variables: Mapping[str, Any],
        credentials: Sequence[Credential],
        answers: Mapping[str, Any],
        environment: Mapping[str, str],
    ) -> None:
        folder = job.folder
        for name in ("env", "inventory"):
            (folder / name).mkdir(parents=True)
        shutil.copytree(self._project.files, folder / "project")

        given = self._inside.ask(
            "inject",
            folder=str(folder),
            credentials=[{"type": each.type, "inputs": each.inputs} for each in credentials],
        )

        job.safe_env = given["safe_env"]

        inventory = {
            "_meta": {"hostvars": hosts},
            "all": {"children": ["esx"]},
            "esx": {"hosts": list(hosts), "vars": variables},
        }

        script = folder / "inventory" / "hosts"
        script.write_text(f"#!/usr/bin/env python3\nprint({json.dumps(inventory)!r})\n", "utf-8")
        script.chmod(0o700)

        envvars = {
            "ANSIBLE_FORCE_COLOR": "True",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "AWX_PRIVATE_DATA_DIR": str(folder),
            "JOB_ID": job.ident,
            **given["env"],
            **environment,
        }

        (folder / "env" / "envvars").write_text(json.dumps(envvars), "utf-8")
        (folder / "env" / "extravars").write_text(json.dumps({"awx_job_id": job.ident, **answers}), "utf-8")
        (folder / "env" / "cmdline").write_text(" ".join(given["args"]), "utf-8")
        settings = {"suppress_ansible_output": False, "pexpect_use_poll": True}
        (folder / "env" / "settings").write_text(json.dumps(settings), "utf-8")
