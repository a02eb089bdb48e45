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
from collections.abc import Mapping
from pathlib import Path
from typing import IO
from typing import Any
from typing import NamedTuple
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.login import LOGIN_OPERATIONS
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import NOT_ASKED_REASON

Result = dict[str, Any]

#: The option by which an action gives a module its login. Only an action sets it.
OPTION = "_esx_trust_login"
#: The value of auth_method with which every request of a service carries the password.
BASIC = "basic"
#: The value of auth_method with which a login gives a token.
_LOGIN_FIRST = "token"

#: What to do after a refused login.
REFUSED_HINT = "Check username and password; in lockdown mode only exception users may log in."

_PREFIX = "esx-trust-login-"
#: The first word of a line that says when a host did not answer, on the monotonic clock of this machine.
_SILENT = "silent"
#: A file of an earlier run is removed after so many seconds.
_KEPT = 86400
#: The codes of failures after which it is unknown whether the host accepts the login.
_UNPROVEN = (
    "unreachable",
    "untrusted",
    "invalid_input",
    "answer_lost",
    "unexpected_answer",
    "unauthenticated",
)
#: The code of failures that result from a comparison of the host with the declaration. The login succeeded before.
_COMPARED = "conflict"


class LoginKey(NamedTuple):
    """The login of a module.

    digest: a keyed digest of host, user and password.
    basic: True if every request of a service carries the password.
    """

    digest: str
    basic: bool

    @classmethod
    def taken_from(cls, params: dict[str, Any]) -> Optional[LoginKey]:
        """Take the login that an action added to the options of a module out of these options.

        Returns None if there is none.
        """
        fields = params.get(OPTION)
        if not isinstance(fields, dict) or set(fields) != set(cls._fields):
            return None

        return cls(**params.pop(OPTION))

    @property
    def ways(self) -> tuple[str, ...]:
        """The names under which a refusal of this login may be recorded.

        The first name stands for the password in every use, the second for its use with each request of a service.
        """
        if self.basic:
            return self.digest, self.digest + BASIC

        return (self.digest,)

    @property
    def token_way(self) -> str:
        """The name under which a refusal is recorded that stops only logins for a token or a session."""
        return self.digest + _LOGIN_FIRST

    @property
    def stopped_by(self) -> tuple[str, ...]:
        """The names whose refusals stop this login."""
        if self.basic:
            return self.ways

        return (*self.ways, self.token_way)

    def refused_way(self, operation: Optional[str]) -> str:
        """The name under which to record a refusal.

        operation: the id of the operation that the host refused, or None.

        A service may refuse a password because it takes only tokens. A login for a token may then still succeed.
        """
        if operation in LOGIN_OPERATIONS:
            return self.ways[0]

        return self.ways[-1]


def in_turn(
    login: LoginKey,
    folder: Optional[str],
    host: str,
    work: Callable[[], Result],
    *,
    of_this_run: bool = False,
) -> Result:
    """Run a task that sends a password, unless the host has refused that password in this run of Ansible.

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

        if any(f"refused {way}" in known for way in login.stopped_by):
            return refused_before(host).result()

        if f"accepted {login.ways[-1]}" in known:
            # From now on the tasks need no turns.
            fcntl.flock(file, fcntl.LOCK_UN)
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


def silent_meanwhile(host: str) -> Unreachable:
    """The error for a host that did not answer another task while this task waited for its turn."""
    return Unreachable(
        f"{host}: did not answer another task with the same login while this task waited for its turn; nothing was"
        " sent.",
        "The failure of that task says why.",
    )


def has_accepted(result: Mapping[str, Any], auth_method: str) -> bool:
    """True if the result proves that the host accepted the password.

    result: the result of a module.
    auth_method: the option of the module.
    """
    if not result.get("failed"):
        # A module that asked the host for nothing has no failure either. It does not know the form of the API. A result
        # of a vCenter never names the form, because a vCenter has only one.
        return "api_protocol" in result or "token_issuers" in result

    failure = result.get("failure") or {}
    code = failure.get("code", "invalid_input")
    if code == _COMPARED:
        return True
    if code in _UNPROVEN or auth_method == BASIC:
        return False

    # A service is called with the token that a login gave, so a failure of a service proves that the login succeeded.
    # A failure of the login itself proves nothing: the host may have been too busy to check the password.
    return failure.get("operation") not in (None, *LOGIN_OPERATIONS)


def refusal_in(result: Mapping[str, Any]) -> Optional[Mapping[str, Any]]:
    """The failure in a result that says that the host refused the login, or None.

    result: the result of a module. In an examination for an audit, it can hold that of the list of key providers, for
        which the login may be needed once more.
    """
    for part in (result, result.get("key_providers") or {}):
        failure: Mapping[str, Any] = part.get("failure") or {}
        if failure.get("login_refused"):
            return failure

    return None


def refused_for_a_token(result: Mapping[str, Any]) -> bool:
    """True if the host refused a login for a token that esx_api_info tried beside the login of its options.

    The module fails only if no login is accepted, so its result may have no failure.

    result: the result of a module.
    """
    logins = (result.get("api") or {}).get("logins") or {}
    reasons = {name: login.get("reason") for name, login in logins.items()}

    # If the first login is that for a token, or if an access token is given, no other login was tried after a refusal.
    was_beside = reasons.get(BASIC) not in (None, NOT_ASKED_REASON)
    return was_beside and reasons.get(_LOGIN_FIRST) == "refused"


def _answer_lines(login: LoginKey, result: Result) -> list[str]:
    """The lines that record whether the host accepted or refused the login, or did not answer. Empty if neither."""
    lines: list[str] = []
    refusal = refusal_in(result)
    if refusal is not None:
        lines.append(f"refused {login.refused_way(refusal.get('operation'))}")
    elif has_accepted(result, BASIC if login.basic else ""):
        lines.append(f"accepted {login.ways[-1]}")

    if refused_for_a_token(result):
        lines.append(f"refused {login.token_way}")

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
