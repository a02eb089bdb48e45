# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules as objects that can be merged, with the checks of their values that Ansible does not do."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from functools import cached_property
from typing import Any
from typing import Optional

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import RequiredError
from ansible.module_utils.errors import RequiredIfError

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services.option_specifications import entries_of
from ansible_collections.esx.trust.plugins.module_utils._services.option_specifications import is_blank
from ansible_collections.esx.trust.plugins.module_utils._services.option_specifications import options_by_spelling
from ansible_collections.esx.trust.plugins.module_utils._services.option_specifications import spellings
from ansible_collections.esx.trust.plugins.module_utils._services.secret_options import misplaced_texts
from ansible_collections.esx.trust.plugins.module_utils._services.secret_options import names_with_choices
from ansible_collections.esx.trust.plugins.module_utils._services.secret_options import private_keys
from ansible_collections.esx.trust.plugins.module_utils._services.secret_options import secret_names
from ansible_collections.esx.trust.plugins.module_utils._services.secret_options import texts_under
from ansible_collections.esx.trust.plugins.module_utils._services.secret_options import without_secrets

#: A shorter text is not masked as a secret, because it could be an ordinary word. In characters.
_SHORTEST_MISPLACED = 8
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
    required_if: tuple[tuple[Any, ...], ...] = ()
    required_together: tuple[tuple[str, ...], ...] = ()
    required_one_of: tuple[tuple[str, ...], ...] = ()
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

    def list_option(self) -> dict[str, Any]:
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

    @cached_property
    def validator(self) -> ArgumentSpecValidator:
        """Ansible's own validator for these options. It keeps nothing of the options that it has validated."""
        return ArgumentSpecValidator(**self.keywords())

    def raw_keywords(self) -> dict[str, Any]:
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

    @cached_property
    def _secret_names(self) -> set[str]:
        """The names and aliases of the secret options, at any depth."""
        return set(secret_names(self.options))

    @cached_property
    def names_with_choices(self) -> frozenset[str]:
        """The names of the options that take one of a few words, at any depth."""
        return frozenset(names_with_choices(self.options))

    def secrets(self, params: Mapping[str, Any]) -> set[str]:
        """The values of all secret options, at any depth, and every private key in any option."""
        return set(texts_under(self._secret_names, params)) | set(private_keys(params))

    def misplaced(self, params: Mapping[str, Any]) -> set[str]:
        """The texts that may be a secret in a wrong place. Use it for options that were refused."""
        found = set(misplaced_texts(self.options, self.likely_secrets, params))
        found.difference_update(spellings(self.options))

        return {text for text in found if len(text) >= _SHORTEST_MISPLACED}

    def shown(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The options as a result shows them. Secrets are replaced by the text that Ansible uses for that."""
        shown: dict[str, Any] = without_secrets(params, self._secret_names)

        return shown

    def explain_wrong_form(self, params: Mapping[str, Any]) -> str:
        """A sentence about the first option that should be a list of dictionaries and is not.

        If there is none, the sentence only says that an option is wrong.
        Use it where Ansible's own validation raises an exception and returns no sentence.
        """
        quoted = []
        for name, option in self.options.items():
            if "options" in option:
                entries = entries_of(params.get(name))
                if not all(isinstance(entry, Mapping) for entry in entries):
                    quoted.append(f"'{name}'")

        return self.explain(quoted) or "An option is of the wrong form."

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


def _given(options: Mapping[str, Mapping[str, Any]], params: Mapping[str, Any]) -> dict[str, Any]:
    """See `Arguments.given`."""
    by_spelling = options_by_spelling(options)

    given: dict[str, Any] = {}
    for name, value in params.items():
        option = by_spelling.get(name)
        if option is None:
            # Ansible refuses an unknown option, whatever its value is.
            given[name] = value
            continue

        if is_blank(value):
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
    by_spelling = options_by_spelling(options)
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


def ignored(*names: str) -> dict[str, dict[str, Any]]:
    """Options that are accepted and ignored. An info module returns them, so that its result can be given back."""
    return {name: {"type": "raw"} for name in names}
