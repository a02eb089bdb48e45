# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Are the tests any good? Breaks the plan and the client in a small way, again and again, and looks who notices.

    python3 tools/mutants.py [--jobs N] [FILE...]     break these files (default: those below), print a table
    python3 tools/mutants.py --show MUTANT            what was changed in one of the listed mutants

The unit tests go first, because they are fast; what survives them meets the module tests. mutmut changes nothing
in functions with a decorator (properties, for example) and nothing outside of functions.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path

import checkout
from environment import ENVIRONMENTS
from environment import VENVS
from programs import fail

#: Below plugins/module_utils, without the suffix.
FILES = (
    "_services/host_trust",
    "_services/kms_provider",
    "_services/kms_provider_model",
    "_services/kms_provider_plan",
    "_services/kms_providers",
    "_services/key_ids",
    "_services/token_issuer",
    "_services/token_issuer_model",
    "_services/held_issuers",
    "_services/held_profiles",
    "_services/issuer_rights",
    "_services/profile_copies",
    "_services/token_issuer_plan",
    "_services/token_issuer_restoring",
    "_services/issuers_and_profiles",
    "_services/token_issuer_resources",
    "_services/client_profile_resources",
    "_services/client_profile_model",
    "_services/client_profile_plan",
    "_services/renaming",
    "_engine/plan",
    "_engine/declared_host",
    "_engine/converge",
    "_engine/sent",
    "_engine/restoring",
    "_api/client",
    "_api/login",
    "_api/retries",
    "_api/answer",
    "_api/answer_errors",
    "_api/rest",
    "_api/operation",
    "_services/certificates",
    "_services/certificate_reading",
    "_services/certificate_links",
)
FOLDER = VENVS / "mutants"
COLLECTION = "ansible_collections/esx/trust"
SOURCES = f"{COLLECTION}/plugins/module_utils"
STAGES = ("tests/unit", "tests/module")
LEAST = 90.0
SETTINGS = """[mutmut]
source_paths={collection}/plugins/
also_copy=ansible_collections
only_mutate=
{files}
pytest_add_cli_args_test_selection=
{tests}
pytest_add_cli_args=
    -p
    no:cacheprovider
    --timeout=60
    -m
    not of_sources
    --hypothesis-profile=mutants
timeout_multiplier=5.0
timeout_constant=5.0
"""
_CODEC = "the names of codecs are read without case"
_TRUTH = "only its truth is looked at"
#: Mutants that do what the code does: file, the changed line, and why. One that no longer lives, or never did, is an
#: error, so that the list does not outlive its reasons.
EQUIVALENT = (
    ("_services/certificates", 'digest = hashlib.sha256(text.encode("UTF-8", "surrogatepass")).hexdigest()', _CODEC),
    ("_services/certificate_reading", "der = None", _TRUTH),
    ("_api/login", "self.proven = None", _TRUTH),
    ("_api/login", "self._doubtful = None", _TRUTH),
    (
        "_api/rest",
        'elements[parameter.name] = quote(path_element(parameter.name, value), safe="XXXX")',
        "letters are safe anyway",
    ),
)
# What mutmut notes about a mutant.
SURVIVED = {0: "survived", 33: "not reached", 5: "not reached", None: "not tried"}


def configure(files: Iterable[str], tests: str) -> None:
    """The settings of one stage, and no memory of which tests reach what."""
    listed = "\n".join(f"    {SOURCES}/{name}.py" for name in files)
    text = SETTINGS.format(collection=COLLECTION, files=listed, tests=f"    {COLLECTION}/{tests}")
    (FOLDER / "setup.cfg").write_text(text, "utf-8")
    (FOLDER / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)


def notes() -> Iterator[tuple[str, Path]]:
    """The files in which mutmut keeps what became of the mutants of a source file."""
    sources = FOLDER / "mutants" / SOURCES
    for note in sorted(sources.rglob("*.py.meta")):
        yield note.relative_to(sources).as_posix().removesuffix(".py.meta"), note


def results() -> dict[str, dict[str, int | None]]:
    """File -> mutant -> mutmut's code for what became of it."""
    return {name: json.loads(note.read_text("utf-8"))["exit_code_by_key"] for name, note in notes()}


def forget_survivors() -> None:
    """So that the next stage tries them, and them only."""
    for _name, note in notes():
        content = json.loads(note.read_text("utf-8"))
        codes = content["exit_code_by_key"]
        content["exit_code_by_key"] = {mutant: None if code in SURVIVED else code for mutant, code in codes.items()}
        note.write_text(json.dumps(content), "utf-8")


def program() -> Path:
    path = ENVIRONMENTS["audit"].bin / "mutmut"
    if not path.exists():
        fail("the environment audit is missing: python3 tools/environment.py audit")
    return path


def mutmut(*arguments: str, log: Path) -> None:
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            [str(program()), *arguments], cwd=FOLDER, stdout=output, stderr=subprocess.STDOUT, check=False
        )

    if done.returncode:
        fail(f"mutmut failed ({done.returncode})\n{log.read_text('utf-8')[-3000:]}")


def run(files: list[str], jobs: int) -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    checkout.copy_to(FOLDER)

    for tests in STAGES:
        started = time.monotonic()
        configure(files, tests)
        mutmut("run", "--max-children", str(jobs), log=FOLDER / f"{Path(tests).name}.log")
        left = sum(code in SURVIVED for codes in results().values() for code in codes.values())
        print(f"{tests}: {left} mutants live, {time.monotonic() - started:.0f} s", flush=True)
        if tests != STAGES[-1]:
            forget_survivors()


def show(mutant: str) -> str:
    done = subprocess.run([str(program()), "show", mutant], cwd=FOLDER, capture_output=True, text=True, check=True)
    return done.stdout


def changed_line(mutant: str) -> str:
    """The line that a mutant has in place of one of the code's."""
    added = [line for line in show(mutant).splitlines() if line.startswith("+") and not line.startswith("+++")]
    return added[0][1:].strip() if len(added) == 1 else ""


def explained(found: Mapping[str, Mapping[str, int | None]]) -> tuple[dict[str, str], list[str]]:
    """Survivor -> why it does what the code does; and the explanations that no survivor needs."""
    reasons: dict[str, str] = {}
    known = {(name, line): why for name, line, why in EQUIVALENT if found.get(name)}
    needed = set()

    for name, codes in found.items():
        for mutant in (mutant for mutant, code in codes.items() if code in SURVIVED):
            entry = (name, changed_line(mutant))
            if entry in known:
                needed.add(entry)
                reasons[mutant] = known[entry]

    return reasons, [f"{name}: {line}" for name, line in known if (name, line) not in needed]


def report(found: Mapping[str, Mapping[str, int | None]], why: Mapping[str, str]) -> float:
    """Print the table and the survivors; the score of all files, in which what is explained counts for nothing."""
    print(f"\n{'file':<20}{'mutants':>8}{'killed':>8}{'equal':>7}{'live':>6}{'score':>8}")
    rows = [(name, codes) for name, codes in found.items() if codes]
    rows.append(("all", {mutant: code for _name, codes in rows for mutant, code in codes.items()}))
    score = 0.0

    for name, codes in rows:
        equal = sum(mutant in why for mutant in codes)
        live = sum(code in SURVIVED for code in codes.values()) - equal
        killed = len(codes) - equal - live
        score = 100 * killed / (killed + live) if killed + live else 0.0
        print(f"{name:<20}{len(codes):>8}{killed:>8}{equal:>7}{live:>6}{score:>7.1f}%")

    print("\nwhat lives; to see one: python3 tools/mutants.py --show MUTANT")

    for codes_of in found.values():
        for mutant, code in codes_of.items():
            if code in SURVIVED:
                print(f"  {mutant}  {why.get(mutant, SURVIVED[code])}")

    return score


def main() -> None:
    parser = argparse.ArgumentParser(description="Break the code in small ways and see whether a test notices.")
    parser.add_argument("files", nargs="*", metavar="FILE", help=", ".join(FILES))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--show", metavar="MUTANT", help="show what was changed")
    arguments = parser.parse_args()
    unknown = set(arguments.files) - set(FILES)
    if unknown:
        parser.error(f"no such file: {', '.join(sorted(unknown))}")

    if arguments.show:
        print(show(arguments.show))
        return

    run(arguments.files or list(FILES), arguments.jobs)
    found = results()
    why, outlived = explained(found)
    score = report(found, why)
    if outlived:
        sys.exit("mutants: no survivor reads so, take it off the list\n  " + "\n  ".join(outlived))
    if score < LEAST:
        sys.exit(f"mutants: less than {LEAST:.0f} % were noticed")


if __name__ == "__main__":
    main()
