# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guide is read as a person would read it, and a command that did something else is noticed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from support import reading
from support import terminal
from support.reading import Command
from support.reading import File

GUIDE = """\
# A guide

`hosts.yml`, the inventory,
of all hosts:

```yaml
esx:
  hosts:

```

Then:

```console
$ first --option \\
>   value
$ second
one line

…
another …
(exit code 2)
```

1. In a list, `not/a/name` but:

   `etc/file`:

   ```ini
   key = value
     more
   ```

2. At last:

   ```sh
   third
   fourth --option \\
       value
   ```
"""

WAITS = """\
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
print("ready", flush=True)
signal.sigwait([signal.SIGINT])
print("bye")
raise SystemExit(7)
"""


def test_steps_in_their_order() -> None:
    assert list(reading.steps(GUIDE, "guide.md")) == [
        File("guide.md:6", "hosts.yml", "esx:\n  hosts:\n\n"),
        Command("guide.md:15", "first --option \\\n  value"),
        Command("guide.md:17", "second", ("one line", "", "…", "another …"), 2),
        File("guide.md:29", "etc/file", "key = value\n  more\n"),
        Command("guide.md:37", "third"),
        Command("guide.md:39", "fourth --option \\\n    value"),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```console\n$ true\n", "guide.md:1: the block has no end"),
        ("```console\ntrue\n```\n", "guide.md:2: a console block begins with a command"),
        ("```console\n```\n", "guide.md:1: a console block without a command"),
        ("```sh\n```\n", "guide.md:1: a block of commands"),
        ("```sh\ntrue \\\n```\n", "guide.md:1: a block of commands"),
        ("```yaml\na: b\n```\n", "guide.md:1: what file is this?"),
        ("the file `name`:\n\n```yaml\na: b\n```\n", "guide.md:3: what file is this?"),
        ("`name`:\n\nand:\n\n```yaml\na: b\n```\n", "guide.md:5: what file is this?"),
        ("~~~console\n$ true\n~~~\n", "guide.md:1: a block begins with ```"),
        ("```Console \n$ true\n```\n", "guide.md:1: a block begins with ```"),
    ],
)
def test_what_nobody_could_follow(text: str, problem: str) -> None:
    with pytest.raises(reading.GuideError) as raised:
        list(reading.steps(text, "guide.md"))
    assert str(raised.value).startswith(problem)


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        ((), None),
        (("b", "c"), None),
        (("…", "a", "…", "d …", "…"), None),
        (("a", "b", "c", "d 1.5 s"), None),
        (("d …",), None),
        (("d … s",), None),
        (("…d … s…",), None),
        (("d",), "d"),
        (("a", "c"), "a\nc"),
        (("c", "…", "b"), "b"),
        (("b", "…", "b"), "b"),
        (("d x.5 s",), "d x.5 s"),
        (("d …5",), "d …5"),
        (("a", "…", "b", "d"), "b\nd"),
    ],
)
def test_what_is_shown_is_looked_for(shown: tuple[str, ...], missing: str | None) -> None:
    assert Command("", "", shown).missing("a\nb   \nc\nd 1.5 s\n") == missing


def test_questions_are_answered(tmp_path: Path) -> None:
    command = 'read -r -s -p "Password: " a; echo; read -r -p "Sure? " b; echo "got $a $b"; exit 3'
    answers = {"Password: ": "sesame", "Sure? ": "yes"}
    said = terminal.run(command, tmp_path, {"PATH": "/usr/bin:/bin"}, answers)

    assert said == terminal.Said("Password: \nSure? yes\ngot sesame yes\n", 3)


def test_control_c_lets_a_program_end_by_itself(tmp_path: Path) -> None:
    variables = {"PATH": "/usr/bin:/bin"}
    (tmp_path / "waits.py").write_text(WAITS, "utf-8")
    command = f"exec {sys.executable} waits.py"

    with terminal.Program(command, tmp_path, variables) as program:
        assert program.read(lambda: "ready" in program.output)

        program.type("\x03")

        assert not program.read(lambda: False)
        assert program.wait() == 7

    assert program.output.endswith("bye\n")


def test_a_question_that_nobody_expects_does_not_wait_for_ever(tmp_path: Path) -> None:
    with (
        terminal.Program('read -r -p "And now? " answer', tmp_path, {"PATH": "/usr/bin:/bin"}) as program,
        pytest.raises(TimeoutError, match="And now"),
    ):
        program.read(lambda: False, seconds=0.5)
