# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Breaks the plan and the client in many small ways, one after the other, and finds the changes that no test notices.

    python3 tools/mutants.py [--jobs N] [FILE...]     break these files (default: those below), print a table
    python3 tools/mutants.py --show MUTANT            what was changed in one of the listed mutants

A broken copy is a mutant. The unit tests run first, because they are fast. The mutants that they do not notice are then
run with the module tests. mutmut changes nothing in functions with a decorator, for example properties, and nothing
outside of functions. So the file _api/credentials has no mutants.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import time
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import checkout
from environment import COLLECTION
from environment import ENVIRONMENTS
from environment import VENVS
from programs import fail

#: Below plugins/module_utils, without the suffix.
FILES = (
    "_services/host_trust",
    "_services/kms_provider",
    "_services/kms_provider_model",
    "_services/kms_provider_plan",
    "_services/kms_provider_reading",
    "_services/kms_providers",
    "_services/key_ids",
    "_services/token_issuer",
    "_services/token_issuer_model",
    "_services/held_issuers",
    "_services/held_profiles",
    "_services/issuer_rights",
    "_services/profile_copies",
    "_services/token_issuer_plan",
    "_services/token_issuer_reading",
    "_services/token_issuer_restoring",
    "_services/issuers_and_profiles",
    "_services/token_issuer_resources",
    "_services/account",
    "_services/login_hints",
    "_services/client_profile",
    "_services/client_profile_resources",
    "_services/client_profile_model",
    "_services/client_profile_plan",
    "_services/client_profile_reading",
    "_services/renaming",
    "_engine/plan",
    "_engine/declared_host",
    "_engine/converge",
    "_engine/run",
    "_engine/sent",
    "_engine/restoring",
    "_api/client",
    "_api/connect",
    "_api/connection",
    "_api/login",
    "_api/retries",
    "_api/answer",
    "_api/answer_errors",
    "_api/rest",
    "_api/jsonrpc",
    "_api/operation",
    "_services/certificates",
    "_services/certificate_reading",
    "_services/certificate_links",
)
FOLDER = VENVS / "mutants"
SOURCES = f"{COLLECTION}/plugins/module_utils"
STAGES = ("tests/unit", "tests/module")
#: Percent of the mutants that have to be noticed.
LEAST = 95.0
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
_TRUTH = "the code only asks whether the value is true"
_LETTERS = "letters are never quoted"
_NO_WORD = "a header that is absent does not hold the word"
_NO_DOMAIN = "only names with a domain count"
_BOUND = "the bound only ends endless plans, and their steps are thrown away"
_COMPARED = "the number is only compared with its earlier value"
#: Mutants that do the same as the code: the file, the changed line, and the reason. An entry without a mutant that
#: survives is an error, so that no entry stays in the list without need.
EQUIVALENT = (
    ("_api/answer_errors", 'error_type = fault.error_type or "XXXX"', "there is no hint for such a type"),
    ("_api/answer_errors", "status = fault.status or 1", "the status is only compared with 500"),
    ("_api/answer_errors", "return _REFUSAL in str(answer.headers.get(_ERROR_HEADER, None)).lower()", _NO_WORD),
    ("_api/answer_errors", "return _REFUSAL in str(answer.headers.get(_ERROR_HEADER, )).lower()", _NO_WORD),
    ("_api/answer_errors", 'return _REFUSAL in str(answer.headers.get(_ERROR_HEADER, "XXXX")).lower()', _NO_WORD),
    ("_api/client", "self._form_is_known = None", _TRUTH),
    ("_api/client", "return self._perform(call, None)", "no credentials and None add nothing to a request"),
    (
        "_api/connection",
        r'without_name = re.sub(r"^\s*SHA-?256(\s*FINGERPRINT)?\s*[:=]?", "", value, flags=re.IGNORECASE)',
        "the expression ignores the case",
    ),
    ("_api/connection", 'digest = b"XXXX"', "only its length is looked at, which is not 32"),
    ("_api/jsonrpc", 'structure_name = "XXXX"', "no error has this name"),
    ("_api/login", "self.proven = None", _TRUTH),
    ("_api/login", "self._doubtful = None", _TRUTH),
    (
        "_api/rest",
        'elements[parameter.name] = quote(path_element(parameter.name, value), safe="XXXX")',
        _LETTERS,
    ),
    ("_engine/converge", 'run.restore(TrustError("XXstoppedXX"))', "this error is thrown away"),
    ("_engine/converge", 'run.restore(TrustError("STOPPED"))', "this error is thrown away"),
    ("_engine/declared_host", "something_was_read = None", _TRUTH),
    ("_engine/restoring", "remaining: list[Step] = None", "every attempt assigns it, and there is an attempt"),
    ("_engine/sent", "self._attempts = 1", _COMPARED),
    ("_engine/sent", "self._attempts -= 1", _COMPARED),
    ("_engine/sent", "self._attempts += 2", _COMPARED),
    ("_services/account", 'name = _text(assertion, f"{_SAML}Subject/{_SAML}NameID") or "XXXX"', _NO_DOMAIN),
    ("_services/account", 'groups.append(value.text or "XXXX")', _NO_DOMAIN),
    (
        "_services/account",
        'if attribute.get("Name", "XXXX").endswith(_GROUPS):',
        "the name ends otherwise",
    ),
    (
        "_services/client_profile",
        'is_same_subject = record.get("type") == subject.type and subject.options().items() < record.items()',
        "a record always holds more than the subject, for example its type",
    ),
    ("_services/certificates", 'digest = hashlib.sha256(text.encode("UTF-8", "surrogatepass")).hexdigest()', _CODEC),
    ("_services/certificate_links", 'return "XX XX".join(value.split()).casefold()', "both sides are joined alike"),
    ("_services/certificate_reading", "der = None", _TRUTH),
    ("_services/profile_copies", "unknown = None", _TRUTH),
    (
        "_services/profile_copies",
        'return desired.entitlements_mode == "exact" or profile.granted < existing.granted',
        "the function has returned already if the grants are equal",
    ),
    ("_services/renaming", 'quoted_alias = quote(alias, safe="XXXX", errors="surrogateescape")', _LETTERS),
    ("_services/renaming", 'quoted_issuer = quote(issuer, safe="XXXX", errors="surrogateescape")', _LETTERS),
    ("_services/token_issuer_plan", "most_steps = 9 * (len(declared.issuers) + len(held)) + 8", _BOUND),
    ("_services/token_issuer_plan", "most_steps = 8 * (len(declared.issuers) + len(held)) + 9", _BOUND),
    ("_services/token_issuer_restoring", 'aliases[step.id] = ""', "only the keys are read"),
)
#: The codes of mutmut for mutants that no test has noticed.
SURVIVED = {0: "survived", 33: "not reached", 5: "not reached", None: "not tried"}

#: By the name of a mutant, the code of mutmut for its result.
Codes = Mapping[str, Optional[int]]


@dataclass(frozen=True)
class Counts:
    """How many mutants a file has. equal: those that do the same as the code. live: those that no test has noticed."""

    mutants: int
    equal: int
    live: int

    @property
    def killed(self) -> int:
        return self.mutants - self.equal - self.live

    @property
    def score(self) -> float:
        """How many were noticed, in percent of those that a test can notice."""
        noticeable = self.killed + self.live
        return 100 * self.killed / noticeable if noticeable else 0.0


def configure(files: Iterable[str], tests: str) -> None:
    """Write the settings of one stage, and remove what mutmut remembers of the tests of the stage before."""
    listed = "\n".join(f"    {SOURCES}/{name}.py" for name in files)
    text = SETTINGS.format(collection=COLLECTION, files=listed, tests=f"    {COLLECTION}/{tests}")
    (FOLDER / "setup.cfg").write_text(text, "utf-8")
    (FOLDER / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)


def notes() -> Iterator[tuple[str, Path]]:
    """The source files, each with the file in which mutmut keeps the results of its mutants."""
    sources = FOLDER / "mutants" / SOURCES
    for note in sorted(sources.rglob("*.py.meta")):
        yield note.relative_to(sources).as_posix().removesuffix(".py.meta"), note


def results() -> dict[str, Codes]:
    """The codes of all mutants, by source file."""
    found = {}
    for name, note in notes():
        found[name] = json.loads(note.read_text("utf-8"))["exit_code_by_key"]

    return found


def survivors(codes: Codes) -> list[str]:
    return [mutant for mutant, code in codes.items() if code in SURVIVED]


def forget_survivors() -> None:
    """Mark the survivors as not tried, so that the next stage tries them and no others."""
    for _name, note in notes():
        content = json.loads(note.read_text("utf-8"))
        codes = content["exit_code_by_key"]
        for mutant in survivors(codes):
            codes[mutant] = None

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


def try_tests(files: list[str], jobs: int) -> None:
    """Make the mutants, and run the tests of each stage with those that no earlier stage has noticed."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    checkout.copy_to(FOLDER)

    for tests in STAGES:
        if tests != STAGES[0]:
            forget_survivors()

        started = time.monotonic()
        configure(files, tests)
        mutmut("run", "--max-children", str(jobs), log=FOLDER / f"{Path(tests).name}.log")
        live = sum(len(survivors(codes)) for codes in results().values())
        print(f"{tests}: {live} mutants live, {time.monotonic() - started:.0f} s", flush=True)


def show(mutant: str) -> str:
    done = subprocess.run([str(program()), "show", mutant], cwd=FOLDER, capture_output=True, text=True, check=True)
    return done.stdout


def changed_line(mutant: str) -> str:
    """The line that a mutant has in place of a line of the code. Empty if it changes several lines."""
    added = [line for line in show(mutant).splitlines() if line.startswith("+") and not line.startswith("+++")]
    return added[0][1:].strip() if len(added) == 1 else ""


def explained(found: Mapping[str, Codes]) -> tuple[dict[str, str], list[str]]:
    """The reason for each survivor that does the same as the code, and the entries of EQUIVALENT without a survivor."""
    reasons: dict[str, str] = {}
    known = {(name, line): why for name, line, why in EQUIVALENT if found.get(name)}
    needed = set()

    for name, codes in found.items():
        for mutant in survivors(codes):
            entry = (name, changed_line(mutant))
            if entry in known:
                needed.add(entry)
                reasons[mutant] = known[entry]

    outlived = [f"{name}: {line}" for name, line in known if (name, line) not in needed]

    return reasons, outlived


def counted(codes: Codes, reasons: Mapping[str, str]) -> Counts:
    equal = sum(mutant in reasons for mutant in codes)

    return Counts(len(codes), equal, len(survivors(codes)) - equal)


def report(found: Mapping[str, Codes], reasons: Mapping[str, str]) -> None:
    """Print a line for each file and one for all of them, then the survivors."""
    width = max(map(len, found), default=0) + 2
    print(f"\n{'file':<{width}}{'mutants':>8}{'killed':>8}{'equal':>7}{'live':>6}{'score':>8}")

    for name, codes in {**found, "all": all_codes(found)}.items():
        if codes:
            counts = counted(codes, reasons)
            numbers = f"{counts.mutants:>8}{counts.killed:>8}{counts.equal:>7}{counts.live:>6}{counts.score:>7.1f}%"
            print(f"{name:<{width}}{numbers}")

    print("\nThe mutants that live. To see one of them: python3 tools/mutants.py --show MUTANT")

    for codes in found.values():
        for mutant in survivors(codes):
            print(f"  {mutant}  {reasons.get(mutant, SURVIVED[codes[mutant]])}")


def all_codes(found: Mapping[str, Codes]) -> Codes:
    together: dict[str, Optional[int]] = {}
    for codes in found.values():
        together.update(codes)

    return together


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

    try_tests(arguments.files or list(FILES), arguments.jobs)
    found = results()
    reasons, outlived = explained(found)
    report(found, reasons)

    if outlived:
        fail("no survivor has this line; remove the entry from EQUIVALENT\n  " + "\n  ".join(outlived))
    if counted(all_codes(found), reasons).score < LEAST:
        fail(f"less than {LEAST:.0f} % were noticed")


if __name__ == "__main__":
    main()
