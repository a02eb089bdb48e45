# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every guide in docs/ is followed to the letter, by somebody who has nothing but the collection and a clone."""

from __future__ import annotations

from pathlib import Path

import pytest

import docs
import environment
from guides.desk import Desk
from support import reading
from support.reading import Command

pytestmark = pytest.mark.timeout(600)  # other gates run beside

#: The other pages in docs/ explain things; their commands are not for following.
GUIDES = (*docs.PARTS["Guides"], "awx")

_NEW_ENVIRONMENT = (
    "python3 -m venv ~/esx && . ~/esx/bin/activate"
    " && pip install ansible-core 'requests>=2.25.1' 'cryptography>=41.0.0'"
)

#: Commands that are not run, to the letter, and why.
NOT_RUN = {
    ". ~/esx/bin/activate": "the programs of the environment are found without it",
    _NEW_ENVIRONMENT: "needs a server; the programs of the environment are found without it",
    "git clone https://github.com/esx-trust/esx.trust.git ~/esx.trust": "needs a server; this checkout stands there",
    "ansible-builder create -f esx-trust-project/exec_env/execution-environment.yml -c image": "run by tests/awx",
    "pip install ansible-builder": "needs a server",
    "podman build image -t esx-trust-ee:1": "needs images from a server",
    "podman tag esx-trust-ee:1 images.example.com/esx-trust-ee:1": "needs the image",
    "podman push images.example.com/esx-trust-ee:1": "needs a server",
    "export CONTROLLER_HOST=https://awx.example.com": "for the set-up, which is run by tests/awx",
    "read -rs CONTROLLER_OAUTH_TOKEN && export CONTROLLER_OAUTH_TOKEN": "for the set-up, which is run by tests/awx",
    "read -rs ESX_PASSWORD && export ESX_PASSWORD": "for the set-up, which is run by tests/awx",
    "read -rs ESX_KEY && export ESX_KEY": "for the set-up, which is run by tests/awx",
    "ansible-galaxy collection install awx.awx": "needs a server",
    "ansible-playbook -e @awx.yml esx.trust.awx_setup": "run by tests/awx, against a double of AWX",
}


def path_of(guide: str) -> Path:
    return environment.ROOT / "docs" / f"{guide}.md"


def all_commands() -> set[str]:
    return {step.text for guide in GUIDES for step in reading.read(path_of(guide)) if isinstance(step, Command)}


@pytest.mark.parametrize("guide", GUIDES)
def test_guide(guide: str, desk: Desk) -> None:
    steps = reading.read(path_of(guide))
    assert any(isinstance(step, Command) for step in steps)

    desk.follow(steps, NOT_RUN)

    desk.leave()


def test_every_page_is_one_of_the_site() -> None:
    """So a new guide is followed, or stands among the pages that explain."""
    there = {path.stem for path in (environment.ROOT / "docs").glob("*.md")}
    assert there == {"README", *docs.pages()}


@pytest.mark.parametrize("command", NOT_RUN)
def test_no_exception_is_stale(command: str) -> None:
    assert command in all_commands()
