# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logins that were refused in this run of Ansible, remembered for all its workers.

Hosts lock an account after five refusals, and a loop, a retry or the next task would try the same password again. So
each refused login is remembered as a file in Ansible's own temporary folder of the run. The name of the file is a keyed
digest of the login, so that nobody can guess the password from it. The key exists only in this process and in the
workers that it forks.

With auth_method basic, a service gets the password with each request. It may refuse a good password because it accepts
only tokens, and not every host says so. Such a refusal stops further requests of that kind. A login for a token may
still try the password once. The other way round, esx_api_info may find that a host accepts the password with each
request and refuses the login for a token. Then logins for a token stop, and requests with the password do not.

If the answer to a login was lost, it may have been a refusal. Then the login is not sent again either.

Tasks that run at the same time take turns until a host has accepted their login (module_utils/_module/login_turn.py).
The refusals that a task in the background has met are not known here. From the first such task on, tasks with the same
login share a file with it that outlives this run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import Optional

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._module.login_key import BASIC
from ansible_collections.esx.trust.plugins.module_utils._module.login_key import LoginKey
from ansible_collections.esx.trust.plugins.module_utils._module.login_results import doubt_in
from ansible_collections.esx.trust.plugins.module_utils._module.login_results import has_accepted
from ansible_collections.esx.trust.plugins.module_utils._module.login_results import refusal_in
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import in_doubt_before
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import refused_before

#: What to do if the folder cannot be used.
_HINT = "Free space there, or set ANSIBLE_LOCAL_TEMP to a folder of the user who runs Ansible."


class RefusedLogins:
    """Remembers refused logins, in the temporary folder of this run."""

    def __init__(self) -> None:
        self._folder = Path(constants.DEFAULT_LOCAL_TMP)
        #: The names of the files that could not be written.
        self._unwritten: set[str] = set()

    def objection(self, login: LoginKey, host: str) -> Optional[TrustError]:
        """The error for a login that must not be sent again in this run, or None.

        It was refused before, by a login operation, or by a service if the login is basic. Or an answer to it was lost,
        which may have been a refusal, and the host has not accepted it in this run.

        host: the name of the host in messages.
        Raises AnsibleActionFail if the folder cannot be read.
        """
        if any(self._is_noted(f"refused-{way}") for way in login.stopped_by):
            return refused_before(host)

        in_doubt = any(self._is_noted(f"in-doubt-{way}") for way in login.stopped_by)
        if in_doubt and not self._is_noted(f"accepted-{login.ways[-1]}"):
            return in_doubt_before(host)

        return None

    def remember(self, login: LoginKey, operation: Optional[str]) -> None:
        """Note that this login was refused. operation: the API's id of the refused operation, if it is known."""
        self._note(f"refused-{login.refused_way(operation)}")

    def remember_for_tokens(self, login: LoginKey) -> None:
        """Note that a login for a token was refused, although services accept the password."""
        self._note(f"refused-{login.token_way}")

    def remember_answer_in(self, login: LoginKey, result: Mapping[str, Any]) -> None:
        """Note that this login was accepted or refused, or that the answer was lost, as the result of a module says."""
        refusal = refusal_in(result)
        if refusal is not None:
            self.remember(login, refusal.get("operation"))

        elif has_accepted(result, BASIC if login.basic else ""):
            self._note(f"accepted-{login.ways[-1]}")

        doubt = doubt_in(result)
        if doubt is not None:
            self._note(f"in-doubt-{login.refused_way(doubt.get('operation'))}")

    def is_shared(self, login: LoginKey) -> bool:
        """True if a task that may still be running in the background uses this login.

        Raises AnsibleActionFail if the folder cannot be read.
        """
        return self._is_noted(f"shared-{login.digest}")

    def share(self, login: LoginKey) -> None:
        """Note that a task in the background uses this login. Raises AnsibleActionFail if that cannot be noted."""
        try:
            self._file(f"shared-{login.digest}").touch(mode=0o600)
        except OSError as error:
            raise self._unusable(error) from None

    def _is_noted(self, name: str) -> bool:
        """True if there is a file of this name. Raises AnsibleActionFail if the folder cannot be read."""
        if name in self._unwritten:
            return True

        try:
            return self._file(name).exists()
        except OSError as error:
            raise self._unusable(error) from None

    def _note(self, name: str) -> None:
        """Make a file of this name. If that is not possible, there is a warning: a task must not lose its result."""
        try:
            self._file(name).touch(mode=0o600)
        except OSError as error:
            # The threads of a look share this object, so at least they know of it.
            self._unwritten.add(name)
            Display().warning(
                f"A refused login cannot be noted in {self._folder} ({error.strerror or error}), so a later task may"
                f" send a refused password again, and hosts lock an account after five refusals. {_HINT}"
            )

    def _unusable(self, error: OSError) -> AnsibleActionFail:
        """The error for a folder that cannot be used, so no login can be sent."""
        return AnsibleActionFail(
            f"A refused login cannot be noted in {self._folder} ({error.strerror or error}); nothing was sent. {_HINT}"
        )

    def _file(self, name: str) -> Path:
        return self._folder / f"esx-trust-{name}"
