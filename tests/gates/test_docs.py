# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation site can be built, without a warning, and has what people look for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

import docs
import environment
from promises import PUBLIC_FILTERS
from promises import PUBLIC_LOOKUPS

if TYPE_CHECKING:
    from support.tools import Tools


def test_the_site(tools: Tools, tmp_path: Path) -> None:
    tools.run("docs", ["python", environment.ROOT / "tools/docs.py", tmp_path / "site"])
    made = {str(path.relative_to(tmp_path / "site")) for path in (tmp_path / "site").rglob("*.html")}
    modules = {path.stem for path in (environment.ROOT / "plugins/modules").glob("*.py")}

    assert {f"collection/{module}_module.html" for module in modules} <= made

    filters = {path for path in made if path.endswith("_filter.html")}

    assert filters == {f"collection/{name}_filter.html" for name in PUBLIC_FILTERS}

    lookups = {path for path in made if path.endswith("_lookup.html")}

    assert lookups == {f"collection/{name}_lookup.html" for name in PUBLIC_LOOKUPS}

    site = tmp_path / "site"

    assert docs.EXAMPLE in made
    assert f'href="{docs.EXAMPLE}"' in (site / "index.html").read_text("utf-8")
    assert not [path for path in made if "Esx.Trust" in (site / path).read_text("utf-8")], "a title for people"
    assert {f"{page}.html" for page in docs.pages()} | {"collection/host_trust_role.html", "changelog.html"} <= made


def test_every_page_is_in_the_site() -> None:
    """And the list of pages for readers on GitHub names each, too."""
    written = {path.stem for path in docs.DOCS.glob("*.md")} - {"README"}
    assert set(docs.pages()) == written

    index = (docs.DOCS / "README.md").read_text("utf-8")

    assert {name for name in written if not re.search(rf"[(/]{name}\.md\)", index)} == set()


@pytest.mark.parametrize(
    ("part", "before"),
    [("Guides", "You can follow each of these guides"), ("One task", "These pages are about one task")],
)
def test_the_list_for_other_sites_has_every_guide(part: str, before: str) -> None:
    """Sites that show collections without these pages have this list of links."""
    text = (docs.DOCS / "docsite/rst/guides.rst").read_text("utf-8")
    listed = text.partition(before)[2].partition("\n\n")[2].partition("\n\n")[0]
    wanted = [f"- `{_title(page)} <{docs.ON_GITHUB}docs/{page}.md>`__" for page in docs.PARTS[part]]

    assert listed.splitlines() == wanted


def test_the_readme_has_every_guide() -> None:
    text = (environment.ROOT / "README.md").read_text("utf-8")
    pages = (*docs.PARTS["Guides"], *docs.PARTS["One task"])

    assert [page for page in pages if f"[{_title(page)}]({docs.ON_GITHUB}docs/{page}.md)" not in text] == []


def _title(page: str) -> str:
    """The title of a page of docs/."""
    found = re.search(r"^# (.+)$", (docs.DOCS / f"{page}.md").read_text("utf-8"), re.MULTILINE)
    assert found, page

    return found[1]


def test_every_variable_of_a_playbook_stands_on_its_page() -> None:
    page = (docs.DOCS / "playbooks.md").read_text("utf-8")
    for path in sorted((environment.ROOT / "playbooks").glob("*.yml")):
        section = re.search(rf"^## esx\.trust\.{path.stem}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
        assert section, f"{path.name} has no section"

        head = path.read_text("utf-8").partition("\n---\n")[0]
        named = set(re.findall(r"^#   (esx_\w+(?:, esx_\w+)*)", head, re.MULTILINE))
        variables = {name for line in named for name in line.split(", ")}

        assert {name for name in variables if f"`{name}`" not in section[1]} == set()


def test_every_example_that_is_one_task_runs_where_the_work_is_done() -> None:
    """A task that is pasted alone would otherwise be sent to the ESX host, which has no Python for it."""
    examples = 0
    for path in sorted((environment.ROOT / "plugins/modules").glob("*.py")):
        found = re.search(r'^EXAMPLES = r"""(.*?)"""', path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        assert found, path.name

        for entry in yaml.safe_load(found[1]):
            if any(name.startswith("esx.trust.") for name in entry):
                examples += 1
                assert entry.get("delegate_to") == "localhost", f"{path.name}: {entry['name']}"

    assert examples


def test_a_filter_that_is_not_for_users_says_so() -> None:
    """ansible-doc -l lists it in any case, because ansible-core hides no filter of a collection."""
    said = {}
    for path in (environment.ROOT / "plugins/filter").glob("*.yml"):
        documentation = yaml.safe_load(path.read_text("utf-8"))["DOCUMENTATION"]
        said[path.stem] = documentation["short_description"].startswith("Internal: ")

    assert {name for name, internal in said.items() if not internal} == set(PUBLIC_FILTERS)
