# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a report in README is what the audit writes today."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

import report_picture

pytestmark = pytest.mark.of_sources


def test_the_picture_is_not_stale() -> None:
    drawn = report_picture.picture(report_picture.example())

    assert report_picture.PICTURE.read_text("utf-8") == drawn, "run: .venv/dev/bin/python tools/report_picture.py"


def test_the_picture_shows_the_page() -> None:
    """Its findings, and nothing that a browser would have to fetch."""
    record = report_picture.example()
    drawn = report_picture.picture(record)
    shown = "".join(ET.fromstring(drawn).itertext())

    assert record["summary"]["headline"] in shown
    for finding in record["attention"]:
        assert finding["title"] in shown
    assert not re.search(r"<(img|script|link)\b|url\(|@import", drawn)


def test_the_example_names_no_computer() -> None:
    example = report_picture.RECORD.read_text("utf-8")

    assert not re.search(r"/(tmp|home|root|var)/", example)
    assert "esx-trust-demo-" not in example
