# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables and settings of the machine: they change nothing about whom a run believes, and break nothing."""

from __future__ import annotations

import ssl
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api import tls
from environment import link_collection
from simulator import Fleet
from simulator.certificates import issue
from support.constants import KEY_ID
from support.programs import clean_environment
from wire.checks import assert_one_sentence
from wire.checks import assert_untouched

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules


# Environment

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
VALUES = ("unset", "empty", "right", "wrong", "not there")


@pytest.fixture(params=[(name, value) for name in VARIABLES for value in VALUES], ids="-".join)
def variable(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, fleet: Fleet, tmp_path: Path
) -> tuple[str, str]:
    """One variable of other programs, in some state; the others are not set."""
    for each in VARIABLES:
        monkeypatch.delenv(each, raising=False)
    name, value = request.param
    wrong = tmp_path / "wrong.pem"
    wrong.write_text(issue("CA", authority=True).pem)

    values = {
        "empty": "",
        "right": str(Path(fleet.ca_path).parent if name == "SSL_CERT_DIR" else fleet.ca_path),
        "wrong": str(tmp_path if name == "SSL_CERT_DIR" else wrong),
        "not there": str(tmp_path / "nothing"),
    }

    if value != "unset":
        monkeypatch.setenv(name, values[value])

    return name, value


def test_variables_matter_to_no_option(modules: Modules, host: Host, variable: tuple[str, str], tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.pem"
    stranger.write_text(issue("CA", authority=True).pem)
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)

    assert not modules.kms_provider().failed
    assert not modules.kms_provider(ca_path=None, thumbprint=host.fingerprint).failed
    assert not modules.kms_provider(ca_path=None, validate_certs=False).failed

    before = len(host.journal)

    assert modules.kms_provider(ca_path=str(stranger)).result["failure"]["code"] == "untrusted"

    refused = modules.kms_provider(ca_path=None, thumbprint=host.fingerprint[::-1])

    assert refused.result["failure"]["code"] == "untrusted"
    assert len(host.journal) == before


def test_without_options_the_system_decides(modules: Modules, host: Host, variable: tuple[str, str]) -> None:
    """OpenSSL's own variables say where the system's CA certificates are; those of other programs say nothing."""
    ran = modules.kms_provider(ca_path=None)
    if variable == ("SSL_CERT_FILE", "right"):
        assert ran.changed
    else:
        assert_one_sentence(ran, host, code="untrusted")
        assert_untouched(host)


def test_no_version_of_python_is_stricter_than_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default of Python 3.13 refuses authorities like those of hosts, which have no Authority Key Identifier."""
    for verify in (True, False):
        tls.tls_context.cache_clear()
        context = tls.tls_context(ca_path=None, verify=verify)

        assert not context.verify_flags & ssl.VERIFY_X509_STRICT
        assert context.verify_mode == (ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
        assert not context.hostname_checks_common_name
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("options", [{}, {"validate_certs": False}], ids=["verified", "not verified"])
def test_secrets_of_tls_are_written_nowhere(
    modules: Modules, host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: dict[str, Any]
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert modules.kms_provider(**options).changed
    assert list(tmp_path.iterdir()) == []

    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "nowhere" / "keys"))
    tls.tls_context.cache_clear()

    assert not modules.kms_provider(**options).failed


NONSENSE = {
    "SSLKEYLOGFILE": "nowhere/keys",
    "SSL_CERT_FILE": "broken",
    "SSL_CERT_DIR": "broken",
    "OPENSSL_CONF": "broken",
    "OPENSSL_MODULES": "broken",
    "REQUESTS_CA_BUNDLE": "nowhere",
    "CURL_CA_BUNDLE": "nowhere",
    "NETRC": "broken",
    "HTTPS_PROXY": "broken",
}


@pytest.mark.parametrize("variable", NONSENSE)
def test_no_variable_breaks_the_loading_of_the_plugin(variable: str, tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("openssl_conf = nonsense\n[nonsense\nssl_conf = x\n-----BEGIN CERTIFICATE-----\n")
    load = "from ansible_collections.esx.trust.plugins.plugin_utils import _action; import os; print(os.environ[{!r}])"
    value = str(tmp_path / NONSENSE[variable])

    done = subprocess.run(
        [sys.executable, "-c", load.format(variable)],
        env=clean_environment(PYTHONPATH=link_collection(), **{variable: value}),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, value, "")
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]


def test_broken_settings_of_the_machine_are_said_when_they_are_needed(
    modules: Modules, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: Any) -> ssl.SSLContext:
        raise ssl.SSLError(1, "the configuration is broken")

    monkeypatch.setattr(tls, "_new_context", broken)
    monkeypatch.setattr(tls, "_spare", [])
    tls.tls_context.cache_clear()
    tls.prepare()
    ran = modules.kms_provider(ca_path=None)

    assert_one_sentence(ran, host, code="unreachable")
    assert "TLS does not work on this machine" in ran.message
