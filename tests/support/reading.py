# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from a guide what its reader is told to do: files to write, commands to type, and what is to be seen then."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Union

FENCE = re.compile(r"(?P<indent> *)```(?P<language>[a-z0-9]*)$")
NAME = re.compile(r"`(?P<name>[^`\s]+)`")
EXIT_CODE = re.compile(r"\(exit code (?P<code>\d+)\)$")


class GuideError(Exception):
    """A guide that nobody could follow to the letter."""


@dataclass(frozen=True)
class File:
    """A file that the reader writes."""

    where: str
    name: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command that the reader types, and what it answers."""

    where: str
    text: str
    shown: tuple[str, ...] = ()
    exit_code: int = 0

    def missing(self, output: str) -> str | None:
        """The line, or the lines that belong together, which the output should have and has not."""
        lines = [line.rstrip() for line in output.splitlines()]
        start = 0

        for piece in self._pieces():
            at = self._place_of([pattern for _text, pattern in piece], lines, start)
            if at is None:
                return "\n".join(text for text, _pattern in piece)
            start = at + len(piece)

        return None

    @staticmethod
    def _place_of(patterns: list[re.Pattern[str]], lines: list[str], start: int) -> int | None:
        """The first line, from `start` on, at which all lines match their patterns."""
        for at in range(start, len(lines) - len(patterns) + 1):
            if all(pattern.fullmatch(line) for pattern, line in zip(patterns, lines[at:])):
                return at

        return None

    def _pieces(self) -> Iterator[list[tuple[str, re.Pattern[str]]]]:
        """The lines that stand together, each with what it matches."""
        piece: list[tuple[str, re.Pattern[str]]] = []
        for text in (*self.shown, "…"):
            if text != "…":
                piece.append((text, re.compile(".*".join(map(re.escape, text.split("…"))))))
            elif piece:
                yield piece
                piece = []


Step = Union[File, Command]


def read(path: Path) -> list[Step]:
    """All steps of a guide."""
    return list(steps(path.read_text("utf-8"), path.name))


def read_part(path: Path, *titles: str) -> list[Step]:
    """The steps of these parts of a page, whose titles begin with ##."""
    lines: list[str] = []
    wanted, code = False, False

    for line in path.read_text("utf-8").splitlines():
        code ^= line.startswith("```")
        if line.startswith("## ") and not code:
            wanted = line[3:] in titles
        # A line that is left out stays as an empty line, so that the numbers of the others are right.
        lines.append(line if wanted else "")

    missing = [title for title in titles if f"## {title}" not in lines]
    if missing:
        raise GuideError(f"{path.name}: no part is called {missing[0]}")

    return list(steps("\n".join(lines), path.name))


def steps(text: str, name: str) -> Iterator[Step]:
    """The steps in this Markdown, in their order."""
    lines = text.splitlines()
    at = 0

    while at < len(lines):
        fence = FENCE.match(lines[at])
        at += 1

        if not fence:
            if lines[at - 1].lstrip().startswith(("```", "~~~")):
                raise GuideError(f"{name}:{at}: a block begins with ``` and one word")
            continue

        where, first = f"{name}:{at}", at
        close = fence["indent"] + "```"
        while at < len(lines) and lines[at] != close:
            at += 1
        if at == len(lines):
            raise GuideError(f"{where}: the block has no end")
        block = [line[len(fence["indent"]) :] for line in lines[first:at]]

        if fence["language"] == "console":
            yield from _commands(block, name, first)
        elif fence["language"] == "sh":
            yield from _pasted(block, name, first)
        else:
            yield File(where, _file_name(lines[: first - 1], where), "".join(f"{line}\n" for line in block))

        at += 1


def _file_name(lines: list[str], where: str) -> str:
    """The name with which the paragraph above the block begins."""
    above = [line.strip() for line in lines]
    while above and not above[-1]:
        above.pop()
    start = len(above)
    while start and above[start - 1]:
        start -= 1
    match = NAME.match(above[start]) if start < len(above) else None
    if not match:
        raise GuideError(f"{where}: what file is this? The paragraph above begins with its name in backticks.")

    return match["name"]


def _pasted(block: list[str], name: str, above: int) -> Iterator[Command]:
    """The commands of a block that can be pasted: one in each line. A backslash at the end continues a line."""
    typed: list[str] = []
    for number, line in enumerate(block, above + 1):
        typed.append(line)
        if not line.endswith("\\"):
            yield Command(f"{name}:{number}", "\n".join(typed))
            typed = []

    if typed or not block:
        raise GuideError(f"{name}:{above}: a block of commands has a command in its last line")


def _commands(block: list[str], name: str, above: int) -> Iterator[Command]:
    typed: list[str] = []
    shown: list[str] = []
    where = ""

    def finished() -> Iterator[Command]:
        if typed:
            code = EXIT_CODE.match(shown[-1]) if shown else None
            lines = shown[:-1] if code else shown
            yield Command(where, "\n".join(typed), tuple(map(str.rstrip, lines)), int(code["code"]) if code else 0)

    for number, line in enumerate(block, above + 1):
        if line.startswith("$ "):
            yield from finished()
            typed, shown, where = [line[2:]], [], f"{name}:{number}"
        elif not typed:
            raise GuideError(f"{name}:{number}: a console block begins with a command, $ and a blank")
        elif line.startswith("> ") and not shown:
            typed.append(line[2:])
        else:
            shown.append(line)

    if not typed:
        raise GuideError(f"{name}:{above}: a console block without a command")
    yield from finished()
