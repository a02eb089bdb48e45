# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules as objects that can be merged, and the options that all modules share."""

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

from ansible_collections.esx.trust.plugins.module_utils._api.secrets import check_unmasked
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput

#: A shorter text is not masked as a secret, because it could be an ordinary word. In characters.
_SHORTEST_SECRET = 8
#: Ansible itself writes this in the place of a secret option.
_NOT_SHOWN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
#: The separators at which Ansible cuts a text into words.
_WORDS = re.compile(r"[=,\s]+")
#: The types that YAML makes of a text without quotes, with their names in messages.
_NO_TEXTS: Mapping[type, str] = {
    bool: "a boolean (true or false)",
    float: "a number with a point or an exponent",
    Mapping: "a dictionary",
    list: "a list",
    tuple: "a list",
}


@dataclass(frozen=True)
class Arguments:
    """The options of a module together with the conditions among them.

    options, required_if, required_together, required_one_of: as AnsibleModule takes them.
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
        """The specification of an option that is a list of declarations with these options."""
        keywords = self.keywords()
        del keywords["argument_spec"]
        conditions = {name: value for name, value in keywords.items() if value}

        return {
            "type": "list",
            "elements": "dict",
            "options": dict(self.options),
            **conditions,
        }

    def keywords(self) -> dict[str, Any]:
        """The keyword arguments for AnsibleModule and ArgumentSpecValidator."""
        return {
            "argument_spec": {name: dict(option) for name, option in self.options.items()},
            "required_if": [list(condition) for condition in self.required_if],
            "required_together": [list(group) for group in self.required_together],
            "required_one_of": [list(group) for group in self.required_one_of],
        }

    def unread(self) -> dict[str, Any]:
        """The keyword arguments with which AnsibleModule takes every value as it is, and masks secrets."""
        specification: dict[str, dict[str, Any]] = {}
        for name, option in self.options.items():
            specification[name] = {"type": "raw"}
            for part in ("aliases", "no_log"):
                if part in option:
                    specification[name][part] = option[part]

        return {"argument_spec": specification}

    def given(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The options without those that mean "not given" in Ansible: null, and a text of spaces only.

        Call it before Ansible validates the options, so that its defaults and fall-backs are used. The entries of a
        list all stay, because nobody can know the meaning of an empty entry.
        """
        return _given(self.options, params)

    def check_texts(self, params: Mapping[str, Any]) -> None:
        """Check that the options of the type text are texts, before Ansible converts them.

        Ansible would make a text of any value: the name "True" of true, and "1.1" of the password 1.10.

        Raises InvalidInput, which names the first option that is no text.
        """
        _check_texts(self.options, params, "")

    def complaint(self, validation: Any) -> Optional[str]:
        """A sentence about options that Ansible refused. None if Ansible's own sentence is good enough.

        validation: Ansible's own `ValidationResult`.
        """
        sentence = self.explain(validation.error_messages)
        if sentence is not None:
            return sentence

        if not all(isinstance(error, (RequiredError, RequiredIfError)) for error in validation.errors):
            return None

        sentences = _needed(self.options, self.required_if, validation.validated_parameters, "")
        return next(sentences, None)

    def secrets(self, params: Mapping[str, Any]) -> set[str]:
        """The values of all secret options, at any depth, and every private key in any option."""
        names = set(_secret_names(self.options))
        return set(_under(names, params)) | set(_private_keys(params))

    def misplaced(self, params: Mapping[str, Any]) -> set[str]:
        """The texts that may be a secret in a wrong place. Use it for options that were refused."""
        found = set(_misplaced(self.options, self.likely_secrets, params))
        found.difference_update(_spellings(self.options))

        return {text for text in found if len(text) >= _SHORTEST_SECRET}

    def shown(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The options as a result shows them. Secrets are replaced by the text that Ansible uses for that."""
        names = set(_secret_names(self.options))
        shown: dict[str, Any] = _without_secrets(params, names)

        return shown

    def misshapen(self, params: Mapping[str, Any]) -> Optional[str]:
        """A sentence about the first option that should be a list of dictionaries and is not. None if there is none.

        Use it where Ansible's own validation raises an exception and returns no sentence.
        """
        quoted = []
        for name, option in self.options.items():
            if "options" in option:
                entries = _entries(params.get(name))
                if not all(isinstance(entry, Mapping) for entry in entries):
                    quoted.append(f"'{name}'")

        return self.explain(quoted)

    def explain(self, messages: Iterable[str]) -> Optional[str]:
        """A sentence about an option that is a list of dictionaries. None if no message is about such an option.

        messages: sentences of Ansible. They do not say which entries such an option takes.
        """
        all_messages = list(messages)
        for name, option in self.options.items():
            if "options" in option and any(f"'{name}'" in message for message in all_messages):
                form = ", ".join(f"{part}: ..." for part in option["options"])
                return f"{name}: is not of the right form, give a list of {{{form}}}."

        return None


def check_name(option: str, value: str) -> str:
    """The name, if it has no characters that cannot be seen. A host would keep them, and nobody meant them.

    Raises InvalidInput, which names the option.
    """
    if not value.strip():
        raise InvalidInput(f"{option}: is empty.")

    if value != value.strip() or not value.isprintable():
        raise InvalidInput(f"{option}: has blanks at an end, a line break, or other characters that cannot be seen.")

    return check_unmasked(option, value)


def _without_secrets(value: Any, names: set[str]) -> Any:
    """The value, with the values of these names replaced at any depth."""
    if isinstance(value, Mapping):
        shown = {}
        for name, entry in value.items():
            if name in names and entry is not None:
                shown[name] = _NOT_SHOWN
            else:
                shown[name] = _without_secrets(entry, names)

        return shown

    if isinstance(value, (list, tuple)):
        return [_without_secrets(entry, names) for entry in value]

    return value


def _spellings(options: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """All names and aliases of the options, at any depth."""
    for name, option in options.items():
        yield from (name, *option.get("aliases", ()))
        yield from _spellings(option.get("options", {}))


def _by_spelling(options: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The options by their names and by their aliases."""
    by_spelling = {}
    for name, option in options.items():
        for spelling in (name, *option.get("aliases", ())):
            by_spelling[spelling] = option

    return by_spelling


def _given(options: Mapping[str, Mapping[str, Any]], params: Mapping[str, Any]) -> dict[str, Any]:
    """See `Arguments.given`."""
    by_spelling = _by_spelling(options)

    given: dict[str, Any] = {}
    for name, value in params.items():
        option = by_spelling.get(name)
        if option is None:
            # Ansible refuses an unknown option, whatever its value is.
            given[name] = value
            continue

        is_blank = value is None or (isinstance(value, str) and not value.strip())
        if is_blank:
            continue

        if "options" in option:
            given[name] = _given_entries(option["options"], value)
        else:
            given[name] = value

    return given


def _given_entries(options: Mapping[str, Mapping[str, Any]], value: Any) -> Any:
    """The entries of an option, each without the options that are not given. options: those of an entry."""
    if isinstance(value, Mapping):
        return _given(options, value)

    if isinstance(value, (list, tuple)):
        return [_given(options, entry) if isinstance(entry, Mapping) else entry for entry in value]

    return value


def _check_texts(options: Mapping[str, Mapping[str, Any]], params: Mapping[str, Any], where: str) -> None:
    """See `Arguments.check_texts`. where: the beginning of the names in messages."""
    by_spelling = _by_spelling(options)
    for name, value in params.items():
        option = by_spelling.get(name, {})
        if "options" in option:
            for position, entry in _positions(name, value):
                _check_texts(option["options"], entry, f"{where}{position}.")
        elif option.get("type") in ("str", "path") and "choices" not in option:
            _check_text(f"{where}{name}", value)


def _check_text(name: str, value: Any) -> None:
    """Raise InvalidInput if a value is neither a text nor a whole number.

    A whole number is accepted, because it can be written in one way only, and because Jinja makes one of digits.
    """
    for type_of_value, words in _NO_TEXTS.items():
        if isinstance(value, type_of_value):
            raise InvalidInput(f"{name}: is {words} and no text; put the text in quotes.")


def _positions(name: str, value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The entries of an option that are dictionaries, each with its name in messages."""
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
    """A sentence for each option that is needed and not given. where: the beginning of the names in messages."""
    for name, option in options.items():
        if option.get("required") and params.get(name) is None:
            yield f"{where}{name}: is needed."

    for condition, value, names in required_if:
        if params.get(condition, options[condition].get("default")) != value:
            continue

        words = str(value).lower() if isinstance(value, bool) else value
        for name in names:
            if params.get(name) is None:
                yield f"{where}{name}: is needed with {condition} {words}."

    for name, option in options.items():
        if "options" in option:
            conditions = option.get("required_if", ())
            for position, entry in _positions(name, params.get(name)):
                yield from _needed(option["options"], conditions, entry, f"{where}{position}.")


def _secret_names(options: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The names and aliases of the secret options, at any depth."""
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
    """The texts that may be a secret in a wrong place: values that their option cannot have, and unknown options."""
    by_spelling = _by_spelling(options)
    for name, value in params.items():
        option = by_spelling.get(name)
        if option is None:
            yield from _texts(value)
            if value in ("", None):
                # The name may be Base64 that ends in "=", which Ansible reads as "name=value".
                yield str(name)
        elif not _is_choice(option, value):
            yield from _texts(value)
        elif option["type"] in ("bool", "int", "float") and isinstance(value, str):
            yield value
        elif "options" in option:
            yield from _misplaced_in_entries(option["options"], likely_secrets, value)
        elif name in likely_secrets and value is not None:
            yield from likely_secrets[name](value)


def _misplaced_in_entries(
    options: Mapping[str, Mapping[str, Any]],
    likely_secrets: Mapping[str, Callable[[Any], Iterable[str]]],
    value: Any,
) -> Iterator[str]:
    """The same for the entries of an option. options: those of an entry."""
    for entry in _entries(value):
        if isinstance(entry, Mapping):
            yield from _misplaced(options, likely_secrets, entry)
            continue

        for text in _texts(entry):
            yield text
            # Ansible may cut the text into words before it shows them.
            yield from _WORDS.split(text)


def _is_choice(option: Mapping[str, Any], value: Any) -> bool:
    """True if the value, or each entry of a list, is one of the option's choices. True if the option has no choices."""
    if "choices" not in option:
        return True

    entries = _entries(value) if option["type"] == "list" else (value,)
    return all(entry in option["choices"] for entry in entries)


def _entries(value: Any) -> Iterable[Any]:
    """The entries of a list. A single value is a list of one entry, and null is an empty list."""
    if value is None:
        return ()

    if isinstance(value, (list, tuple)):
        return value

    return (value,)


def _texts(value: Any) -> Iterator[str]:
    """Every text and number in the value, also the keys of dictionaries, because YAML makes them of some texts."""
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
    """Every text in the value that holds a private key."""
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
    """The value of an environment variable. Raises AnsibleFallbackNotFound if it is not set or blank."""
    # People unset a variable in a job by making it empty.
    if not os.environ.get(name, "").strip():
        raise AnsibleFallbackNotFound

    return os.environ[name]


def _environment(name: str) -> tuple[Any, list[str]]:
    """The fall-back of an option to an environment variable, as AnsibleModule takes it."""
    return (_from_environment, [name])


def ignored(*names: str) -> dict[str, dict[str, Any]]:
    """Options that are accepted and ignored. An info module returns them, so that its result can be given back."""
    return {name: {"type": "raw"} for name in names}


#: The options of the connection. They are documented in the fragment esx.trust.connection.
CONNECTION = Arguments(
    options={
        "hostname": {
            "type": "str",
            "required": True,
            "fallback": _environment("VMWARE_HOST"),
        },
        "username": {
            "type": "str",
            "aliases": ["admin", "user"],
            "fallback": _environment("VMWARE_USER"),
        },
        "password": {
            "type": "str",
            "no_log": True,
            "aliases": ["pass", "pwd"],
            "fallback": _environment("VMWARE_PASSWORD"),
        },
        # It has no default, so that a port in the hostname that contradicts this option can be found.
        "port": {"type": "int", "fallback": _environment("VMWARE_PORT")},
        "validate_certs": {
            "type": "bool",
            "default": True,
            "fallback": _environment("VMWARE_VALIDATE_CERTS"),
        },
        "ca_path": {"type": "path", "fallback": _environment("VMWARE_CA_PATH")},
        # These have no fall-backs: a forgotten environment variable must not decide who logs in or who is trusted.
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
        "timeout": {
            "type": "float",
            "default": 30,
            "fallback": _environment("VMWARE_TIMEOUT"),
        },
        "retries": {
            "type": "int",
            "default": 3,
            "fallback": _environment("VMWARE_RETRIES"),
        },
    },
    required_together=(("proxy_host", "proxy_port"),),
)

#: The same for ESX hosts, which have either form of the API.
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
