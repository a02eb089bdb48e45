# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML report: whole, harmless whatever hosts say, and small enough to open."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from collections.abc import Callable
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from typing import Optional
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.plugin_utils._audit import html
from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import Run
from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build
from ansible_collections.esx.trust.plugins.plugin_utils._audit.html import render
from ansible_collections.esx.trust.plugins.plugin_utils._audit.timeline import timeline
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text
from support.audits import NOW
from support.audits import certificate
from support.audits import entry
from support.audits import failed
from support.audits import fleet
from support.audits import issuer
from support.audits import provider
from support.audits import resource
from support.examples import examples

VOID = ("input", "meta", "wbr")
MEGABYTE = 1_000_000
HOSTILE = (
    "<script>document.title='taken'</script>",
    "</style></title></bdi></svg><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x=\'',
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)",
    "<!-- --><![CDATA[<svg onload=alert(1)>]]>",
    "&lt;script&gt;&#60;b&#62;",
    "{{ 6 * 7 }}{% raw %}",
    "\u202egnp.exe\u0000\x1b[2J\ud800",
)


class Page(HTMLParser):
    """The document as a tree, built the way a browser does it, and stricter: every element must be closed."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self._builder = ElementTree.TreeBuilder()
        self._open: list[str] = []
        self.feed(source)
        self.close()

        assert not self._open

        self.root = self._builder.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Optional[str]]]) -> None:
        assert len(dict(attrs)) == len(attrs)

        self._builder.start(tag, {name: value or "" for name, value in attrs})
        self._open.append(tag)
        if tag in VOID:
            self.handle_endtag(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, Optional[str]]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

        self._builder.end(tag)

    def handle_data(self, data: str) -> None:
        if self._open:
            self._builder.data(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """All elements with the names of their attributes, but for the places where a name may break."""
        return [(element.tag, tuple(element.attrib)) for element in self.root.iter() if element.tag != "wbr"]

    def find(self, name: str) -> ElementTree.Element:
        (element,) = (each for each in self.root.iter() if each.get("id") == name)
        return element

    def tables(self) -> Iterator[tuple[list[str], str]]:
        """Of every row of the matrix the hosts that it stands for and what it says, cell by cell."""
        (table,) = self.root.iter("table")
        for row in table.findall("tbody/tr"):
            name, *cells = (text_of(cell) for cell in row)
            link = row.find("th/a")
            hosts = [name]

            if link is not None and re.fullmatch(r"[\d,]+ hosts", name):
                part = self.find(link.get("href", "")[1:])
                lists = [each for each in part.iter("div") if each.get("class") in ("hosts", "names id")]
                hosts = [text_of(each) for each in lists[0].iter("bdi")]

                assert name == f"{len(hosts):,} hosts"

            yield hosts, "|".join(cells)


def text_of(element: ElementTree.Element) -> str:
    return "".join(element.itertext())


def page(entries: list[dict[str, Any]]) -> Page:
    return Page(render(build(entries, NOW)))


def everything(word: Callable[[str], str]) -> list[dict[str, Any]]:
    """Entries with a text of `word` in every place into which a host or an inventory can put one."""
    held = certificate("x", -5)
    later = certificate("y", 40)

    def named(facts: dict[str, Any], place: str) -> dict[str, Any]:
        return {**facts, "subject": word(f"{place} subject"), "sha256": word(f"{place} sha256")}

    before = issuer(word("alias"), named(held, "before"), url=word("url before"))
    after = issuer(word("alias"), named(later, "after"), url=word("url after"))
    left = issuer(word("left alias"), {**named(later, "left"), "not_after": word("left end")}, url=word("left url"))
    listed = [{"provider": word("provider"), "type": word("type"), "key_id": word("key"), "available": False}]
    listed[0]["details"] = [word("details")]

    first = entry(
        word("host one"),
        resource("differs", before, after),
        resource("undeclared", left),
        resource("conflict", provider(word("other"), "x"), message=word("message")),
        listed=listed,
    )

    second = entry(word("host two"), listed=[{**listed[0], "key_id": word("key two")}])
    dead = failed(word("code"), f"{word('reason')}", word("hint"), msg=word("msg"))

    return [first, second, {"host": word("host three"), "trust": dead}, {"host": word("host four")}]


def test_it_is_one_whole_document() -> None:
    source = render(build(fleet(30, 30), NOW))
    assert source.startswith('<!doctype html>\n<html lang="en"><head><meta charset="utf-8">')

    shown = Page(source)
    names = [element.get("id") for element in shown.root.iter() if element.get("id")]

    assert len(names) == len(set(names))

    for link in shown.root.iter("a"):
        assert link.get("href", "")[:1] == "#"

        shown.find(link.get("href", "")[1:])

    for section in shown.root.iter("section"):
        assert text_of(shown.find(section.get("aria-labelledby", "")))


def test_it_needs_nothing_else() -> None:
    source = render(build(fleet(30, 30), NOW))
    shape = Page(source).shape()
    forbidden = {"script", "link", "img", "iframe", "object", "embed", "form", "base"}

    assert not {tag for tag, _names in shape} & forbidden

    names = {name for _tag, attributes in shape for name in attributes}

    assert not {name for name in names if name.startswith("on")} | (names & {"src", "srcset", "style", "action"})
    assert "url(" not in source
    assert "@import" not in source


def test_its_policy_allows_this_style_and_nothing_else() -> None:
    shown = page(fleet(5, 5))
    (style,) = shown.root.iter("style")
    digest = base64.b64encode(hashlib.sha256(text_of(style).encode()).digest()).decode()
    (policy,) = (each.get("content") for each in shown.root.iter("meta") if each.get("http-equiv"))

    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@pytest.mark.of_sources
def test_nothing_but_the_style_sheet_escapes_the_escaping() -> None:
    folder = Path(html.__file__).parent
    template = (folder / "report.html.j2").read_text("utf-8")

    assert re.findall(r"[^{]*\|\s*safe\b", template) == [" css | safe"]
    assert "autoescape" not in template

    for file in folder.glob("*.py"):
        source = file.read_text("utf-8")
        assert not re.search(r"Markup|markupsafe|__html__|autoescape=(?!True)", source), file.name

    assert html._template().environment.autoescape is True


class Trusted(str):
    """A text that claims to be HTML already, as Jinja's own filters return it."""

    __slots__ = ()

    def __html__(self) -> str:
        return str.__str__(self)


def test_a_text_that_claims_to_be_html_is_escaped() -> None:
    record = build([{"host": "a", "trust": failed("failed", "a: no")}], NOW)
    (finding,) = record["attention"]
    record["hosts"][0]["host"] = finding["title"] = finding["hosts"][0] = Trusted("<b>bold</b>")
    source = render(record)

    assert "<b>bold</b>" not in source
    assert source.count("&lt;b&gt;bold&lt;/b&gt;") == 3


HARMLESS = functools.lru_cache(lambda: page(everything(lambda place: f"{place}: x")).shape())


@settings(max_examples=examples(60))
@given(st.lists(st.sampled_from(HOSTILE) | st.text(st.characters(), max_size=40), min_size=1, max_size=4))
def test_no_text_of_a_host_breaks_out(hostile: list[str]) -> None:
    """Hostile texts make the very document that harmless ones make, and stand in it as they are."""
    used: dict[str, str] = {}

    def word(place: str) -> str:
        # The place keeps texts apart, and their order the same.
        return used.setdefault(place, f"{place}: {hostile[len(used) % len(hostile)]}")

    taken = page(everything(word))

    assert taken.shape() == HARMLESS()

    shown = text_of(taken.root)
    unseen = {"after sha256", "left end", "type", "code", "msg", "host three"}

    for place, used_text in used.items():
        if place not in unseen:
            assert text(used_text).partition(": ")[2] in shown

    for element in taken.root.iter():
        for name, value in element.attrib.items():
            if name not in ("content", "d"):
                assert not any(text(used_text) in value for used_text in used.values())


@pytest.mark.parametrize(("size", "wrong", "issuers"), [(1, 0, 1), (9, 9, 2), (200, 3, 3), (300, 299, 9)])
def test_every_resource_of_every_host_appears(size: int, wrong: int, issuers: int) -> None:
    record = build(fleet(size, wrong, issuers), NOW)
    shown = Page(render(record))
    (table,) = shown.root.iter("table")
    _host, *names = [text_of(cell) for cell in [*table.findall("thead/tr")[0][:1], *table.findall("thead/tr")[1]]]
    rows = {host: cells for hosts, cells in shown.tables() for host in hosts}

    assert rows.keys() == {host["host"] for host in record["hosts"]}

    for host in record["hosts"]:
        cells = rows[host["host"]].split("|")
        by_id = {held["id"]: held for held in host["resources"]}

        if not by_id:
            assert host["status"].replace("_", " ") in cells[0]
            assert host["message"] in cells[0]

            continue

        for name, cell in zip(names, cells):
            held = by_id.pop(name, None)
            assert (held["status"] if held else "not declared here") in cell
            assert ("not available" in cell) is bool(held and held.get("available") is False)

        assert not by_id


def test_more_resources_than_a_table_can_hold() -> None:
    resources = [resource("ok", issuer(f"vc{number:03}")) for number in range(100)]
    shown = page([entry("a", *resources), entry("b", *resources[:50])])
    (table,) = shown.root.iter("table")

    assert len(table.findall("thead/tr/th[@scope='col']")) == 32

    for number in range(100):
        assert f"vc{number:03}" in text_of(table)


def test_every_finding_and_every_certificate_appears() -> None:
    record = build(fleet(90, 90, 5), NOW)
    shown = Page(render(record))
    attention = text_of(shown.find("attention")) + "".join(text_of(each) for each in shown.root.iter("ol"))

    for item in record["attention"]:
        assert item["title"] in attention

        for detail in item["details"]:
            assert detail["text"] in attention
            assert all(name in attention for name in detail["hosts"])

    for expiring in record["expiry"]:
        assert expiring["subject"] in attention
        assert expiring["not_after"][:10] in attention


def test_what_is_too_much_for_a_page_is_folded_or_counted() -> None:
    ends = [certificate(f"c{number:03}", number) for number in range(1, 201)]
    record = build([entry("a", *(resource("ok", issuer(f"vc{number}", end)) for number, end in enumerate(ends)))], NOW)
    shown = Page(render(record))

    assert "50 more findings, less urgent" in text_of(shown.root)
    assert all(item["title"] in text_of(shown.root) for item in record["attention"])
    assert "140 more chains, the first of which ends on 2027-01-22, in the JSON report." in text_of(shown.root)

    issuers = [resource("ok", issuer(f"vc{number}", ends[150])) for number in range(9)]

    assert "vc0, vc1, vc2, vc3 and 5 more" in text_of(page([entry("a", *issuers)]).root)


def test_a_group_of_many_kinds_of_the_same_difference() -> None:
    """The first kinds are shown, the rest is folded away. Each is told with its hosts."""
    declared = issuer("vc")
    entries = [
        entry(f"esx{number}", resource("differs", issuer("vc", certificate(f"own {number}", 200)), declared))
        for number in range(7)
    ]
    (item, *_rest) = (each for each in page(entries).root.iter("ol") if each.get("class") == "attention")
    (finding,) = (each for each in item if "differs" in text_of(each))
    (folded,) = (each for each in finding.iter("details") if "3 more: " in text_of(each[0]))
    shown, hidden = text_of(finding), text_of(folded)

    for number in range(7):
        assert f"CN=own {number}" in shown
        assert f"esx{number}" in shown
        assert (f"CN=own {number}" in hidden) is (number > 3)


def test_the_verdict_stands_first() -> None:
    assert [text_of(each) for each in page(fleet(200, 3)).root.iter("h1")] == ["3 of 200 hosts need attention"]
    assert [text_of(each) for each in page(fleet(2, 0)).root.iter("h1")] == ["Everything is as declared on 2 hosts"]
    assert [text_of(each) for each in page([]).root.iter("h1")] == ["No host was examined"]


def test_the_run_and_the_changes_are_shown() -> None:
    run = Run("2026-11-22T02:58:18Z", "ops", ["hosts.yml"], "esx", "1.0.0", "2.19.4")
    before = build(fleet(4, 0), "2026-11-21T03:00:00Z")
    shown = Page(render(build(fleet(4, 1), NOW, run, before)))
    facts = [text_of(each) for each in shown.root.iter("div") if each.find("dt") is not None]

    assert facts == [
        *("Took1 minute 42 seconds", "Byops", "Inventoryhosts.yml", "Versionsesx.trust 1.0.0, ansible-core 2.19.4"),
    ]

    changes = next(text_of(each) for each in shown.root.iter("section") if each.get("aria-labelledby") == "changes")

    assert "Since the audit of 21 November 2026, 03:00 UTC." in changes
    assert "1 host no longer as declared" in changes

    same = text_of(Page(render(build(fleet(4, 0), NOW, run, before))).root)

    assert "Nothing: every host has the status that it had." in same


def test_nothing_is_said_of_a_run_of_which_nothing_is_known() -> None:
    shown = page(fleet(4, 1))
    assert not list(shown.root.iter("dl"))
    assert "changes" not in {each.get("id") for each in shown.root.iter()}


def test_what_is_rightly_absent_has_a_word_of_its_own() -> None:
    gone = {**resource("ok", issuer("gone")), "before": {}, "after": {}}
    ((_hosts, cells),) = page([entry("a", gone)]).tables()
    assert cells == "✓absent"


def test_the_next_step_of_every_finding_is_shown() -> None:
    record = build(fleet(90, 90), NOW, Run(inventory="hosts.yml"))
    shown = Page(render(record))
    steps = [text_of(each) for each in shown.root.iter("div") if each.get("class") == "next"]

    assert len(steps) == len(record["attention"])

    for step, item in zip(steps, record["attention"]):
        assert item["next_step"]["sentence"] in step
        assert step.endswith(item["next_step"]["command"])


def test_every_status_has_a_shape_of_its_own() -> None:
    """What nobody can tell by its colour alone."""
    marks: dict[str, set[str]] = {}

    for element in page(fleet(90, 90)).root.iter():
        if element.get("class", "").startswith("mark"):
            shape, word = (text_of(child) for child in element)
            marks.setdefault(word, set()).add(shape)
            assert element[0].get("aria-hidden") == "true"

    shapes = {word: shape.pop() for word, shape in marks.items() if not shape - set("✓◊≠○+▲×!?")}
    statuses = ("ok", "undeclared", "differs", "missing", "extra", "conflict", "unreachable", "failed", "not examined")

    assert len({shapes[status] for status in statuses}) == len(statuses)


@pytest.mark.not_quick
def test_a_large_fleet_makes_a_small_file() -> None:
    assert len(render(build(fleet(1000, 100, 9), NOW)).encode()) < 0.5 * MEGABYTE


@pytest.mark.not_quick
def test_a_large_fleet_in_which_no_two_hosts_are_alike() -> None:
    """Nothing can be told once for several hosts, and three of ten resources are wrong on each."""
    declared = [issuer(f"vcenter{number:02}") for number in range(9)]
    key = provider("site-a")
    entries = []

    for number in range(1000):
        wrong = [
            resource("differs", issuer(held["issuer_alias"], certificate(f"own {number}", 100)), held)
            for held in declared[:3]
        ]
        entries.append(
            entry(
                f"esx{number:04}.example.com",
                resource("ok", key),
                *wrong,
                *(resource("ok", held) for held in declared[3:]),
            )
        )

    record = build(entries, NOW)
    source = render(record)

    assert len(source.encode()) < 3 * MEGABYTE
    assert all(source.count(f"{host['host']}<") + source.count(f"{host['host'][7:]}<") for host in record["hosts"])


def test_a_record_that_was_read_from_json_gives_the_same_page() -> None:
    record = build(fleet(40, 30), NOW)
    assert render(json.loads(json.dumps(record))) == render(record)


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(ValueError, match="audit_data"):
        render({"hosts": []})


@pytest.mark.parametrize(("days", "mark"), [(30, False), (90, True), (180, True), (340, False), (4000, False)])
def test_the_days_before_an_end_are_those_of_the_record(days: int, mark: bool) -> None:
    """They are marked on the scale too, where the text of the mark does not run into that of another mark."""
    record = build([entry("a", resource("ok", issuer("vc", certificate("x", 200))))], NOW, expiring_days=days)
    text = text_of(Page(render(record)).root)

    assert f"The shaded part shows the next {days} days." in text

    view = timeline(record["chains"], days)

    assert view

    marks = [label["text"] for label in view["labels"]]

    assert marks == (["today", f"{days} days", "1 year"] if mark else ["today", "1 year"])


def test_a_record_without_the_days() -> None:
    record = build([entry("a", resource("ok", issuer("vc", certificate("x", 200))))], NOW)
    del record["expiring_days"]
    assert "The shaded part shows the next 90 days." in text_of(Page(render(record)).root)
