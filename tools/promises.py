# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection promises to keep within a major version, as data.

    .venv/dev/bin/python tools/promises.py      write tests/contract/promises.yml anew

docs/compatibility.md says what a promise is. What is added becomes a promise with the next release.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import tempfile
from collections.abc import Iterable
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

import checkout
import report_structure
from environment import ROOT
from environment import link_collection
from programs import run

sys.path.insert(0, str(link_collection()))

from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import KINDS

PROMISES = ROOT / "tests" / "contract" / "promises.yml"
HEAD = """# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What is kept within a major version; see docs/compatibility.md. Written by tools/promises.py.
---
"""

#: The filters that are for users. The others are parts of the playbooks.
PUBLIC_FILTERS = ("audit_data", "audit_html", "audit_junit", "audit_metrics", "compare_audits")

#: The lookups that are for users.
PUBLIC_LOOKUPS = ("host_options",)

#: The files of the role that users name with tasks_from. The others are parts of the playbooks.
PUBLIC_ROLE_TASKS = ("main", "compare", "look")

_PLAYBOOK_VARIABLES = re.compile(r"^#   (esx_\w+(?:, esx_\w+)*)", re.MULTILINE)
_SECTION_OF_PAGE = re.compile(r"^## esx\.trust\.(\w+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ROW_OF_PAGE = re.compile(r"^\| (`esx_[^|]*)\|([^|]*)\|(.*)\|$", re.MULTILINE)
_AS_IN = re.compile(r"as in `esx\.trust\.(\w+)`")
_VALUE = re.compile(r"V\((\w+)\)")


def current() -> dict[str, Any]:
    """What the collection has today."""
    names = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
    modules = _modules(names)
    tried = modules["esx_api_probe"]["returns"]
    probe_reports = report_structure.probe_reports(modules["esx_api_info"]["returns"], tried)
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text("utf-8"))
    return {
        "modules": modules,
        "filters": _plugins("filter", PUBLIC_FILTERS),
        "lookups": _plugins("lookup", PUBLIC_LOOKUPS),
        "role_tasks": _role_tasks(),
        "role_variables": _role_variables(),
        "playbooks": _playbooks(),
        "action_groups": {group: _present(names) for group, names in runtime["action_groups"].items()},
        "audit_report_version": _number("plugins/plugin_utils/_audit/data.py"),
        "audit_report": report_structure.structure(report_structure.audit_reports()),
        "audit_report_kinds": _present(KINDS),
        "probe_report_version": _number("plugins/plugin_utils/_probe.py"),
        "probe_report": report_structure.structure(probe_reports),
        "metrics": _present(_metrics()),
        "awx_credential_types": _credential_types(),
    }


def _modules(names: Iterable[str]) -> dict[str, Any]:
    """What modules promise, also which of their options are secrets, which no documentation tells."""
    promised = _plugins("module", names)
    for name, kept in promised.items():
        _mark_secrets(kept["options"], _specification(name))

    return promised


def _specification(name: str) -> Mapping[str, Any]:
    """The options of a module as Ansible gets them."""
    module = vars(importlib.import_module(f"ansible_collections.esx.trust.plugins.modules.{name}"))
    for arguments in ("ARGUMENTS", "INFO_ARGUMENTS"):
        if arguments in module:
            options: Mapping[str, Any] = module[arguments].options
            return options

    specification: Mapping[str, Any] = module["ARGUMENT_SPEC"]
    return specification


def _mark_secrets(kept: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    for name, option in options.items():
        if option.get("no_log"):
            kept[name]["secret"] = True

        _mark_secrets(kept[name].get("suboptions", {}), option.get("options", {}))


def _plugins(kind: str, names: Iterable[str]) -> dict[str, Any]:
    """What the documentation of plugins promises, by their names."""
    promised = {}
    for name, found in _documented(kind, names).items():
        promised[name] = _plugin(found)

    return promised


def _documented(kind: str, names: Iterable[str]) -> dict[str, Any]:
    """The documentation of plugins, with their fragments, as ansible-doc tells it."""
    with tempfile.TemporaryDirectory(prefix="esx-trust-") as home:
        command = [Path(sys.executable).parent / "ansible-doc", "--json", "-t", kind]
        full_names = [f"esx.trust.{name}" for name in names]
        documentation = json.loads(run([*command, *full_names], checkout.variables(Path(home))))

    return {full_name.rpartition(".")[2]: found for full_name, found in documentation.items()}


def _plugin(found: Mapping[str, Any]) -> dict[str, Any]:
    returned = found.get("return") or {}
    failure = (returned.get("failure") or {}).get("contains") or {}
    codes = _VALUE.findall(" ".join(_paragraphs(failure.get("code", {}).get("description"))))

    return {
        "options": _options(found["doc"].get("options") or {}),
        "returns": _returned(returned),
        "failure_codes": _present(codes),
    }


def _paragraphs(description: Any) -> list[str]:
    return [description] if isinstance(description, str) else list(description or [])


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _option(option) for name, option in options.items()}


def _option(option: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {"type": option.get("type", "str"), "required": bool(option.get("required"))}
    if option.get("default") is not None:
        kept["default"] = option["default"]
    if option.get("elements"):
        kept["elements"] = option["elements"]

    for name in ("choices", "aliases"):
        if option.get(name):
            kept[name] = _present(option[name])

    # Roles have another word for them than modules.
    suboptions = option.get("suboptions") or option.get("options")
    if suboptions:
        kept["suboptions"] = _options(suboptions)

    return kept


def _returned(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = {}
    for name, value in values.items():
        kept[name] = {"type": value.get("type", "str")}
        if value.get("contains"):
            kept[name]["contains"] = _returned(value["contains"])

    return kept


def _present(names: Iterable[Any]) -> dict[str, bool]:
    """Names as a mapping, so that a new one among them breaks nothing."""
    return dict.fromkeys(sorted(map(str, names)), True)


def _role_tasks() -> dict[str, bool]:
    folder = ROOT / "roles/host_trust/tasks"
    return _present(name for name in PUBLIC_ROLE_TASKS if (folder / f"{name}.yml").is_file())


def _role_variables() -> dict[str, Any]:
    path = ROOT / "roles/host_trust/meta/argument_specs.yml"
    specs = yaml.safe_load(path.read_text("utf-8"))["argument_specs"]

    return {entry: _options(spec["options"]) for entry, spec in specs.items()}


def _playbooks() -> dict[str, Any]:
    """The variables of each playbook, with the defaults that are values: of the plays, or else of the page."""
    found: dict[str, Any] = {}
    on_page = defaults_on_page()

    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        head, _dashes, text = path.read_text("utf-8").partition("\n---\n")
        plays = yaml.safe_load(text)
        defaults = {**on_page[path.stem], **values_in_plays(plays)}

        found[path.stem] = {}
        for name in sorted(_names_in_comments(head) | _names_in_plays(plays)):
            found[path.stem][name] = {"default": defaults[name]} if name in defaults else {}

    return found


def defaults_on_page() -> dict[str, dict[str, str]]:
    """The defaults in docs/playbooks.md, by playbook and variable, without those that are described in a sentence."""
    found: dict[str, dict[str, str]] = {}

    for playbook, section in _SECTION_OF_PAGE.findall((ROOT / "docs/playbooks.md").read_text("utf-8")):
        found[playbook] = {}
        for cell, default, meaning in _ROW_OF_PAGE.findall(section):
            names = re.findall(r"`(\w+)`", cell)
            value = re.fullmatch(r" `([^`]*)` ", default)
            as_in = _AS_IN.search(meaning)

            if value:
                found[playbook].update(dict.fromkeys(names, value[1]))
            elif as_in and not default.strip():
                others = found[as_in[1]]
                found[playbook].update({name: others[name] for name in names if name in others})

    return found


def values_in_plays(plays: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The variables to which plays give a value that is not computed."""
    values: dict[str, Any] = {}
    for play in plays:
        for name, value in play.get("vars", {}).items():
            if name.startswith("esx_") and "{{" not in str(value):
                values[name] = value

    return values


def _names_in_comments(head: str) -> set[str]:
    """The variables that the comments above a playbook explain; a line may explain several."""
    names: set[str] = set()
    for line in _PLAYBOOK_VARIABLES.findall(head):
        names.update(line.split(", "))

    return names


def _names_in_plays(plays: Iterable[Mapping[str, Any]]) -> set[str]:
    """The variables to which plays give a value. Those that only the playbooks themselves use are left out."""
    names: set[str] = set()
    for play in plays:
        names.update(name for name in play.get("vars", {}) if name.startswith("esx_"))

    return names - {"esx_awx_pattern"}


def _number(name: str) -> int:
    version = re.search(r"^_?VERSION = (\d+)$", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    return int(version[1]) if version else 0


def _metrics() -> list[str]:
    return re.findall(r'"(esx_trust_\w+)"', (ROOT / "plugins/plugin_utils/_audit/metrics.py").read_text("utf-8"))


def _credential_types() -> dict[str, Any]:
    text = (ROOT / "playbooks/vars/awx_credential_types.yml").read_text("utf-8").replace("!unsafe ", "")
    found = {}

    for credential_type in yaml.safe_load(text)["esx_awx_credential_types"]:
        fields = credential_type["inputs"]["fields"]
        found[credential_type["name"]] = _present(field["id"] for field in fields)

    return found


def written() -> dict[str, Any]:
    """What was promised with the last release."""
    promises: dict[str, Any] = yaml.safe_load(PROMISES.read_text("utf-8"))
    return promises


def flat(node: Any, place: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every leaf under the names that lead to it."""
    if not isinstance(node, Mapping):
        return {place: node}
    leaves: dict[tuple[str, ...], Any] = {place: {}}
    for name, value in node.items():
        leaves.update(flat(value, (*place, str(name))))

    return leaves


def broken(promised: Mapping[str, Any], has: Mapping[str, Any]) -> list[str]:
    """The promises that are not kept, and the new options that everybody would have to give."""
    before, now = flat(promised), flat(has)
    found = []

    for place, value in before.items():
        is_now = now.get(place, "gone")
        if is_now != value:
            found.append(f"{' > '.join(place)}: was {value!r}, is {is_now!r}")

    for place, value in now.items():
        required = place[-1:] == ("required",) and value is True
        of_something_promised = place[:-2] in before
        if required and place not in before and of_something_promised:
            found.append(f"{' > '.join(place)}: is new, and everybody would have to give it")

    return found


def added(promised: Mapping[str, Any], has: Mapping[str, Any]) -> list[str]:
    """What is not promised yet."""
    new = flat(has).keys() - flat(promised).keys()

    return sorted(" > ".join(place) for place in new)


if __name__ == "__main__":
    if len(sys.argv) != 1:
        sys.exit("usage: promises.py")
    PROMISES.write_text(HEAD + yaml.safe_dump(current(), sort_keys=True, width=120), "utf-8")
    print(PROMISES.relative_to(ROOT))
