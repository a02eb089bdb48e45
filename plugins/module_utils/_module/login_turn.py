# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets tasks that run at the same time try a login one after the other, until a host has accepted or refused it.

Hosts lock an account after five refusals. Several hosts of an inventory can be one ESX host, and Ansible works on them
at the same time. A task with `async` is a process of its own, and Ansible begins the next task or item before that
process has a result. So the tasks share a file for each login. A task may try the login while it holds the lock of the
file, and it writes the answer of the host into the file.

The file is in the folder of the run, which Ansible removes when the run ends. Tasks in the background may still wait
then. They have their file in Ansible's folder for temporary files, on the machine where the modules run. The name of
the file is a keyed digest, so nobody can test passwords with it. Only its owner may read it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable
from ansible_collections.esx.trust.plugins.module_utils._module.login_key import BASIC
from ansible_collections.esx.trust.plugins.module_utils._module.login_key import LoginKey
from ansible_collections.esx.trust.plugins.module_utils._module.login_results import doubt_in
from ansible_collections.esx.trust.plugins.module_utils._module.login_results import has_accepted
from ansible_collections.esx.trust.plugins.module_utils._module.login_results import refusal_in
from ansible_collections.esx.trust.plugins.module_utils._module.login_results import refused_for_a_token

Result = dict[str, Any]

#: What to do after a refused login.
REFUSED_HINT = "Check username and password; in lockdown mode only exception users may log in."

_PREFIX = "esx-trust-login-"
#: The first word of a line that says how a login was refused.
_REFUSED = "refused"
#: The first word of a line that says to which use of a login the answer was lost.
_IN_DOUBT = "in-doubt"
#: The first word of a line that says when a host did not answer, on the monotonic clock of this machine.
_SILENT = "silent"
#: A file of an earlier run is removed after so many seconds.
_KEPT = 86400


def in_turn(
    login: LoginKey,
    folder: Optional[str],
    host: str,
    work: Callable[[], Result],
    *,
    of_this_run: bool = False,
) -> Result:
    """Run a task that sends a password, unless the host has refused it in this run of Ansible, or may have refused it.

    login: the login of the task.
    folder: Ansible's folder for temporary files on this machine, as it was set; None for that of the system.
    host: the name of the host in messages.
    work: runs the task and returns its result.
    of_this_run: True if only this run of Ansible uses the folder, so that it has no files of earlier runs.

    Returns the result of the task, or a failure that says why the password was not sent.
    """
    begun = time.monotonic()
    place = Path(os.path.expanduser(os.path.expandvars(folder or tempfile.gettempdir())))
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not of_this_run:
            _remove_old(place)

        file = _locked(place / f"{_PREFIX}{login.digest}")
    except OSError as error:
        return _not_kept(host, place, error).result()

    # The end of the block, or the end of the process, releases the lock for the next task.
    with file:
        try:
            known = _lines(file)
        except OSError as error:
            return _not_kept(host, place, error).result()

        if any(f"{_REFUSED} {way}" in known for way in login.stopped_by):
            return refused_before(host).result()

        if f"accepted {login.ways[-1]}" in known:
            # From now on the tasks need no turns.
            fcntl.flock(file, fcntl.LOCK_UN)
        elif any(f"{_IN_DOUBT} {way}" in known for way in login.stopped_by):
            return in_doubt_before(host).result()
        elif _was_silent(known, begun):
            return silent_meanwhile(host).result()

        return _noted(work(), login, file)


def refused_before(host: str) -> Unauthenticated:
    """The error for a login that the host refused before in this run of Ansible."""
    error = Unauthenticated(
        f"{host}: this login was refused before in this run and is not tried again, because hosts lock an account"
        " after five refusals.",
        REFUSED_HINT,
        error_type="UNAUTHENTICATED",
    )
    error.login_refused = True
    return error


def in_doubt_before(host: str) -> AnswerLost:
    """The error for a login whose answer was lost before in this run of Ansible."""
    error = AnswerLost(
        f"{host}: the answer to this login was lost before in this run. It may have been a refusal, so the login is not"
        " tried again, because hosts lock an account after five refusals.",
        "The failure of the earlier task says how the answer was lost. If username and password are right, run the"
        " playbook again.",
    )
    error.login_in_doubt = True
    return error


def silent_meanwhile(host: str) -> Unreachable:
    """The error for a host that did not answer another task while this task waited for its turn."""
    return Unreachable(
        f"{host}: did not answer another task with the same login while this task waited for its turn; nothing was"
        " sent.",
        "The failure of that task says why.",
    )


def _answer_lines(login: LoginKey, result: Result) -> list[str]:
    """The lines that record whether the host accepted or refused the login, or did not answer.

    Empty if the result does not tell.
    """
    lines: list[str] = []
    refusal = refusal_in(result)
    if refusal is not None:
        lines.append(f"{_REFUSED} {login.refused_way(refusal.get('operation'))}")
    elif has_accepted(result, BASIC if login.basic else ""):
        lines.append(f"accepted {login.ways[-1]}")

    if refused_for_a_token(result):
        lines.append(f"{_REFUSED} {login.token_way}")

    doubt = doubt_in(result)
    if doubt is not None:
        lines.append(f"{_IN_DOUBT} {login.refused_way(doubt.get('operation'))}")

    failure = result.get("failure") or {}
    if failure.get("code") == Unreachable.code:
        lines.append(f"{_SILENT} {time.monotonic()}")

    return lines


def _was_silent(lines: list[str], begun: float) -> bool:
    """True if a task noted that the host did not answer, later than at the moment `begun` of the monotonic clock."""
    for line in lines:
        word, _blank, moment = line.partition(" ")
        if word != _SILENT:
            continue

        # A line that was damaged means nothing.
        with contextlib.suppress(ValueError):
            if float(moment) >= begun:
                return True

    return False


def _noted(result: Result, login: LoginKey, file: IO[str]) -> Result:
    """The result of a task, after the answer of the host to its login was noted in the file.

    If that is not possible, the result has a warning: it may be that of a task that has written to a host.
    """
    try:
        _add_lines(file, _answer_lines(login, result))
    except OSError as error:
        warning = (
            f"The answer of the host to the login cannot be noted ({error.strerror}), so a task that runs beside this"
            " one may send a refused password again."
        )
        return {**result, "warnings": [*result.get("warnings", ()), warning]}

    return result


def _lines(file: IO[str]) -> list[str]:
    """The lines of the whole file. Raises OSError."""
    file.seek(0)
    return file.read().splitlines()


def _add_lines(file: IO[str], lines: list[str]) -> None:
    """Add those of the lines that the file does not have. Raises OSError."""
    known = _lines(file) if lines else []
    for line in lines:
        if line not in known:
            os.write(file.fileno(), f"{line}\n".encode("ascii"))


def _not_kept(host: str, folder: Path, error: OSError) -> InvalidInput:
    """The error for a folder in which no file can be kept."""
    return InvalidInput(
        f"{host}: a refused login cannot be noted in {folder} ({error.strerror}), and without the note a task that"
        " runs beside this one might send a refused password again; nothing was sent.",
        "Set ansible_remote_tmp and ANSIBLE_LOCAL_TEMP to folders of the user who runs the task, on a file system with"
        " locks.",
    )


def _locked(path: Path) -> IO[str]:
    """Wait for the lock of the file, and return the open file. Makes the file if it is missing. Raises OSError."""
    while True:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        # A file that was damaged is read too: its lines mean nothing then.
        file = os.fdopen(descriptor, "r+", encoding="ascii", errors="replace")
        try:
            if os.fstat(descriptor).st_uid != os.geteuid():
                raise PermissionError(0, "another user owns a file there")

            fcntl.flock(descriptor, fcntl.LOCK_EX)

            still_exists = os.fstat(descriptor).st_nlink > 0
            if still_exists:
                os.utime(descriptor)
                return file
        except BaseException:
            file.close()
            raise

        # Another task removed the file while this task waited for the lock.
        file.close()


def _remove_old(folder: Path) -> None:
    """Remove the files of earlier runs."""
    for path in folder.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            oldest = time.time() - _KEPT
            if path.stat().st_mtime < oldest:
                path.unlink()
