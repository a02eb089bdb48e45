# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of plugins/module_utils: each knows only what is below it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path

import pytest

from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ENTITLEMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.registry import RESOURCES
from ansible_collections.esx.trust.plugins.module_utils._services.registry import SERVICES
from environment import ROOT
from support.registry import KINDS
from support.sources import docstrings
from support.sources import nodes

# It reads the source files of the collection.
pytestmark = pytest.mark.of_sources

UTILS = ROOT / "plugins" / "module_utils"
PACKAGE = "ansible_collections.esx.trust.plugins."
#: From the lowest to the highest.
LAYERS = ("ground", "_secrets", "_api", "_engine", "_services", "_module")

#: The files that stand in no folder, because every layer uses them.
GROUND = dict.fromkeys(("_errors", "_libraries", "_signals", "_text"), "ground")


def place(folders: tuple[str, ...], name: str) -> str:
    """The layer of a file; an error for a file that belongs to none."""
    if folders:
        assert folders[0] in LAYERS, f"{'/'.join(folders)} is no layer; there are {', '.join(LAYERS[1:])}"

        return folders[0]

    where: Mapping[str, str] = GROUND

    assert name in where, f"{name}.py stands in no layer: move it into one of {', '.join(LAYERS[1:])}"

    return where[name]


def imported(path: Path) -> Iterator[str]:
    """The files of plugins/ that a file imports, with dots, imports for types included."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (each.name.removeprefix(PACKAGE) for each in node.names if each.name.startswith(PACKAGE))

        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: an import without the name of the collection"

        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(PACKAGE):
            inside = f"{node.module}.".removeprefix(PACKAGE)
            yield from (f"{inside}{each.name}" for each in node.names)


@functools.cache
def file_of(dotted: str) -> Path:
    """The file that an import names: the name itself, or what it is imported from."""
    path = ROOT.joinpath("plugins", *dotted.split("."))
    return path.with_suffix(".py") if path.with_suffix(".py").is_file() else path.parent.with_suffix(".py")


def sources() -> list[Path]:
    return sorted(UTILS.rglob("*.py"))


def layer(path: Path) -> int:
    inside = path.relative_to(UTILS)
    return LAYERS.index(place(inside.parent.parts, inside.stem))


def test_nothing_is_imported_from_above() -> None:
    upwards = []

    for source in sources():
        for dotted in imported(source):
            target = file_of(dotted)
            assert target.is_file(), f"{dotted} is no file of plugins/"

            if not target.is_relative_to(UTILS) or layer(target) > layer(source):
                upwards.append(f"{source.relative_to(UTILS)} is in {LAYERS[layer(source)]} and imports {dotted}")

    assert not upwards, "\n".join(upwards)


def test_the_api_layer_and_the_engine_name_no_service() -> None:
    """A further service is a file of its own: neither its hints nor its addresses stand below it."""
    names = ["kms/providers", "security-token-issuers", "issuer_alias", "client-profiles", "signing_cert_chain"]
    names += ["vcenter/", *KINDS]
    # The same in sentences, and the names of entitlements.
    names += [*(facts.words for facts in RESOURCES), *map(str.lower, ENTITLEMENTS)]
    wrong = []

    for source in sources():
        if layer(source) >= LAYERS.index("_services"):
            continue

        for node in nodes(source):
            if node in docstrings(source):
                continue

            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                wrong += [
                    f"{source.relative_to(UTILS)}:{node.lineno}: {name}" for name in names if name in node.value.lower()
                ]

    assert not wrong, "\n".join(wrong)


def test_modules_go_through_the_edge() -> None:
    """A module file imports its service and what runs it, and nothing below."""
    allowed = {"_services", "_module"}
    wrong = []

    for source in sorted((ROOT / "plugins" / "modules").glob("*.py")):
        for dotted in imported(source):
            target = file_of(dotted)
            if not target.is_relative_to(UTILS) or LAYERS[layer(target)] not in allowed:
                wrong.append(f"{source.name}: {dotted}")

    assert not wrong, "\n".join(wrong)


def test_what_the_plugins_share_imports_no_plugin() -> None:
    """Filters and actions use plugin_utils, and not the other way round."""
    shared = ROOT / "plugins" / "plugin_utils"
    upwards = []

    for source in sorted(shared.rglob("*.py")):
        for dotted in imported(source):
            target = file_of(dotted)
            if not target.is_relative_to(UTILS) and not target.is_relative_to(shared):
                upwards.append(f"{source.relative_to(shared)}: {dotted}")

    assert not upwards, "\n".join(upwards)


def test_what_composes_services_names_none_of_them() -> None:
    """A further service is one line in the registry, and nothing else that they share changes."""
    names = [*KINDS, "issuers_and_profiles"]
    for file in ("host_trust.py", "results.py", "declared_lists.py", "listed_resources.py"):
        path = UTILS / "_services" / file
        for word in words_of(path):
            assert not [name for name in names if name in word], f"{file}: {word}"


def words_of(path: Path) -> Iterator[str]:
    """All names and texts of a file but its docstrings, which may give an example."""
    for node in nodes(path):
        if node not in docstrings(path):
            yield from (value for _field, value in ast.iter_fields(node) if isinstance(value, str))


def test_only_the_registry_and_a_service_itself_import_a_service() -> None:
    """A service knows no other one. Issuers and client profiles are one entry of the registry."""
    stems = {source.stem for source in (UTILS / "_services").glob("*.py")}
    services: dict[str, set[str]] = {}

    for service in SERVICES:
        # The file of its class, and the files that are named after its resources.
        belonging = {service.__module__.rpartition(".")[2]}
        belonging |= {stem for stem in stems if stem.startswith(service.kinds)}
        if "token_issuer" in service.kinds:
            belonging |= {"held_issuers", "held_profiles", "issuer_rights", "profile_copies"}

        services.update(dict.fromkeys(belonging, belonging))

    # They read and declare nothing: what a host's API offers, and every key provider that a host has.
    readers = {"api_info", "api_record", "api_questions", "api_probe", "host_examination"}
    wrong = []

    for source in sorted((UTILS / "_services").glob("*.py")):
        for dotted in imported(source):
            target = file_of(dotted).stem
            if target in services and source.stem not in {"registry", *readers, *services[target]}:
                wrong.append(f"{source.name}: {dotted}")

    assert not wrong, "\n".join(wrong)
