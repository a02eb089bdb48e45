# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a module after Ansible has validated them, and the result of the work with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any
from typing import Optional

from ansible.errors import AnsibleActionFail
from ansible.module_utils.errors import UnsupportedError

from ansible_collections.esx.trust.plugins.module_utils._module.perform import Run
from ansible_collections.esx.trust.plugins.module_utils._module.perform import perform
from ansible_collections.esx.trust.plugins.module_utils._module.perform import scrubbed
from ansible_collections.esx.trust.plugins.module_utils._secrets.redactor import Masked
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments


@dataclass(frozen=True)
class ValidatedOptions:
    """The options of a module after Ansible has validated them.

    args: the options as they were given.
    validated: the options as Ansible has converted them, with the defaults.
    action: the name under which the module was called.
    shows_invocation: whether results hold the options.
    validation: Ansible's ValidationResult.
    """

    arguments: Arguments
    args: Mapping[str, Any] = field(repr=False)
    validated: Mapping[str, Any] = field(repr=False)
    action: str
    shows_invocation: bool
    validation: Any = field(repr=False)

    @classmethod
    def of(
        cls,
        arguments: Arguments,
        args: Mapping[str, Any],
        action: str,
        shows_invocation: bool,
    ) -> ValidatedOptions:
        """Validate the options.

        Raises AnsibleActionFail if Ansible's own validation raises an exception. For all other errors,
        `params` is None and `result` says what is wrong.
        """
        try:
            validation = arguments.validator.validate(dict(args))
        except ValueError:
            # Cores before 2.19 raise it for some texts in which they look for "name=value".
            complaint = arguments.explain_wrong_form(args)
            raise AnsibleActionFail(complaint) from None

        return cls(
            arguments=arguments,
            args=args,
            validated=validation.validated_parameters,
            action=action,
            shows_invocation=shows_invocation,
            validation=validation,
        )

    def of_other_host(self, args: Mapping[str, Any]) -> Optional[ValidatedOptions]:
        """The validated options of another host, if only its address differs.

        args: the options as they were given for the other host.
        Returns None if something else differs, or if Ansible refused the options of this host.
        """
        hostname = args.get("hostname")
        if self.validation.error_messages or not isinstance(hostname, str):
            return None

        # To Python 1, 1.0 and True are equal, but Ansible turns them into different texts.
        if repr(args) != repr({**self.args, "hostname": hostname}):
            return None

        return replace(self, args=args, validated={**self.validated, "hostname": hostname})

    @property
    def params(self) -> Optional[dict[str, Any]]:
        """The options that the work takes. None if Ansible refused them."""
        if self.validation.error_messages:
            return None

        return {name: self.validated[name] for name in self.arguments.options}

    def result(self, work: Run, *, check_mode: bool, diff: bool) -> dict[str, Any]:
        """Do the work. Returns the result that the module of the same name would return, without any secret."""
        params = self.params
        if params is None:
            return self._refused()

        done, secrets = perform(
            work,
            params,
            check_mode=check_mode,
            diff=diff,
            written=self.args,
            arguments=self.arguments,
        )

        return self._presentable(done, self.validated, secrets)

    def _refused(self) -> dict[str, Any]:
        """The result for options that Ansible refused."""
        refused = {"failed": True, "changed": False, "msg": self._refusal()}
        # Options that were refused can hold secrets in every place, even in the keys of a dictionary.
        result = self._presentable(refused, {}, ())

        complaint = self.arguments.complaint(self.validation)
        if complaint:
            # This sentence names options and repeats no values, so it needs no scrubbing.
            result["msg"] = complaint

        return result

    def _presentable(self, done: dict[str, Any], params: Mapping[str, Any], secrets: tuple[str, ...]) -> dict[str, Any]:
        """The result with all secrets masked, and with the warnings about the options.

        params: the options that the result shows.
        secrets: the values to mask besides the secrets of the options.
        """
        warnings = [*_alias_warnings(self.validation), *done.pop("warnings", [])]
        if warnings:
            done["warnings"] = warnings

        if self.shows_invocation:
            # Nothing in these options is masked yet besides the secret options.
            invocation = {"invocation": {"module_args": self.arguments.shown(params)}}
            if isinstance(done, Masked):
                done = done.extended(invocation, self.arguments.names_with_choices)
            else:
                done = {**done, **invocation}

        return scrubbed(self.arguments, done, [self.args, self.validated], secrets)

    def _refusal(self) -> str:
        """The message of a module whose options Ansible itself refuses."""
        errors = self.validation.errors
        message = str(errors.msg)
        if isinstance(errors[0], UnsupportedError):
            return f"Unsupported parameters for ({self.action}) module: {message}"

        return message


def _alias_warnings(validation: Any) -> list[str]:
    """A warning for each option that is set together with its alias, in Ansible's own words."""
    warnings = []
    for entry in getattr(validation, "_warnings", []):
        warnings.append(f"Both option {entry['option']} and its alias {entry['alias']} are set.")

    return warnings
