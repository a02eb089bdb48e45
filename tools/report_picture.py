# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of the demonstration's first audit: its page for the site, and its picture for README.

    .venv/dev/bin/python tools/report_picture.py                      draw the picture again
    make demo && .venv/dev/bin/python tools/report_picture.py --take  the report of this run is the example from now on

The example is the record of a real audit, demo/report.json. The page is the one that the audit writes for this record.
docs/report.svg shows the upper part of this page: the same HTML and the same style sheet, in a frame of SVG.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import sys
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from environment import ROOT
from environment import link_collection
from programs import fail

sys.path.insert(0, str(link_collection()))

from ansible_collections.esx.trust.plugins.plugin_utils._audit.html import render

NEW = ROOT / "build" / "demo" / "before" / "esx-trust-audit.json"
RECORD = ROOT / "demo" / "report.json"
PICTURE = ROOT / "docs" / "report.svg"

#: Pixels of the page that the picture shows.
WIDTH, HEIGHT = 960, 1110

_XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'
_SVG = 'xmlns="http://www.w3.org/2000/svg"'
_PARTS = re.compile(
    r"<title>(?P<title>.*?)</title>\s*<style>(?P<style>.*?)</style>.*?<body>(?P<body>.*)</body>", re.DOTALL
)
_FOLDER_OF_THE_RUN = re.compile(r"/[^\s\"]*/esx-trust-demo-\w+/")


def example() -> dict[str, Any]:
    """The record of the audit that is the example."""
    record: dict[str, Any] = json.loads(RECORD.read_text("utf-8"))
    return record


def page(record: Mapping[str, Any]) -> str:
    """The page that an audit writes for this record."""
    return render(record)


def picture(record: Mapping[str, Any]) -> str:
    """The upper part of the page as an SVG."""
    parts = _PARTS.search(page(record))
    if parts is None:
        fail("the page of the report has another form than before: no title, style sheet and body")

    # SVG is XML, where every element has an end, every attribute a value, and every drawing its namespace.
    body = re.sub(r"<(wbr|input\b[^>]*)>", r"<\1/>", parts["body"])
    body = re.sub(r" checked(?=[\s/>])", ' checked="checked"', body)
    body = body.replace("<svg", f"<svg {_SVG}")

    drawn = f"""<svg {_SVG} viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">
<!-- Copyright (c) 2026, esx.trust contributors -->
<!-- SPDX-License-{"Identifier"}: GPL-3.0-or-later -->
<!-- Made by tools/report_picture.py. -->
<title>{parts["title"]}</title>
<style>{html.escape(html.unescape(parts["style"]), quote=False)}</style>
<foreignObject width="{WIDTH}" height="{HEIGHT}">
<html {_XHTML} lang="en">
<body>{body}</body>
</html>
</foreignObject>
<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" fill="none" stroke="var(--line)"/>
</svg>
"""

    try:
        ET.fromstring(drawn)  # noqa: S314 - our own text
    except ET.ParseError as error:
        fail(f"the picture of the report is no XML: {error}")

    return drawn


def take(record_of_a_run: str) -> None:
    """Make the record of a run the example, without the temporary folder of the run."""
    record = json.loads(_FOLDER_OF_THE_RUN.sub("", record_of_a_run))
    RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")


def found(record: Mapping[str, Any]) -> dict[str, Any]:
    """What an audit has found, without the times, keys and certificates that are new in each run."""
    hosts = {}
    for host in record["hosts"]:
        resources = [(resource["resource"], resource["id"], resource["status"]) for resource in host["resources"]]
        hosts[host["host"]] = resources or host["status"]

    return {"version": record["version"], "summary": record["summary"], "hosts": hosts}


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the picture of the example of a report.")
    parser.add_argument("--take", action="store_true", help="first take the report of the last `make demo`")
    if parser.parse_args().take:
        try:
            take(NEW.read_text("utf-8"))
        except FileNotFoundError:
            fail(f"there is no {NEW.relative_to(ROOT)}; make demo writes it")

    PICTURE.write_text(picture(example()), "utf-8")


if __name__ == "__main__":
    main()
