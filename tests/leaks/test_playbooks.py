# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real playbooks at the highest verbosity: what is printed, logged, left behind, and seen of a running process."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

import environment
from ansible_collections.esx.trust.plugins.module_utils._secrets.masks import MASK
from leaks.scene import LOGINS
from leaks.scene import PASSWORDS
from leaks.scene import SAML
from leaks.scene import urls
from simulator import Fault
from support.certificates import chain
from support.certificates import private_keys
from support.constants import ISSUER
from support.constants import KEY
from support.constants import KEY_ID
from support.credentials import basic_credentials
from support.search import pieces

if TYPE_CHECKING:
    from simulator import Host
    from support.playbooks import Playbooks
    from support.search import Search

#: What people set to get at results and to keep them.
CONFIGURATION = """
[defaults]
fact_caching = jsonfile
fact_caching_connection = facts
keep_remote_files = false
retry_files_enabled = true
retry_files_save_path = retry
stdout_callback = {callback}
verbose_to_stderr = false
[diff]
always = true
"""
#: Secrets that the hosts below repeat where a message shows them, and the refusals with which they do.
REPEATED = ("password", "basic credentials", "access_token", "handed out", "key_derivation_key")
REPEATED_BY = ("400 INVALID_ARGUMENT", "401 UNAUTHENTICATED")
CALLBACKS = ("ansible.builtin.minimal", "ansible.builtin.default", "ansible.builtin.oneline")
OF_LOGIN = {
    "password": "{{ mine.password }}",
    "auth_method": "{{ mine.auth_method | default('token') }}",
    "access_token": "{{ mine.access_token | default(omit) }}",
    "saml_token": "{{ mine.saml_token | default(omit) }}",
    "retries": 0,
}


def tasks() -> list[dict[str, Any]]:
    """All modules, and one that gets a private key by mistake."""
    chains = [{"cert_chain": chain(1)}]
    issuer = {"issuer_alias": "vcenter01", "issuer": ISSUER}
    provider = {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": "{{ key }}"}

    options: list[tuple[str, dict[str, Any]]] = [
        ("esx_kms_provider", provider),
        ("esx_kms_provider_info", {}),
        ("esx_token_issuer", {**issuer, "signing_cert_chains": chains}),
        ("esx_token_issuer_info", {}),
        ("esx_host_trust", {"kms_providers": [provider], "token_issuers": [{**issuer, "signing_cert_chains": chains}]}),
        ("esx_token_issuer", {**issuer, "signing_cert_chains": [{"cert_chain": ["{{ private_key }}"]}]}),
    ]

    return [
        {"name": f"Task {number}", f"esx.trust.{module}": {**OF_LOGIN, **given}, "ignore_errors": True}
        for number, (module, given) in enumerate(options, 1)
    ] + [{"name": "At the end", "ansible.builtin.fail": {"msg": "so that there is a retry file"}}]


class Watch:
    """Reads the command lines and environments of all processes below this one, again and again."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._stop = threading.Event()

    @contextmanager
    def watching(self) -> Iterator[None]:
        thread = threading.Thread(target=self._work, name="watch")
        thread.start()

        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _work(self) -> None:
        while not self._stop.wait(0.05):
            for process in self._below(os.getpid()):
                for name in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):  # it has just ended
                        text = Path(f"/proc/{process}/{name}").read_bytes().decode(errors="replace")
                        self.seen.add(text.replace("\0", "\n"))

    def _below(self, process: int) -> Iterator[int]:
        children: list[int] = []
        with contextlib.suppress(OSError):  # it has just ended
            for thread in os.listdir(f"/proc/{process}/task"):
                children += map(int, Path(f"/proc/{process}/task/{thread}/children").read_text().split())

        for child in children:
            yield child
            yield from self._below(child)


def arrange(hosts: list[Host]) -> tuple[dict[str, dict[str, str]], dict[str, list[str]]]:
    """Five hosts with a login of their own each, four of which fail in ways of their own, repeating what they got."""
    mine: dict[str, dict[str, str]] = {}
    secrets: dict[str, list[str]] = {"key_derivation_key": [KEY], "saml_token": [SAML]}
    secrets["password"], secrets["basic credentials"], secrets["access_token"] = [], [], []

    for host, login, password in zip(hosts, LOGINS, PASSWORDS[1:6]):
        host.reset()
        host.settings(echo_requests=True, session_service=True, saml_tokens=[SAML])
        host.put_account(host.username, password)
        mine[host.name] = {"password": password}
        secrets["password"] += [password, password.strip()]
        secrets["basic credentials"].append(basic_credentials(host.username, password))
        if login in ("basic", "session"):
            mine[host.name]["auth_method"] = login
        # So that a running module can be looked at.
        host.queue(Fault(kind="delay", operation="*issuers.list", seconds=0.4))

    token, refused, lost, expired, saml = hosts
    for operation in ("*.providers.create", "*.providers.list"):
        token.queue(Fault(kind="status", operation=operation, error_type="INVALID_ARGUMENT", times=None))
    mine[refused.name]["password"] = "wrong Pässword/1"
    secrets["password"].append("wrong Pässword/1")
    secrets["basic credentials"].append(basic_credentials(refused.username, "wrong Pässword/1"))
    lost.queue(Fault(kind="lose_answer", operation="*.providers.create"))
    lost.queue(Fault(kind="reset_before", operation="*.providers.get", skip=1, times=None))
    mine[expired.name]["access_token"] = expired.create_token()
    secrets["access_token"].append(mine[expired.name]["access_token"])
    expired.queue(Fault(kind="status", operation="*.providers.*", error_type="UNAUTHENTICATED", times=None))
    mine[saml.name]["saml_token"] = SAML
    repeated = " ".join([KEY, secrets["password"][-2], secrets["basic credentials"][-2], SAML])
    # Only the task that knows the key; no other one could tell it from any text.
    saml.queue(Fault(kind="answer", operation="*.providers.get", status=500, body=repeated, times=None))

    return mine, secrets


@pytest.mark.every_core
def test_no_secret_comes_out_of_a_playbook(
    playbooks: Playbooks,
    handed_out: list[str],
    repeated: list[str],
    search: Search,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    in_worker: bool,
) -> None:
    core = request.node.callspec.params["playbooks"]
    hosts = list(playbooks.hosts)
    key = private_keys()["rsa pkcs8"]
    callback = CALLBACKS[environment.CORES.index(core) % len(CALLBACKS)]
    (tmp_path / "play" / "ansible.cfg").write_text(CONFIGURATION.format(callback=callback))

    modes: list[list[str]] = [[]]
    # Check mode once: without Ansible around them all modules are looked at in it.
    if in_worker and core == "core-2.19":
        modes.append(["--check"])

    for mode in modes:
        handed_out.clear()
        repeated.clear()
        mine, secrets = arrange(hosts)
        secrets["private key"] = list(pieces(key))
        watch = Watch()
        of_all = {"all_logins": mine, "mine": "{{ all_logins[inventory_hostname] }}"}
        variables = {**of_all, "key": KEY, "private_key": key}
        with watch.watching():
            played = playbooks.play(tasks(), "-vvvv", "--diff", *mode, variables=variables)
        secrets["handed out"] = list(handed_out)

        assert len(secrets["handed out"]) >= 4

        for refusal in REPEATED_BY:
            assert f"failed ({refusal}): {MASK} " in played.output, played.output[-3000:]
        # In check mode nobody sends the key.
        for name in REPEATED[: -1 if mode else None]:
            arrived = [text for text in repeated if any(secret in text for secret in secrets[name])]
            assert arrived, name

        assert "holds a private key" in played.output
        assert "Traceback" not in played.output
        assert any("ansible-playbook" in text for text in watch.seen)
        assert in_worker or any("AnsiballZ_esx_token_issuer" in text for text in watch.seen)
        assert any(name.endswith("ansible.log") for name in played.files)

        places = {"output": played.output, "running processes": "\n".join(watch.seen)}
        for host in hosts:
            places[f"URLs of {host.name}"] = "\n".join(urls(host))
        for name, text in played.files.items():
            places[f"file {Path(name).name}"] = text

        findings = search.find(secrets, places)

        assert not findings, "\n".join(findings)
