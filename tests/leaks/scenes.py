# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules are asked to do on hosts that repeat every request in their errors, and in what failure that ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from leaks.scene import LOGINS
from leaks.scene import MODULES
from leaks.scene import Scene
from support.certificates import chain
from support.certificates import private_keys
from support.client_profiles import grants
from support.constants import ISSUER
from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.search import pieces

#: A right, as a host tells it.
(_GRANT,) = grants("SECURITY_MGMT")
#: By login, a text that has not the form of such a token.
_MALFORMED_TOKENS = {
    "access_token": "token of two words",
    "saml_token": "no * assertion : at all",
}
#: By login, a token that no host accepts.
_UNKNOWN_TOKENS = {
    "access_token": "expired-token/of+yesterday=",
    "saml_token": "<Assertion>of & somebody else</Assertion>",
}


def _profile(name: str, grant: dict[str, str]) -> dict[str, Any]:
    """The client profile of a local user, as a host lists it."""
    subject = {"type": "LOCAL_USER", "name": name}
    return {"summary_type": "FULL", "client_profile": "profile-1", "subject": subject, "grants": [grant]}


#: Prepares a scene. Returns the code of the failure that follows, or None if the module succeeds.
#: Returns NotImplemented if the scene does not exist with this login or in this mode.
Arrange = Callable[[Scene], Any]
SCENES: dict[str, Arrange] = {}
#: Each module with the names of the scenes that it has.
PAIRS: list[tuple[str, str]] = []

_WRITING = tuple(name for name in MODULES if not name.endswith("_info"))
_READING = tuple(name for name in MODULES if name.endswith("_info"))
_WITH_A_KEY = ("esx_host_trust", "esx_kms_provider")
_WITH_CERTIFICATES = ("esx_host_trust", "esx_token_issuer")


def scene_of(*modules: str) -> Callable[[Arrange], Arrange]:
    """A scene that only these modules have."""

    def add(arrange: Arrange) -> Arrange:
        SCENES[arrange.__name__] = arrange
        PAIRS.extend((module, arrange.__name__) for module in modules)
        return arrange

    return add


#: A scene that every module has.
scene_of_all = scene_of(*MODULES)


@scene_of_all
def success(_scene: Scene) -> Any:
    return None


@scene_of_all
def converged(scene: Scene) -> Any:
    scene.host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)
    scene.host.put_issuer("vcenter01", ISSUER, [chain(1)])
    scene.host.put_client_profile(name="automation", grants=[_GRANT])

    return None


@scene_of_all
def bad_timeout(scene: Scene) -> Any:
    scene.options["timeout"] = -1
    return "invalid_input"


@scene_of_all
def bad_secret(scene: Scene) -> Any:
    """The secret itself has a form that no secret has."""
    if scene.login in _MALFORMED_TOKENS:
        scene.give(scene.login, _MALFORMED_TOKENS[scene.login])
    elif scene.provider:
        scene.give("key_derivation_key", 'no base64 \\ at "all"')
    else:
        return NotImplemented

    return "invalid_input"


@scene_of_all
def login_in_the_hostname(scene: Scene) -> Any:
    scene.options["hostname"] = f"https://root:Horse-Battery+1@{scene.host.address}/"
    scene.secrets["login in the hostname"] = ["Horse-Battery+1"]
    return "invalid_input"


@scene_of_all
def login_in_the_username(scene: Scene) -> Any:
    if scene.login in ("access_token", "saml_token"):
        return NotImplemented
    scene.options["username"] = "root:Horse-Battery+1"
    scene.secrets["login in the username"] = ["Horse-Battery+1"]

    return "invalid_input"


@scene_of(*_WITH_A_KEY)
def key_in_place_of_its_id(scene: Scene) -> Any:
    del scene.provider["key_derivation_key"]
    scene.provider["key_id"] = KEY

    return "invalid_input"


@scene_of(*_WITH_CERTIFICATES)
def private_key_among_certificates(scene: Scene) -> Any:
    names = ("pkcs8", "ec", "rsa", "encrypted pkcs8", "openssh")
    key = private_keys()[names[LOGINS.index(scene.login)]]
    scene.issuer["signing_cert_chains"] = [{"cert_chain": [*chain(1), key]}]
    scene.secrets["private key"] = list(pieces(key))

    return "invalid_input"


@scene_of(*_WRITING)
def conflict(scene: Scene) -> Any:
    scene.host.put_provider("site-a", type="NATIVE", key_id=OTHER_KEY_ID)
    scene.host.put_issuer("leftover", ISSUER, [chain(2)])

    for _number in range(2):
        # Two profiles of one subject.
        scene.host.put_client_profile(name="automation", grants=[_GRANT])

    return "conflict"


@scene_of(*_WRITING)
def conflict_that_repeats_secrets(scene: Scene) -> Any:
    """The host's own data, which a conflict quotes, are the secrets."""
    text = scene.everything

    if scene.provider:
        scene.gets("*.providers.get", {"type": text})
    elif scene.profile:
        held = _profile("automation", {"resource_type": text, "entitlement": text})
        scene.gets("*profiles.list", [held])
    else:
        held = {"issuer_alias": text, "issuer": ISSUER, "signing_cert_chains": [{"cert_chain": [text]}]}
        scene.gets("*issuers.list", [held])

    return "conflict"


@scene_of(*_READING)
def data_that_repeat_secrets(scene: Scene) -> Any:
    """The data that an info module reads are the secrets."""
    text = scene.everything

    if scene.module == "esx_kms_provider_info":
        details = [{"id": "x", "default_message": text, "args": []}]
        entry = {"provider": text, "available": True, "details": details}
        scene.gets("*.providers.list", [entry])
        scene.gets("*.providers.get", {"type": text, "native_info": {"key_id": text}})
    elif scene.module == "esx_client_profile_info":
        held = _profile(text, {"resource_type": text, "entitlement": text, text: text})
        scene.gets("*profiles.list", [held])
    else:
        held = {"issuer_alias": text, "issuer": text, "signing_cert_chains": [{"cert_chain": [text]}]}
        scene.gets("*issuers.list", [held])

    return None


@scene_of_all
def unreachable(scene: Scene) -> Any:
    scene.options["port"] = 1
    return "unreachable"


@scene_of_all
def unreachable_through_a_proxy(scene: Scene) -> Any:
    scene.options.update(proxy_host="127.0.0.1", proxy_port=9)
    return "unreachable"


@scene_of_all
def untrusted(scene: Scene) -> Any:
    scene.options["ca_path"] = None
    return "untrusted"


@scene_of_all
def pinned_otherwise(scene: Scene) -> Any:
    scene.options["thumbprint"] = "0" * 64
    return "untrusted"


@scene_of_all
def login_refused(scene: Scene) -> Any:
    if scene.login in _UNKNOWN_TOKENS:
        scene.give(scene.login, _UNKNOWN_TOKENS[scene.login])
    else:
        scene.give("password", scene.password[::-1] + "wrong")

    return "unauthenticated"


@scene_of_all
def token_refused(scene: Scene) -> Any:
    scene.meets(kind="status", error_type="UNAUTHENTICATED")
    return "unauthenticated"


@scene_of_all
def login_unauthorized(scene: Scene) -> Any:
    if scene.login in ("basic", "access_token"):
        return NotImplemented
    scene.meets("*.create", kind="status", error_type="UNAUTHORIZED")
    return "unauthorized"


@scene_of_all
def login_breaks(scene: Scene) -> Any:
    if scene.login in ("basic", "access_token"):
        return NotImplemented
    operation = "com.vmware.cis.session.create" if scene.login == "session" else "*.token.create"
    scene.meets(operation, kind="status", error_type="INTERNAL_SERVER_ERROR")

    return "api_error"


@scene_of_all
def login_answered_in_another_form(scene: Scene) -> Any:
    if scene.login in ("basic", "access_token"):
        return NotImplemented
    operation = "com.vmware.cis.session.create" if scene.login == "session" else "*.token.create"
    scene.meets(operation, kind="answer", status=200, body={"token": scene.everything})

    return "unexpected_answer"


@scene_of_all
def unauthorized(scene: Scene) -> Any:
    scene.meets(kind="status", error_type="UNAUTHORIZED")
    return "unauthorized"


@scene_of_all
def api_error(scene: Scene) -> Any:
    scene.meets(kind="status", error_type="INVALID_ARGUMENT")
    return "api_error"


@scene_of_all
def api_error_of_old(scene: Scene) -> Any:
    scene.host.settings(dialect="rest", error_type_present=False)
    scene.meets(kind="status", error_type="INTERNAL_SERVER_ERROR")
    return "api_error"


@scene_of(*_WRITING)
def write_refused(scene: Scene) -> Any:
    scene.meets(scene.operation("create"), kind="status", error_type="INVALID_ARGUMENT")
    return None if scene.check else "api_error"


@scene_of_all
def answer_lost(scene: Scene) -> Any:
    scene.meets(kind="reset_before")
    return "answer_lost"


@scene_of_all
def answer_cut(scene: Scene) -> Any:
    scene.meets(kind="cut_answer", bytes=1)
    return "answer_lost"


@scene_of(*_WRITING)
def write_lost(scene: Scene) -> Any:
    scene.meets(scene.operation("create"), kind="lose_answer")
    scene.meets(scene.operation("get"), kind="reset_before", skip=1)
    scene.meets(scene.operation("list"), kind="reset_before", skip=1)

    return None if scene.check else "answer_lost"


@scene_of_all
def text_that_repeats_secrets(scene: Scene) -> Any:
    scene.meets(kind="answer", status=500, body=f"upstream said: {scene.everything}")
    return "unexpected_answer"


@scene_of_all
def page_that_repeats_secrets(scene: Scene) -> Any:
    scene.meets(kind="answer", status=200, body=f"<html>{scene.everything}</html>", content_type="text/html")
    return "unexpected_answer"


@scene_of_all
def error_type_that_repeats_secrets(scene: Scene) -> Any:
    body = {"error_type": scene.everything, "messages": [{"id": scene.everything, "default_message": scene.everything}]}
    scene.is_refused({**body, "data": {scene.everything: scene.everything}})
    return "api_error"


@scene_of_all
def json_rpc(scene: Scene) -> Any:
    error = {"code": -32600, "message": scene.everything}
    scene.meets(kind="answer", status=200, body={"jsonrpc": "2.0", "id": None, "error": error})
    return "unexpected_answer"


@scene_of_all
def another_form(scene: Scene) -> Any:
    scene.meets(kind="answer", status=200, body={scene.everything: scene.everything})
    return "unexpected_answer"


@scene_of_all
def redirect(scene: Scene) -> Any:
    scene.meets(kind="redirect", location=f"https://{quote(scene.everything)}.example.com/", status=307)
    return "unexpected_answer"


@scene_of_all
def huge(scene: Scene) -> Any:
    if scene.mode != "run" or scene.login not in ("token", "basic"):
        return NotImplemented
    scene.meets(kind="answer", status=200, ready="huge", bytes=17 * 2**20)
    return "unexpected_answer"


#: Scenes that end at the options, the connection or the login. The mode makes no difference there.
BEFORE_A_PLAN = frozenset(
    arrange.__name__
    for arrange in (
        bad_timeout,
        bad_secret,
        login_in_the_hostname,
        login_in_the_username,
        key_in_place_of_its_id,
        private_key_among_certificates,
        unreachable,
        unreachable_through_a_proxy,
        untrusted,
        pinned_otherwise,
        login_refused,
        login_unauthorized,
        login_breaks,
        login_answered_in_another_form,
    )
)
