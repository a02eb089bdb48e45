# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that run beside each other try a login one after the other, until it is known whether the host accepts it.

A task with `async` is a process of its own, and Ansible begins the next task or item without its result. So these tasks
share a file for each login. Who holds the lock of the file may try the login; what the host said stands in the file.
The file is in Ansible's folder for temporary files on the machine where the modules run, because the folder of the run
itself vanishes when Ansible ends, and tasks in the background may still be waiting then. Its name is a keyed digest,
so that nobody can try passwords on it, and only its owner may read it.
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
from ansible_collections.esx.trust.plugins.module_utils._module.perform import failed

Result = dict[str, Any]

#: The option in which an action tells a module its login; nobody else sets it.
OPTION = "_esx_trust_login"
#: The value of auth_method with which a password goes with each request of a service.
BASIC = "basic"

_PREFIX = "esx-trust-login-"
#: Seconds after which a file of an earlier run is removed.
_KEPT = 86400
#: Codes of failures after which nobody knows whether the host would take the login.
_UNPROVEN = ("unreachable", "untrusted", "invalid_input", "answer_lost", "unexpected_answer", "unauthenticated")
#: The code of failures that are found by comparing what a host holds with what is declared.
_COMPARED = "conflict"


class Login(NamedTuple):
    """A login that a module would make."""

    #: A keyed digest of host, user and password.
    digest: str
    #: The password goes with each request of a service.
    basic: bool

    @classmethod
    def told(cls, params: dict[str, Any]) -> Optional[Login]:
        """Take the login that an action told out of the options of a module."""
        told = params.get(OPTION)
        if not isinstance(told, dict) or set(told) != set(cls._fields):
            return None
        return cls(**params.pop(OPTION))

    @property
    def ways(self) -> tuple[str, ...]:
        """The names under which a refusal of this login is kept: that of any login, and that of its own way."""
        return (self.digest, self.digest + BASIC) if self.basic else (self.digest,)

    def refused_way(self, operation: Optional[str]) -> str:
        """The name under which a refusal is to be kept. operation: the one that was refused.

        A service may refuse a password because it takes only tokens, which leaves one try to a login for a token.
        """
        return self.ways[-1 if operation not in LOGIN_OPERATIONS else 0]


def in_turn(login: Login, folder: Optional[str], host: str, work: Callable[[], Result]) -> Result:
    """The result of a task that sends a password, or the failure that says why the password was not sent.

    folder: Ansible's folder for temporary files on this machine, as it was set. host: its name in messages.
    """
    place = Path(os.path.expandvars(folder or tempfile.gettempdir())).expanduser()
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_old(place)
        file = _locked(place / f"{_PREFIX}{login.digest}")
    except OSError as error:
        return failed(_not_kept(host, place, error))

    # The end of the block, or of the process, lets the next one in.
    with file:
        known = _lines(file)
        if any(f"refused {way}" in known for way in login.ways):
            return failed(refused_before(host))
        if f"accepted {login.ways[-1]}" in known:
            fcntl.flock(file, fcntl.LOCK_UN)

        result = work()
        said = _said(login, result)
        if said and said not in _lines(file):
            file.write(f"{said}\n")
        return result


def refused_before(host: str) -> Unauthenticated:
    """The error for a login that was refused before in this run of Ansible."""
    error = Unauthenticated(
        f"{host}: this login was refused before in this run and is not tried again, because hosts lock an account"
        " after five refusals.",
        "Check username and password; in lockdown mode only exception users may log in.",
        error_type="UNAUTHENTICATED",
    )
    error.login_refused = True
    return error


def has_accepted(result: Mapping[str, Any], auth_method: str) -> bool:
    """True if a host that gave this result must have accepted the password."""
    if not result.get("failed"):
        return True

    failure = result.get("failure") or {}
    code = failure.get("code", "invalid_input")
    if code == _COMPARED:
        return True
    if code in _UNPROVEN or auth_method == BASIC:
        return False
    # Services are asked with what the login gave. A host that is too busy to look at a login says nothing of it.
    return failure.get("operation") not in (None, *LOGIN_OPERATIONS)


def _said(login: Login, result: Result) -> str:
    """The line for what the host said of the login, or empty if that is not known."""
    failure = result.get("failure") or {}
    if failure.get("login_refused"):
        return f"refused {login.refused_way(failure.get('operation'))}"
    if has_accepted(result, BASIC if login.basic else ""):
        return f"accepted {login.ways[-1]}"
    return ""


def _lines(file: IO[str]) -> list[str]:
    file.seek(0)
    return file.read().splitlines()


def _not_kept(host: str, folder: Path, error: OSError) -> InvalidInput:
    return InvalidInput(
        f"{host}: whether a login was refused cannot be kept in {folder} ({error.strerror}), and without that a task"
        " that runs beside this one might send a refused password again; nothing was sent.",
        "Set ansible_remote_tmp to a folder of the user who runs the task, or leave async out.",
    )


def _locked(path: Path) -> IO[str]:
    """The file, made if it is not there, when nobody else holds its lock any more. Raises OSError."""
    while True:
        number = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        file = os.fdopen(number, "r+", encoding="ascii")
        try:
            if os.fstat(number).st_uid != os.geteuid():
                raise PermissionError(0, "a file there is somebody else's")
            fcntl.flock(number, fcntl.LOCK_EX)
            if os.fstat(number).st_nlink:
                os.utime(number)
                return file
        except BaseException:
            file.close()
            raise
        # It was removed while we waited.
        file.close()


def _remove_old(folder: Path) -> None:
    """Remove what earlier runs left."""
    for path in folder.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - _KEPT:
                path.unlink()
