# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit report as people meet it: on a screen, on a phone, in the dark, on paper, without a mouse or colours."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from typing import Literal

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import BrowserContext
from playwright.sync_api import Dialog
from playwright.sync_api import Page
from playwright.sync_api import expect

from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build
from ansible_collections.esx.trust.plugins.plugin_utils._audit.html import render
from environment import ROOT
from support.audits import NOW
from support.audits import certificate
from support.audits import entry
from support.audits import failed
from support.audits import fleet
from support.audits import issuer
from support.audits import provider
from support.audits import resource

PHONE, DESK = (360, 740), (1280, 900)
#: Where a person may look at what the tests saw; not part of the repository.
SEEN = ROOT / "tests" / "output" / "report"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

ATTACKS = (
    "<script>document.title='taken'</script>",
    "</style></title></bdi></svg><img src='http://127.0.0.1:9/x' onerror=\"document.title='taken'\">",
    '" onmouseover="document.title=\'taken\'" autofocus onfocus="document.title=\'taken\'" x="',
    "<svg onload=\"document.title='taken'\"><style>body{display:none}</style>",
    "<a href=\"javascript:document.title='taken'\">x</a><iframe src='data:text/html,x'></iframe>",
    "--><details open ontoggle=\"document.title='taken'\">",
)
LONG = "a-name-without-any-place-to-break-it-and-longer-than-every-screen-" * 4


def nasty(hostile: str) -> list[dict[str, Any]]:
    """Entries in which every text is `hostile`."""
    held = {**certificate("x", -5), "subject": hostile, "sha256": hostile}
    wanted = {**certificate("y", 40), "subject": hostile, "sha256": f"{hostile}2"}
    listed = [{**provider(hostile), "available": False, "details": [hostile]}]

    return [
        entry(
            f"1{hostile}",
            resource("differs", issuer(hostile, held, url=hostile), issuer(hostile, wanted, url=f"{hostile}2")),
        ),
        entry(f"2{hostile}", resource("conflict", provider(hostile, "x"), message=hostile), listed=listed),
        entry(f"3{hostile}", resource("undeclared", issuer(f"{hostile}3", held, url=hostile)), listed=listed),
        {"host": f"4{hostile}", "trust": failed(hostile, hostile, hostile)},
    ]


class Report:
    """A report in a tab, and everything that the tab complained of or asked for."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.messages: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("dialog", self._hear)
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(address)

    def _hear(self, dialog: Dialog) -> None:
        self.messages.append(dialog.message)
        dialog.dismiss()


Open = Callable[..., Report]


@pytest.fixture
def report(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the report of some entries in a tab of its own."""
    contexts: list[BrowserContext] = []

    def opened(entries: list[dict[str, Any]], size: tuple[int, int] = DESK, **how: Any) -> Report:
        file = tmp_path / f"report-{len(contexts)}.html"
        file.write_text(render(build(entries, NOW)), encoding="utf-8")
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **how)
        contexts.append(context)

        return Report(context.new_page(), file.as_uri())

    yield opened
    for context in contexts:
        context.close()


def assert_quiet(opened: Report) -> None:
    assert opened.messages == []
    assert opened.asked == [opened.address]


# What it must never do


def test_it_asks_for_nothing_and_says_nothing(report: Open) -> None:
    opened = report(fleet(90, 90))
    opened.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    opened.page.mouse.wheel(0, 20000)
    opened.page.wait_for_load_state("networkidle")

    assert_quiet(opened)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_host_says_does_nothing(report: Open, attack: str) -> None:
    opened = report(nasty(attack))
    title = opened.page.title()

    assert title.startswith("3 of 4 hosts need attention")

    opened.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    for element in opened.page.locator("h3, dd, td, th, bdi").all()[:60]:
        element.hover()
    opened.page.keyboard.press("Tab")

    assert opened.page.title() == title
    assert opened.page.locator("script, img, iframe, svg svg svg, body style").count() == 0
    assert attack in opened.page.locator("#attention ~ ol").inner_text()
    assert_quiet(opened)


def test_the_policy_holds_where_the_escaping_would_not(report: Open) -> None:
    """A second wall: what somehow got into the page as markup would still be refused."""
    opened = report(fleet(3, 3))

    opened.page.evaluate(
        """() => {
          const script = document.createElement('script');
          script.textContent = "document.title = 'taken'";
          const other = document.createElement('div');
          other.innerHTML = `<img src="http://127.0.0.1:9/x" onerror="document.title = 'taken'">
            <style>body { display: none }</style>`;
          document.body.append(other, script);
        }"""
    )

    opened.page.wait_for_load_state("networkidle")

    assert "taken" not in opened.page.title()
    assert opened.page.locator("main").is_visible()
    assert opened.messages
    assert all("Content Security Policy" in line for line in opened.messages)


# Small screens


@pytest.mark.parametrize("width", [320, 360, 400, 768, 1280])
@pytest.mark.parametrize(
    "entries", [fleet(90, 90, 9), nasty(LONG), fleet(3, 0), []], ids=["all", "long", "in order", "none"]
)
def test_the_page_never_scrolls_sideways(report: Open, entries: list[dict[str, Any]], width: int) -> None:
    page = report(entries, (width, 740)).page
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")

    outside = page.evaluate(
        """() => [...document.querySelectorAll('main *, header *, footer *')]
        .filter(each => !each.closest('.scroll, .unseen, svg') && each.getBoundingClientRect().right > innerWidth + 0.5)
        .map(each => each.outerHTML.slice(0, 80))"""
    )

    assert outside == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_matrix_scrolls_by_itself_and_keeps_the_hosts_in_sight(report: Open) -> None:
    page = report(fleet(90, 90, 9), PHONE).page
    region = page.get_by_role("region", name="Hosts and resources, a table that scrolls")
    region.scroll_into_view_if_needed()
    name, cell = region.locator("tbody tr:last-child th"), region.locator("tbody tr:last-child td").first
    before = name.bounding_box(), cell.bounding_box()
    region.evaluate("each => { each.scrollLeft = 200 }")
    after = name.bounding_box(), cell.bounding_box()

    assert before[0] == after[0]
    assert before[1]
    assert after[1]
    assert after[1]["x"] == before[1]["x"] - 200


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("days", [(30,), (-30, 30), (700,), (-700, 3000)])
def test_the_labels_of_the_timeline_stand_apart(report: Open, width: int, days: tuple[int, ...]) -> None:
    held = [certificate(str(each), each) for each in days]
    page = report([entry("a", resource("ok", issuer("vc", *held)))], (width, 740)).page
    boxes = [each.bounding_box() for each in page.locator(".axis text").all()]

    assert len(boxes) > 1

    for left, right in zip(boxes, boxes[1:]):
        assert left
        assert right
        assert left["x"] + left["width"] + 4 <= right["x"]


# Colours


CONTRAST = """() => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(each => each / 255)
    .map(each => each <= .04045 ? each / 12.92 : ((each + .055) / 1.055) ** 2.4)
    .reduce((sum, each, at) => sum + each * [.2126, .7152, .0722][at], 0);
  const behind = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = channels(getComputedStyle(each).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
      if (colour[3] !== 0) throw new Error('half transparent');
    }
    return channels(getComputedStyle(document.documentElement).backgroundColor).slice(0, 3);
  };
  const found = {};
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !element.checkVisibility() || element.closest('.unseen')) continue;
    const style = getComputedStyle(element);
    const front = light(channels(element.closest('svg') ? style.fill : style.color)), back = light(behind(element));
    const ratio = (Math.max(front, back) + .05) / (Math.min(front, back) + .05);
    const name = element.tagName + '.' + element.className + ' in ' + element.parentElement.className;
    found[name] = Math.min(found[name] ?? 99, ratio);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("media", ["screen", "print"])
def test_every_text_stands_out_from_what_is_behind_it(
    report: Open, scheme: Literal["light", "dark"], media: Literal["screen", "print"]
) -> None:
    """WCAG AA for texts of every size."""
    page = report(fleet(90, 90), color_scheme=scheme).page
    page.emulate_media(color_scheme=scheme, media=media)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    contrasts = page.evaluate(CONTRAST)

    assert len(contrasts) > 20
    assert {name: ratio for name, ratio in contrasts.items() if ratio < 4.5} == {}

    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    dark = scheme == "dark" and media == "screen"

    assert (back != "rgb(255, 255, 255)") is dark


@pytest.mark.parametrize("forced", ["active", "none"])
def test_every_status_is_readable_without_colours(report: Open, forced: Literal["active", "none"]) -> None:
    page = report(fleet(90, 90)).page
    page.emulate_media(forced_colors=forced)
    marks = page.locator(".mark, .matrix td:not(.none):not([colspan])")
    marked = {each.strip() for each in marks.all_inner_texts()}
    words = ("ok", "undeclared", "differs", "missing", "extra", "conflict", "unreachable", "failed", "not examined")
    shown = {word: next(each for each in marked if re.fullmatch(rf"\W\s*{word}", each)) for word in words}

    assert len({each[0] for each in shown.values()}) == len(words)
    assert all(re.match(r"[^\w\s]\s*\w", each) for each in marked), marked

    for shape in page.locator(".mark i").all()[:40]:
        box = shape.bounding_box()
        assert box
        assert box["width"] > 4


# Without a mouse, without eyes


def test_everything_is_reached_with_the_keyboard(report: Open) -> None:
    page = report(fleet(200, 60)).page

    def focused() -> str:
        return str(page.evaluate("document.activeElement.outerHTML.slice(0, 80)"))

    page.keyboard.press("Tab")

    assert "Skip to what needs attention" in focused()
    assert page.locator(".skip").is_visible()

    page.keyboard.press("Enter")

    assert 'id="attention"' in focused()

    page.keyboard.press("Tab")
    folded = page.locator("details", has=page.locator("summary:focus"))
    expect(folded).to_have_count(1)

    assert folded.get_attribute("open") is None

    outline = page.locator("summary:focus").evaluate("each => getComputedStyle(each).outlineStyle")

    assert outline == "solid"

    page.keyboard.press("Enter")

    assert folded.get_attribute("open") is not None

    reached = set()

    for _press in range(200):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.className || document.activeElement.tagName"))
        if "BODY" in reached:
            break

    assert {"SUMMARY", "A", "scroll"} <= {name.split(" ")[0] for name in reached}


def test_a_row_leads_to_its_finding_also_where_that_is_folded(report: Open) -> None:
    declared = issuer("vc")
    entries = [
        entry(f"esx{number:02}", resource("differs", issuer("vc", certificate(str(number), 300)), declared))
        for number in range(40)
    ]
    page = report(entries).page
    target = page.locator(".finding .points > li", has_text="esx39")

    assert not target.is_visible()

    page.get_by_role("rowheader", name="esx39").get_by_role("link").click()
    expect(target).to_be_in_viewport()


def test_the_page_has_the_parts_that_a_screen_reader_announces(report: Open) -> None:
    page = report(fleet(90, 90)).page
    for role in ("banner", "main", "contentinfo"):
        expect(page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("navigation", name="Parts of this report")).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    table = page.get_by_role("table", name="What was found, by host and resource")
    columns = table.get_by_role("columnheader").all_inner_texts()

    assert {"Host", "Key provider", "Token issuers", "site-a", "vcenter01"} <= {each.strip() for each in columns}

    rows = table.get_by_role("row").count()

    assert table.get_by_role("rowheader").count() == rows - 2

    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map(each => +each.tagName[1])")

    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:]))
    assert page.evaluate("document.documentElement.lang") == "en"

    spoken = page.locator("body").aria_snapshot()

    assert "1 host could not be reached" in spoken or "hosts could not be reached" in spoken


def test_the_name_of_the_host_is_the_largest_text_of_a_finding(report: Open) -> None:
    page = report(fleet(90, 90)).page

    sizes = page.evaluate(
        """() => [...document.querySelectorAll('.finding')].map(finding => {
          const size = element => parseFloat(getComputedStyle(element).fontSize);
          const others = [...finding.querySelectorAll('*')].filter(each => !each.closest('.host'));
          return [size(finding.querySelector('.host')), Math.max(...others.map(size))];
        })"""
    )

    assert len(sizes) > 10
    assert all(host > text for host, text in sizes)


def test_every_tile_and_every_marked_cell_leads_to_something_that_is_seen(report: Open) -> None:
    page = report(fleet(90, 90)).page
    links = page.locator(".tiles a, .matrix td a")

    assert page.locator(".tiles a").count() == page.locator(".tiles li").count() > 5

    for address in dict.fromkeys(link.get_attribute("href") for link in links.all()):
        links.and_(page.locator(f'[href="{address}"]')).first.click()
        expect(page.locator(str(address))).to_be_in_viewport()


def test_rows_are_filtered_without_scripts(report: Open) -> None:
    page = report(fleet(60, 9), java_script_enabled=False).page
    rows = page.locator(".matrix tbody tr")
    passing = page.locator(".matrix tbody tr.passes")

    assert rows.count() > passing.count() > 0

    page.get_by_label("Only hosts that need attention").check()
    expect(passing.first).not_to_be_visible()
    expect(rows.first).to_be_visible()
    page.get_by_label("All rows").check()
    expect(passing.first).to_be_visible()


def test_what_differs_folds_out_of_its_finding_with_whole_fingerprints(report: Open) -> None:
    held, wanted = certificate("old", 400), certificate("new", 800)
    page = report([entry("esx01", resource("differs", issuer("vc", held), issuer("vc", wanted)))]).page
    lines = page.locator(".finding .diff li")
    expect(lines.first).not_to_be_visible()
    page.locator(".finding").get_by_text("What differs").click()

    assert [each.split(" ")[0] for each in lines.all_inner_texts()] == ["−", "+"]

    for line, certificate_record in zip(lines.all_inner_texts(), (held, wanted)):
        assert certificate_record["sha256"] in line


# Paper


def test_on_paper(report: Open) -> None:
    opened = report(fleet(200, 60), color_scheme="dark")
    page = opened.page
    page.emulate_media(media="print", color_scheme="dark")

    assert not page.locator("nav").is_visible()

    names = page.locator(".names").last

    assert names.evaluate("each => each.checkVisibility({contentVisibilityAuto: true})")

    box = names.bounding_box()

    assert box is not None
    assert box["height"] > 50

    overflowing = page.evaluate(
        "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).length"
    )

    assert overflowing == 0

    SEEN.mkdir(parents=True, exist_ok=True)
    paper = page.pdf(path=SEEN / "paper.pdf", prefer_css_page_size=True)

    assert paper.startswith(b"%PDF")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 15
    assert_quiet(opened)


# Large fleets


def test_a_thousand_hosts(report: Open) -> None:
    opened = report(fleet(1000, 120, 9))
    page = opened.page

    # What a browser has to lay out; hosts of the same kind share it. Seconds would tell of this machine.
    assert page.locator("*").count() < 20_000
    assert len(page.content()) < 400_000

    page.get_by_text("880 hosts").last.click()
    expect(page.get_by_text("esx1000.example.com").last).to_be_visible()

    assert_quiet(opened)


def test_a_thousand_hosts_of_which_no_two_are_alike(report: Open) -> None:
    declared = [issuer(f"vcenter{number:02}") for number in range(9)]
    entries = []

    for number in range(1000):
        last_certificate = certificate(f"own {number}", 100)
        wrong = [
            resource("differs", issuer(declared_issuer["issuer_alias"], last_certificate), declared_issuer)
            for declared_issuer in declared[:3]
        ]
        rest = [resource("ok", declared_issuer) for declared_issuer in declared[3:]]
        entries.append(entry(f"esx{number:04}.example.com", resource("ok", provider("site-a")), *wrong, *rest))

    opened = report(entries)
    page = opened.page

    assert page.locator("*").count() < 100_000
    assert len(page.content()) < 4_000_000
    assert page.get_by_role("row").count() == 1002

    page.get_by_role("rowheader", name="esx0999").get_by_role("link").click()
    expect(page.locator("#finding-0-999")).to_be_in_viewport()

    assert_quiet(opened)
