# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specifications as objects that merge, and the part that all modules share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional

from ansible.module_utils.errors import AnsibleFallbackNotFound
from ansible.module_utils.errors import RequiredError
from ansible.module_utils.errors import RequiredIfError

from ansible_collections.esx.trust.plugins.module_utils._api.secrets import MASKS
from ansible_collections.esx.trust.plugins.module_utils._api.secrets import is_masked
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput

#: Characters; shorter texts would mask innocent words.
_SHORTEST_SECRET = 8
#: What Ansible itself writes in the place of a secret option.
_NOT_SHOWN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
_WORDS = re.compile(r"[=,\s]+")
#: What YAML makes of a text without quotes, and what messages call it.
_NO_TEXTS: Mapping[type, str] = {
    bool: "a boolean (true or false)",
    float: "a number with a point or an exponent",
    Mapping: "a dictionary",
    list: "a list",
    tuple: "a list",
}


@dataclass(frozen=True)
class Arguments:
    """A module's options together with the conditions among them.

    likely_secrets: for each option, a function that finds values which are probably a secret entered there by mistake.
    """

    options: Mapping[str, Mapping[str, Any]]
    required_if: tuple[tuple[Any, ...], ...] = field(default=())
    required_together: tuple[tuple[str, ...], ...] = field(default=())
    required_one_of: tuple[tuple[str, ...], ...] = field(default=())
    likely_secrets: Mapping[str, Callable[[Any], Iterable[str]]] = field(default_factory=dict)

    def merge(self, other: Arguments) -> Arguments:
        """Both sets of options and conditions."""
        return Arguments(
            options={**self.options, **other.options},
            required_if=self.required_if + other.required_if,
            required_together=self.required_together + other.required_together,
            required_one_of=self.required_one_of + other.required_one_of,
            likely_secrets={**self.likely_secrets, **other.likely_secrets},
        )

    def entries(self) -> dict[str, Any]:
        """The option that is a list of these."""
        conditions = {name: value for name, value in self.keywords().items() if name != "argument_spec" and value}
        return {"type": "list", "elements": "dict", "options": dict(self.options), **conditions}

    def keywords(self) -> dict[str, Any]:
        """What `AnsibleModule` takes."""
        return {
            "argument_spec": {name: dict(option) for name, option in self.options.items()},
            "required_if": [list(condition) for condition in self.required_if],
            "required_together": [list(group) for group in self.required_together],
            "required_one_of": [list(group) for group in self.required_one_of],
        }

    def unread(self) -> dict[str, Any]:
        """What `AnsibleModule` takes to read nothing into the options."""
        parts = ("aliases", "no_log")
        return {
            "argument_spec": {
                name: {"type": "raw", **{part: option[part] for part in parts if part in option}}
                for name, option in self.options.items()
            }
        }

    def given(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The options without those that stand for "not given" in Ansible: null, and a text with nothing in it.

        To be taken before Ansible reads them, so that its defaults and fall-backs decide. An entry of a list stays
        whatever it is: nobody can tell what was meant by an entry that is empty.
        """
        return _given(self.options, params)

    def check_texts(self, params: Mapping[str, Any]) -> None:
        """Check options that Ansible has not converted yet. Raises InvalidInput, which names the first that is no text.

        Ansible makes a text of anything: the name "True" of true, and "1.1" of the password 1.10.
        """
        _check_texts(self.options, params, "")

    def complaint(self, validation: Any) -> Optional[str]:
        """A sentence for what Ansible refused, or None where its own sentence is good enough.

        validation: Ansible's own `ValidationResult`.
        """
        errors = list(validation.errors)
        sentence = self.explain(validation.error_messages)
        if sentence is None and all(isinstance(error, (RequiredError, RequiredIfError)) for error in errors):
            sentence = next(_needed(self.options, self.required_if, validation.validated_parameters, ""), None)
        return sentence

    def secrets(self, params: Mapping[str, Any]) -> set[str]:
        """The values of all options that must not be printed, wherever they stand, and every private key."""
        return set(_under(set(_secret_names(self.options)), params)) | set(_private_keys(params))

    def misplaced(self, params: Mapping[str, Any]) -> set[str]:
        """What may be a secret in a wrong place, if these options were refused."""
        found = set(_misplaced(self.options, self.likely_secrets, params)) - set(_spellings(self.options))
        return {text for text in found if len(text) >= _SHORTEST_SECRET}

    def shown(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The options as a result tells them: for those that must not be printed, the words that Ansible has for it."""
        shown: dict[str, Any] = _without_secrets(params, set(_secret_names(self.options)))
        return shown

    def misshapen(self, params: Mapping[str, Any]) -> Optional[str]:
        """A sentence for the first option that has options and is none; for where Ansible's own reading breaks down."""
        return self.explain(
            f"'{name}'"
            for name, option in self.options.items()
            if "options" in option and not all(isinstance(entry, Mapping) for entry in _entries(params.get(name)))
        )

    def explain(self, messages: Iterable[str]) -> Optional[str]:
        """A sentence for what Ansible says about options that have options; its own does not name them."""
        said = list(messages)
        for name, option in self.options.items():
            if "options" in option and any(f"'{name}'" in message for message in said):
                form = ", ".join(f"{part}: ..." for part in option["options"])
                return f"{name}: is not of the right form, give a list of {{{form}}}."
        return None


def check_name(option: str, value: str) -> str:
    """A name as a person means it. Raises InvalidInput, which names the option.

    What cannot be seen was not meant, and a host would keep it for ever.
    """
    if not value.strip():
        raise InvalidInput(f"{option}: is empty.")
    if value != value.strip() or not value.isprintable():
        raise InvalidInput(f"{option}: has blanks at an end, a line break, or other characters that cannot be seen.")
    return check_unmasked(option, value)


def check_unmasked(option: str, value: str) -> str:
    """The value of an option that goes to a host. Raises InvalidInput where a mask has eaten a part of it.

    A registered result that is given back, or a text copied from a log, holds masks; a host would keep them.
    """
    if is_masked(value):
        raise InvalidInput(
            f"{option}: holds a mask ({', '.join(MASKS)}) where a secret stood.",
            "Give the value itself and not what was printed or registered.",
        )
    return value


def _without_secrets(value: Any, names: set[str]) -> Any:
    if isinstance(value, Mapping):
        shown = {}
        for name, entry in value.items():
            hidden = name in names and entry is not None
            shown[name] = _NOT_SHOWN if hidden else _without_secrets(entry, names)
        return shown
    if isinstance(value, (list, tuple)):
        return [_without_secrets(entry, names) for entry in value]
    return value


def _spellings(options: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """All names of the options, and of the options in them."""
    for name, option in options.items():
        yield from (name, *option.get("aliases", ()))
        yield from _spellings(option.get("options", {}))


def _by_spelling(options: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The options by their names and by their aliases."""
    return {spelling: option for name, option in options.items() for spelling in (name, *option.get("aliases", ()))}


def _given(options: Mapping[str, Mapping[str, Any]], params: Mapping[str, Any]) -> dict[str, Any]:
    known = _by_spelling(options)
    given: dict[str, Any] = {}
    for name, value in params.items():
        option = known.get(name)
        nothing = value is None or (isinstance(value, str) and not value.strip())
        if option is not None and nothing:
            continue
        if option is not None and "options" in option:
            value = _given_entries(option["options"], value)
        given[name] = value
    return given


def _given_entries(options: Mapping[str, Mapping[str, Any]], value: Any) -> Any:
    if isinstance(value, Mapping):
        return _given(options, value)
    if isinstance(value, (list, tuple)):
        return [_given(options, entry) if isinstance(entry, Mapping) else entry for entry in value]
    return value


def _check_texts(options: Mapping[str, Mapping[str, Any]], params: Mapping[str, Any], where: str) -> None:
    known = _by_spelling(options)
    for name, value in params.items():
        option = known.get(name, {})
        if "options" in option:
            for position, entry in _positions(name, value):
                _check_texts(option["options"], entry, f"{where}{position}.")
        elif option.get("type") in ("str", "path") and "choices" not in option:
            # A whole number is the only other value that has one spelling, and Jinja makes one of a text of digits.
            form = next((form for kind, form in _NO_TEXTS.items() if isinstance(value, kind)), None)
            if form:
                raise InvalidInput(f"{where}{name}: is {form} and no text; put the text in quotes.")


def _positions(name: str, value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The entries of an option that has options, and how messages call each of them."""
    if isinstance(value, Mapping):
        yield name, value
    elif isinstance(value, (list, tuple)):
        for number, entry in enumerate(value):
            if isinstance(entry, Mapping):
                yield f"{name}[{number}]", entry


def _needed(
    options: Mapping[str, Mapping[str, Any]],
    required_if: Iterable[Sequence[Any]],
    params: Mapping[str, Any],
    where: str,
) -> Iterator[str]:
    """A sentence for each option that is needed and not given."""
    for name, option in options.items():
        if option.get("required") and params.get(name) is None:
            yield f"{where}{name}: is needed."
    for condition, value, names in required_if:
        if params.get(condition, options[condition].get("default")) == value:
            text = str(value).lower() if isinstance(value, bool) else value
            yield from (
                f"{where}{name}: is needed with {condition} {text}." for name in names if params.get(name) is None
            )
    for name, option in options.items():
        if "options" in option:
            for position, entry in _positions(name, params.get(name)):
                yield from _needed(option["options"], option.get("required_if", ()), entry, f"{where}{position}.")


def _secret_names(options: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, option in options.items():
        if option.get("no_log"):
            yield from (name, *option.get("aliases", ()))
        yield from _secret_names(option.get("options", {}))


def _under(names: set[str], value: Any) -> Iterator[str]:
    """Every text under one of the names, at any depth."""
    if isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _texts(entry) if name in names else _under(names, entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _under(names, entry)


def _misplaced(
    options: Mapping[str, Mapping[str, Any]],
    likely_secrets: Mapping[str, Callable[[Any], Iterable[str]]],
    params: Mapping[str, Any],
) -> Iterator[str]:
    spelled = _by_spelling(options)
    for name, value in params.items():
        option = spelled.get(name)
        if option is None or not _is_choice(option, value):
            yield from _texts(value)
            if option is None and value in ("", None):
                # Base64 that ends in "=" and was read as "name=value".
                yield str(name)
        elif option["type"] in ("bool", "int", "float") and isinstance(value, str):
            yield value
        elif "options" in option:
            for entry in _entries(value):
                if isinstance(entry, Mapping):
                    yield from _misplaced(option["options"], likely_secrets, entry)
                else:
                    # Ansible may cut it into words before it shows it.
                    yield from (word for text in _texts(entry) for word in (text, *_WORDS.split(text)))
        elif name in likely_secrets and value is not None:
            yield from likely_secrets[name](value)


def _is_choice(option: Mapping[str, Any], value: Any) -> bool:
    """True if the option leaves no choice, or each entry of the value is one of its choices."""
    if "choices" not in option:
        return True
    entries = _entries(value) if option["type"] == "list" else (value,)
    return all(entry in option["choices"] for entry in entries)


def _entries(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    return value if isinstance(value, (list, tuple)) else (value,)


def _texts(value: Any) -> Iterator[str]:
    """Every text and number in the value, and every name in it: an unquoted template is read as a dictionary."""
    if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "":
        yield str(value)
    elif isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _texts(name)
            yield from _texts(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _texts(entry)


def _private_keys(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if "PRIVATE KEY" in value:
            yield value
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _private_keys(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _private_keys(entry)


def _from_environment(name: str) -> str:
    # An empty variable is how people unset one in a job.
    if not os.environ.get(name, "").strip():
        raise AnsibleFallbackNotFound
    return os.environ[name]


def _environment(name: str) -> tuple[Any, list[str]]:
    return (_from_environment, [name])


def ignored(*names: str) -> dict[str, dict[str, Any]]:
    """Options for what a module returns besides what it takes, so that a result can be fed back as it is."""
    return {name: {"type": "raw"} for name in names}


#: The connection options; documented in the fragment esx.trust.connection.
CONNECTION = Arguments(
    options={
        "hostname": {"type": "str", "required": True, "fallback": _environment("VMWARE_HOST")},
        "username": {"type": "str", "aliases": ["admin", "user"], "fallback": _environment("VMWARE_USER")},
        "password": {
            "type": "str",
            "no_log": True,
            "aliases": ["pass", "pwd"],
            "fallback": _environment("VMWARE_PASSWORD"),
        },
        # Without a default, so that a port in the hostname can be told from one that contradicts.
        "port": {"type": "int", "fallback": _environment("VMWARE_PORT")},
        "validate_certs": {"type": "bool", "default": True, "fallback": _environment("VMWARE_VALIDATE_CERTS")},
        "ca_path": {"type": "path", "fallback": _environment("VMWARE_CA_PATH")},
        # Without fall-backs: a stray variable must not decide over the options who logs in or who is trusted.
        "thumbprint": {"type": "str"},
        "auth_method": {
            "type": "str",
            "choices": ["token", "basic", "session"],
            "default": "token",
            "fallback": _environment("VMWARE_AUTH_METHOD"),
        },
        "access_token": {"type": "str", "no_log": True},
        "saml_token": {"type": "str", "no_log": True},
        "proxy_host": {"type": "str", "fallback": _environment("VMWARE_PROXY_HOST")},
        "proxy_port": {"type": "int", "fallback": _environment("VMWARE_PROXY_PORT")},
        "timeout": {"type": "float", "default": 30, "fallback": _environment("VMWARE_TIMEOUT")},
        "retries": {"type": "int", "default": 3, "fallback": _environment("VMWARE_RETRIES")},
    },
    required_together=(("proxy_host", "proxy_port"),),
)

#: The same for ESX hosts, which may speak either form of the API.
HOST_CONNECTION = CONNECTION.merge(
    Arguments(
        options={
            "api_protocol": {
                "type": "str",
                "choices": ["auto", "rest", "jsonrpc"],
                "default": "auto",
                "fallback": _environment("VMWARE_API_PROTOCOL"),
            }
        }
    )
)
