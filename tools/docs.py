# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation site.

    .venv/docs/bin/python tools/docs.py [DIRECTORY]      build it there; build/docs

antsibull-docs makes the pages of modules, filters, lookups and role from their own documentation; the guides and the
reference are the Markdown of docs/. A warning of Sphinx is a failure. No network is used.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path

import checkout
import report_picture
from environment import ROOT
from programs import fail
from programs import run
from promises import PUBLIC_FILTERS

DOCS = ROOT / "docs"
SITE = ROOT / "tools" / "site"
COLLECTION = "esx.trust"
#: Where antsibull-docs and sphinx-build are.
PROGRAMS = Path(sys.executable).parent
#: The page of the report that is an example.
EXAMPLE = "example-report.html"
ON_GITHUB = "https://github.com/esx-trust/esx.trust/blob/main/"

#: The parts of the site and their pages, in the order in which they are read.
PARTS = {
    "Guides": (
        "fleet-configuration",
        "does-it-work-with-my-hosts",
        "bootstrap",
        "recovery",
        "rotation",
        "audit-in-ci",
        "client-profiles",
        "rehearsal",
    ),
    "One task": ("awx", "metrics", "sites"),
    "Reference": ("playbooks", "collection/index", "troubleshooting", "performance"),
    "Promises": ("safety", "faults", "compatibility", "changelog"),
    "For contributors": ("simulator", "architecture"),
}

#: The labels of Ansible's documentation to which pages of modules refer.
LABELS = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "ansible_collections.vmware.vmware.key_provider_native_module": (
        "collections/vmware/vmware/key_provider_native_module.html"
    ),
    "common_return_values": "reference_appendices/common_return_values.html",
}

_LINK = re.compile(r"(?<=\]\()(?P<target>[^)\s:#]+)(?P<anchor>#[^)\s]*)?(?=\))")

#: The title of the index of the collection. antsibull-docs writes the name of the collection, in capitals.
INDEX_TITLE = "Modules, filters, lookups and role"
_TITLE_OF_ANTSIBULL = "Esx.Trust\n=========\n"

#: The list of guides in that index. The site has the guides themselves.
_GUIDES_OF_INDEX = "Guides\n------\n\n.. toctree::\n    :maxdepth: 1\n\n    docsite/guides\n\n"

#: A line of the index of the collection that leads to a filter.
_FILTER = re.compile(r"(\* :ansplugin:`|    )(?P<name>\w+)(_filter$| filter <)")


def pages() -> tuple[str, ...]:
    """The pages of docs/ that the site has, without their ending."""
    found: list[str] = []

    for names in PARTS.values():
        found += [name for name in names if name != "changelog" and not name.startswith("collection/")]

    return tuple(found)


def build(output: Path) -> Path:
    """Build the site; returns its first page."""
    with tempfile.TemporaryDirectory(prefix="esx-trust-") as folder:
        path = os.pathsep.join([str(PROGRAMS), os.environ.get("PATH", os.defpath)])
        variables = checkout.variables(Path(folder), PATH=path)

        source = Path(folder) / "source"
        _write_sources(source)
        _write_pages_of_plugins(source / "collection", variables)

        made = Path(folder) / "html"
        options = ["-W", "--keep-going", "-q", "-b", "html", "-d", Path(folder) / "doctrees"]
        run([PROGRAMS / "sphinx-build", *options, source, made], variables)

        shutil.rmtree(output, ignore_errors=True)
        shutil.copytree(made, output, ignore=shutil.ignore_patterns(".buildinfo", "objects.inv"))
        (output / EXAMPLE).write_text(report_picture.page(report_picture.example()), "utf-8")

    return output / "index.html"


def _write_sources(source: Path) -> None:
    """Bring together what stands in docs/ and tools/site, and the changelog."""
    source.mkdir()
    shutil.copy(SITE / "conf.py", source)
    (source / "ansible_devel.inv").write_bytes(_inventory())

    (source / "_static").mkdir()
    for style in SITE.glob("*.css"):
        shutil.copy(style, source / "_static")

    for page in pages():
        text = (DOCS / f"{page}.md").read_text("utf-8")
        (source / f"{page}.md").write_text(_with_links(text), "utf-8")

    for picture in DOCS.glob("*.svg"):
        shutil.copy(picture, source)

    shutil.copy(ROOT / "CHANGELOG.md", source / "changelog.md")

    index = _with_links((DOCS / "README.md").read_text("utf-8"))
    index = index.replace("\n## ", f'\n<p><a href="{EXAMPLE}">The whole report</a></p>\n\n## ', 1)
    (source / "index.md").write_text("\n".join([index, *_tables_of_contents()]), "utf-8")


def _write_pages_of_plugins(folder: Path, variables: Mapping[str, str]) -> None:
    """Let antsibull-docs write the pages of modules, filters, lookups and role, and fit them into the site."""
    folder.mkdir(mode=0o700)
    options = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", folder]
    run([PROGRAMS / "antsibull-docs", "collection", *options, COLLECTION], variables)

    _leave_out_parts_of_playbooks(folder)
    _fit_index(folder)


def _leave_out_parts_of_playbooks(collection: Path) -> None:
    """Remove the pages of the filters that only the collection's own playbooks use, and their lines of the index."""
    internal = set()

    for page in collection.glob("*_filter.rst"):
        name = page.stem.removesuffix("_filter")
        if name not in PUBLIC_FILTERS:
            internal.add(name)
            page.unlink()

    index = collection / "index.rst"
    kept = []

    for line in index.read_text("utf-8").splitlines(keepends=True):
        named = _FILTER.match(line)
        if named is None or named["name"] not in internal:
            kept.append(line)

    index.write_text("".join(kept), "utf-8")


def _fit_index(collection: Path) -> None:
    """Give the index of the collection a title for people, and remove its list of guides."""
    index = collection / "index.rst"
    text = index.read_text("utf-8")

    title = f"{INDEX_TITLE}\n{'=' * len(INDEX_TITLE)}\n"

    for written, wanted in ((_TITLE_OF_ANTSIBULL, title), (_GUIDES_OF_INDEX, "")):
        if written not in text:
            fail(f"antsibull-docs writes another index, without this: {written!r}")
        text = text.replace(written, wanted)

    index.write_text(text, "utf-8")
    shutil.rmtree(collection / "docsite")


def _with_links(text: str) -> str:
    """The Markdown, with the links that lead out of the site leading to the repository."""

    # A page that the tarball has names a page that it has not by its address on GitHub.
    text = text.replace(f"]({ON_GITHUB}docs/", "](")

    def point(link: re.Match[str]) -> str:
        target = link["target"]
        anchor = link["anchor"] or ""

        if target == "README.md":
            return "index.md" + anchor
        if target == "../CHANGELOG.md":
            return "changelog.md" + anchor

        path = (DOCS / target).resolve()
        if not path.exists():
            fail(f"a link in docs/ leads nowhere: {target}")

        inside = path.parent == DOCS and (path.stem in pages() or path.suffix == ".svg")

        return link[0] if inside else ON_GITHUB + str(path.relative_to(ROOT)) + anchor

    return _LINK.sub(point, text)


def _tables_of_contents() -> Iterator[str]:
    for title, names in PARTS.items():
        yield "```{toctree}"
        yield ":hidden:"
        yield ":maxdepth: 2"
        yield f":caption: {title}"
        yield ""
        for name in names:
            yield f"{INDEX_TITLE} <{name}>" if name == "collection/index" else name
        yield "```\n"


def _inventory() -> bytes:
    """An inventory of Sphinx (version 2) with the labels alone."""
    lines = [f"{label} std:label -1 {page}#{label} {label}\n" for label, page in sorted(LABELS.items())]
    head = (
        "# Sphinx inventory version 2\n"
        "# Project: Ansible\n"
        "# Version: devel\n"
        "# The remainder of this file is compressed using zlib.\n"
    )
    return head.encode() + zlib.compress("".join(lines).encode())


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit("usage: docs.py [DIRECTORY]")
    print(build(Path(sys.argv[1]) if len(sys.argv) == 2 else ROOT / "build" / "docs"))
