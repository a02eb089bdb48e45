# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts repeat secrets where a message shows them, and it is the masking alone that keeps them out of it.

Without this, a search that finds nothing could mean that there was nothing to find.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.jsonrpc import JsonRpcCodec
from ansible_collections.esx.trust.plugins.module_utils._api.rest import RestCodec
from ansible_collections.esx.trust.plugins.module_utils._secrets.masks import MASK
from ansible_collections.esx.trust.plugins.module_utils._secrets.redactor import Redactor
from leaks import scenes
from leaks.scene import LOGINS
from leaks.scene import PASSWORDS
from leaks.scene import Scene
from support.actions import Actions
from support.modules import Modules
from support.modules import OverJsonRpc
from support.search import Search
from support.secrets_seen import SHOWN

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
    from support.modules import Ran

#: Which secret a request holds that a host refuses: scene, login, and the name of the secret.
HELD = [
    *(("login_refused", login, "password") for login in ("token", "basic", "session")),
    ("login_refused", "access_token", "access_token"),
    ("login_refused", "saml_token", "saml_token"),
    *(("api_error", login, "handed out") for login in ("token", "session", "saml_token")),
    ("api_error", "basic", "password"),
    ("api_error", "access_token", "access_token"),
    ("api_error_of_old", "session", "handed out"),
    ("unauthorized", "token", "handed out"),
    *(("write_refused", login, "key_derivation_key") for login in LOGINS),
    ("write_refused", "token", "handed out"),
]
WAYS = {"module": Modules, "action": Actions, "jsonrpc": OverJsonRpc}


def _held_in_every_way() -> Iterator[Any]:
    for name, way in WAYS.items():
        for held_secret in HELD:
            # Sessions are a service of vCenter, which hosts do not have.
            if way is OverJsonRpc and "session" in held_secret:
                continue
            yield pytest.param(way, *held_secret, id=f"{name}-{'-'.join(held_secret)}")


held = pytest.mark.parametrize(("way", "scene", "login", "name"), list(_held_in_every_way()))
password = pytest.mark.parametrize("password", [PASSWORDS[0], PASSWORDS[2]], ids=["plain", "odd"])


@dataclass(frozen=True)
class Echo:
    """A refused run. arrived: of the host's answer, as much as the message may show, before anything was masked."""

    ran: Ran
    arrived: str
    secrets: Mapping[str, list[str]]

    def sent(self, name: str) -> set[str]:
        """The forms of the secret that the refused request held."""
        return {value for value in self.secrets[name] if value in self.arrived}


@pytest.fixture
def meet(
    host: Host,
    fleet: Fleet,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    handed_out: list[str],
) -> Callable[..., Echo]:
    """Runs esx_kms_provider in a scene and listens at the client, whose redactor does not learn what is `unknown`."""
    refusals: dict[str, bytes] = {}
    add = Redactor.add

    def listening(decode: Callable[..., Any]) -> Callable[..., Any]:
        def listen(codec: Any, operation: Any, answer: Any, *others: Any) -> Any:
            refusals.update({operation.id: answer.body})
            return decode(codec, operation, answer, *others)

        return listen

    def run(way: type[Modules], scene: str, login: str, password: str, unknown: str | None = None) -> Echo:
        arranged = Scene("esx_kms_provider", login, "run", host, fleet, password)
        arranged.secrets["handed out"] = handed_out
        scenes.SCENES[scene](arranged)

        def learn(redactor: Redactor, secret: str | None) -> None:
            if unknown is None or secret not in arranged.secrets[unknown]:
                add(redactor, secret)

        for codec in (RestCodec, JsonRpcCodec):
            monkeypatch.setattr(codec, "decode", listening(codec.decode))
        monkeypatch.setattr(Redactor, "add", learn)
        ran = way(host, fleet, capsys, monkeypatch).run(arranged.module, **arranged.options)

        assert ran.failed

        content = json.loads(refusals[ran.result["failure"]["operation"]])

        return Echo(ran, "; ".join(messages_of(content)[:SHOWN]), arranged.secrets)

    return run


def messages_of(content: dict[str, Any]) -> list[str]:
    """The texts of the messages in an error of either form."""
    if "jsonrpc" not in content:
        return [each["default_message"] for each in content.get("value", content)["messages"]]
    (error,) = content["result"]["error"]["ERROR"].values()
    messages = [each["STRUCTURE"]["com.vmware.vapi.std.localizable_message"] for each in error["messages"]]

    return [each["default_message"] for each in messages]


@password
@held
def test_what_is_masked_had_arrived(
    meet: Callable[..., Echo], way: type[Modules], scene: str, login: str, name: str, password: str
) -> None:
    echo = meet(way, scene, login, password)
    sent = echo.sent(name)

    assert sent

    for secret in sent:
        assert base64.b64encode(secret.encode()).decode() in echo.arrived
        assert quote(secret, safe="") in echo.arrived

    # A mask for each of the three. By chance, for a token of a hundred, two neighbours have one: the blank between them
    # reads as a part of what is in Base64.
    assert echo.ran.message.count(MASK) >= 2 * len(sent), echo.ran.message
    assert not Search().find(echo.secrets, {"output": echo.ran.output})


@held
def test_what_is_not_masked_is_found(
    meet: Callable[..., Echo], way: type[Modules], scene: str, login: str, name: str
) -> None:
    """A redactor that does not know this one secret gives it away, and the search notices."""
    echo = meet(way, scene, login, PASSWORDS[2], unknown=name)
    sent = {name: echo.sent(name)}
    assert Search().find(sent, {"message": echo.ran.message})
