# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the modules reach a host, who they believe, and how they log in."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

from simulator import Fleet
from support.certificates import chain
from support.constants import KEY
from support.constants import KEY_ID
from support.credentials import packed_saml
from support.modules import fault
from support.modules import understood

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules
    from support.modules import Ran

TOKEN = "com.vmware.esx.authentication.token.create"
GET = "com.vmware.esx.trusted_infrastructure.kms.providers.get"
SAML = "<saml2:Assertion>ä</saml2:Assertion>"


@pytest.fixture(autouse=True)
def known(host: Host) -> None:
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)


def schemes(host: Host) -> list[str | None]:
    return [record.authentication for record in understood(host)]


# Login


def test_a_token_is_the_default(modules: Modules, host: Host) -> None:
    assert not modules.kms_provider().failed
    assert schemes(host) == ["basic", "bearer"]
    assert host.login_attempts == 1


def test_basic_sends_the_password_with_each_request(modules: Modules, host: Host) -> None:
    host.settings(token_service=False)
    assert not modules.kms_provider(auth_method="basic").failed
    assert schemes(host) == ["basic"]


def test_a_service_that_takes_only_tokens_is_named_where_it_refuses_a_password(modules: Modules, host: Host) -> None:
    host.settings(oauth_only=["security_token_issuers"])
    ran = modules.run("esx_token_issuer_info", auth_method="basic")

    assert ran.result["failure"]["code"] == "unauthenticated"
    assert "only tokens" in ran.message
    assert not modules.run("esx_token_issuer_info").failed


@pytest.mark.of_rest
def test_a_session_is_closed_at_the_end(modules: Modules, host: Host) -> None:
    host.settings(session_service=True)
    assert not modules.kms_provider(auth_method="session").failed
    assert schemes(host) == ["basic", "session", "session"]
    assert host.journal[-1].method == "DELETE"
    assert host.open_sessions == 0


def test_a_session_is_closed_after_a_failure(modules: Modules, host: Host) -> None:
    host.settings(session_service=True)
    host.queue(fault(kind="status", operation=GET, error_type="INVALID_ARGUMENT"))

    assert modules.kms_provider(auth_method="session").failed
    assert host.open_sessions == 0


def test_a_ready_token_needs_no_login(modules: Modules, host: Host) -> None:
    assert not modules.kms_provider(access_token=host.create_token(), username=None, password=None).failed
    assert schemes(host) == ["bearer"]
    assert host.login_attempts == 0


def test_a_ready_token_that_is_refused_is_not_replaced_by_the_password(modules: Modules, host: Host) -> None:
    ran = modules.kms_provider(access_token="expired-token-of-yesterday")
    assert ran.failed
    assert "access_token" in ran.message
    assert host.login_attempts == 0
    assert "expired-token-of-yesterday" not in ran.output


@pytest.mark.parametrize(
    "token",
    [SAML, base64.b64encode(SAML.encode()).decode(), packed_saml(SAML)],
    ids=["xml", "base64", "gzip"],
)
def test_a_saml_token_is_exchanged(modules: Modules, host: Host, token: str) -> None:
    host.settings(saml_tokens=[SAML])
    assert not modules.kms_provider(saml_token=token, username=None, password=None).failed
    assert schemes(host) == ["sign", "bearer"]


def test_a_refused_login_is_tried_once(modules: Modules, host: Host) -> None:
    ran = modules.kms_provider(password="wrong-Password-1")
    assert ran.failed
    assert ran.result["failure"]["code"] == "unauthenticated"
    assert "not tried again" in ran.message
    assert host.login_attempts == 1
    assert "wrong-Password-1" not in ran.output


@pytest.mark.of_rest
@pytest.mark.parametrize("encoding", ["text", "mark", "cut", "html", "server error"])
def test_a_token_in_an_answer_that_is_none_is_not_printed(modules: Modules, host: Host, encoding: str) -> None:
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyb290In0.c2lnbmF0dXJl"

    bodies = {
        "text": token,
        "mark": ")]}'\n" + f'{{"access_token": "{token}"}}',
        "cut": f'{{"access_token": "{token}',
        "html": f"<html>{token}</html>",
        "server error": {
            "error_type": "ERROR",
            "messages": [{"id": "x", "default_message": f"no room for {token}", "args": []}],
        },
    }

    status = 500 if encoding == "server error" else 201
    host.queue(fault(kind="answer", operation=TOKEN, status=status, body=bodies[encoding], content_type="text/plain"))
    ran = modules.kms_provider(retries=0)

    assert ran.failed
    assert token not in ran.output
    assert host.login_attempts == 1


@pytest.mark.of_rest
def test_json_with_a_byte_order_mark_is_json(modules: Modules, host: Host) -> None:
    body = "\ufeff" + f'{{"access_token": "{host.create_token()}"}}'
    host.queue(fault(kind="answer", operation=TOKEN, status=201, body=body, content_type="application/json"))
    assert not modules.kms_provider().failed


@pytest.mark.parametrize("chains", ["PEM", ["PEM"], [["PEM"]], {"cert_chain": ["PEM"]}])
def test_options_of_a_wrong_form_are_named_and_print_no_secret(modules: Modules, host: Host, chains: Any) -> None:
    ran = modules.token_issuer(signing_cert_chains=chains)
    assert ran.failed
    assert "signing_cert_chains" in ran.message
    assert host.password not in ran.output


@pytest.mark.parametrize("option", ["key_id", "hostname"])
def test_a_secret_in_the_wrong_option_is_not_printed(modules: Modules, option: str) -> None:
    pasted = {"key_id": KEY, "hostname": "https://root:hunter22@esx01/"}
    options: dict[str, Any] = {option: pasted[option]}
    ran = modules.kms_provider(**options)

    assert ran.failed
    assert option in ran.message
    assert pasted[option] not in ran.output
    assert "hunter22" not in ran.output


@pytest.mark.of_rest
def test_a_lost_answer_to_a_login_is_tried_only_once_more(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="lose_answer", operation=TOKEN, times=None))
    ran = modules.kms_provider(password="wrong", retries=9)

    assert ran.failed
    assert host.login_attempts == 2


def test_a_lost_answer_to_a_login_is_survived(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="lose_answer", operation=TOKEN))
    assert not modules.kms_provider().failed


def test_an_expired_token_costs_one_login(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="expire_tokens", operation="*.providers.create"))
    ran = modules.kms_provider(provider="site-b")

    assert ran.changed
    assert host.login_attempts == 2
    assert sum(record.wrote for record in host.writes) == 1


def test_a_token_that_is_never_accepted_is_renewed_once(modules: Modules, host: Host) -> None:
    host.settings(bearer_on_services=False)
    ran = modules.kms_provider()

    assert ran.failed
    assert "auth_method basic" in ran.message
    assert host.login_attempts == 2


def test_lockdown_mode_is_named(modules: Modules, host: Host) -> None:
    host.settings(lockdown=True)
    ran = modules.kms_provider()

    assert ran.failed
    assert "lockdown" in ran.message
    assert "the vCenter shows in the host's Security Profile" in ran.message
    assert host.login_attempts == 1


def test_a_missing_token_service_says_what_to_do(modules: Modules, host: Host) -> None:
    host.settings(token_service=False)
    ran = modules.kms_provider()

    assert ran.failed
    assert "auth_method basic" in ran.message


def test_a_missing_session_service_says_what_to_do(modules: Modules, host: Host) -> None:
    ran = modules.kms_provider(auth_method="session")
    assert ran.failed
    assert "auth_method token or basic" in ran.message


def test_a_json_rpc_host_is_told_apart(modules: Modules, host: Host) -> None:
    host.settings(protocols="none")
    ran = modules.kms_provider()

    assert ran.failed
    assert "JSON-RPC" in ran.message
    assert "Traceback" not in ran.output


# Trust


def test_an_unknown_certificate_is_refused_before_the_login(modules: Modules, host: Host) -> None:
    ran = modules.kms_provider(ca_path=None)
    assert ran.result["failure"]["code"] == "untrusted"
    assert "ca_path" in ran.message
    assert "thumbprint" in ran.message
    assert host.journal == []


@pytest.mark.parametrize("form", ["colons", "bare", "lower", "named"])
def test_a_pinned_certificate_needs_no_ca(modules: Modules, host: Host, form: str) -> None:
    pin = host.fingerprint
    forms = {"colons": pin, "bare": pin.replace(":", ""), "lower": pin.lower(), "named": f"SHA256:{pin}"}
    assert not modules.kms_provider(ca_path=None, thumbprint=forms[form]).failed


@pytest.mark.parametrize("validate_certs", [True, False])
def test_another_certificate_than_the_pinned_one_is_refused(
    modules: Modules, host: Host, fleet: Fleet, validate_certs: bool
) -> None:
    stranger = next(other for other in fleet.hosts if other.address != host.address)
    ran = modules.kms_provider(thumbprint=stranger.fingerprint, validate_certs=validate_certs)

    assert ran.result["failure"]["code"] == "untrusted"
    assert host.fingerprint in ran.message
    assert host.journal == []


def test_without_validation_it_works_and_warns(modules: Modules) -> None:
    ran = modules.kms_provider(ca_path=None, validate_certs=False)
    assert not ran.failed
    assert "validate_certs" in ran.warnings


def test_a_certificate_of_another_name_is_refused(modules: Modules, host: Host) -> None:
    with Fleet(hosts=1) as other:
        other.hosts[0].renew_certificate(name="elsewhere.example.com")
        ran = modules.kms_provider(hostname=other.hosts[0].address, port=other.hosts[0].port, ca_path=other.ca_path)

        assert ran.result["failure"]["code"] == "untrusted"
        assert other.hosts[0].journal == []


def test_a_folder_of_cas_is_read(modules: Modules, fleet: Fleet, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text(Path(fleet.ca_path).read_text())
    # OpenSSL finds a certificate in a folder by a hash of its subject.
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(ca)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ca.rename(tmp_path / f"{done.stdout.strip()}.0")

    assert not modules.kms_provider(ca_path=str(tmp_path)).failed


def test_a_file_without_certificates_is_named(modules: Modules, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    ran = modules.kms_provider(ca_path=str(tmp_path / "ca.pem"))

    assert ran.failed
    assert "ca_path" in ran.message


# Environment


def test_the_environment_stands_in_for_options(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"hostname": "HOST", "username": "USER", "password": "PASSWORD", "port": "PORT", "ca_path": "CA_PATH"}
    for option, name in names.items():
        monkeypatch.setenv(f"VMWARE_{name}", str(modules.connection[option]))
    unset: dict[str, Any] = dict.fromkeys(names)

    assert not modules.kms_provider(**unset).failed


def test_an_option_beats_the_environment(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VMWARE_HOST", "elsewhere.invalid")
    monkeypatch.setenv("VMWARE_PASSWORD", "wrong")
    monkeypatch.setenv("VMWARE_VALIDATE_CERTS", "False")
    ran = modules.kms_provider(validate_certs=True)

    assert not ran.failed
    assert ran.warnings == ""


def test_the_built_in_credential_of_awx_works(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VMWARE_USER", modules.connection["username"])
    monkeypatch.setenv("VMWARE_PASSWORD", modules.connection["password"])
    monkeypatch.setenv("VMWARE_VALIDATE_CERTS", "False")
    ran = modules.kms_provider(username=None, password=None, ca_path=None)

    assert not ran.failed
    assert "validate_certs" in ran.warnings


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_variables_of_other_tools_do_not_change_whom_we_trust(
    modules: Modules, host: Host, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv(name, fleet.ca_path)
    assert modules.kms_provider(ca_path=None).result["failure"]["code"] == "untrusted"

    (tmp_path / "other.pem").write_text(chain(1)[0])
    monkeypatch.setenv(name, str(tmp_path / "other.pem"))

    assert not modules.kms_provider().failed
    assert not modules.kms_provider(ca_path=None, validate_certs=False).failed

    monkeypatch.delenv(name)

    assert not modules.kms_provider().failed


def test_netrc_does_not_change_the_login(
    modules: Modules, host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine {host.address} login intruder password stolen\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))

    assert not modules.kms_provider().failed
    assert schemes(host) == ["basic", "bearer"]
    assert host.failed_logins == 0


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_proxy_variables_do_not_change_the_way(modules: Modules, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert not modules.kms_provider().failed


def test_a_proxy_that_is_not_there_is_named(modules: Modules, host: Host) -> None:
    ran = modules.kms_provider(proxy_host="127.0.0.1", proxy_port=9, retries=0)
    assert ran.result["failure"]["code"] == "unreachable"
    assert "127.0.0.1:9" in ran.message
    assert host.connections.handshakes == 0


# What is not the API


def test_redirects_are_not_followed(modules: Modules, host: Host, fleet: Fleet) -> None:
    other = next(each for each in fleet.hosts if each.address != host.address)
    other.reset()
    host.queue(fault(kind="redirect", location=f"{other.url}/api/esx/authentication/token", status=307))
    ran = modules.kms_provider()

    assert ran.failed
    assert "redirect" in ran.message
    assert other.journal == []


@pytest.mark.parametrize(
    "ready",
    ["html", "truncated_json", "empty", "soap_fault", "jsonrpc_refusal", "unsupported_content_type", "huge"],
)
@pytest.mark.parametrize("operation", [TOKEN, GET])
def test_what_is_not_the_api_becomes_one_sentence(modules: Modules, host: Host, ready: str, operation: str) -> None:
    size = {"bytes": 20_000_000} if ready == "huge" else {}
    host.queue(fault(kind="answer", operation=operation, ready=ready, times=None, status=200, **size))
    ran = modules.kms_provider(retries=1)

    assert ran.failed
    assert host.address in ran.message
    assert len(ran.message) < 600
    assert "Traceback" not in ran.output
    assert host.writes == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_proxy_that_knows_no_host_is_asked_again(modules: Modules, host: Host, status: int) -> None:
    host.queue(fault(kind="status", operation=GET, ready="envoy_no_healthy_upstream", status=status, times=2))
    assert not modules.kms_provider().failed

    host.queue(fault(kind="status", operation=GET, ready="envoy_no_healthy_upstream", status=status, times=None))
    ran = modules.kms_provider(retries=1)

    assert ran.failed
    assert "no healthy upstream" in ran.message


def test_the_time_of_a_request_is_bounded_however_slowly_it_drips(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="drip", operation=GET, seconds=0.05, times=None))
    ran = modules.kms_provider(timeout=0.3, retries=0)

    assert ran.result["failure"]["code"] == "answer_lost"
    assert "timed out" in ran.message


def test_a_host_that_is_down_is_named(modules: Modules, host: Host) -> None:
    ran: Ran = modules.kms_provider(port=1, retries=1)
    assert ran.result["failure"]["code"] == "unreachable"
    assert f"{host.address}:1" in ran.message
    assert "Connection refused" in ran.message


@pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="this machine has no IPv6")
@pytest.mark.parametrize("spelling", ["::1", "[::1]", "0:0:0:0:0:0:0:1"])
def test_ipv6_addresses_work(modules: Modules, spelling: str) -> None:
    with Fleet(hosts=0, ipv6=True) as fleet:
        (only,) = fleet.hosts
        ran = modules.kms_provider(hostname=spelling, port=only.port, ca_path=fleet.ca_path, provider="six")

        assert ran.changed
        assert "six" in only.providers


# JSON-RPC: what the tests above look at in the requests and answers of REST.


@pytest.fixture
def over_jsonrpc(modules: Modules, host: Host) -> None:
    host.settings(protocols="jsonrpc")
    modules.connection["api_protocol"] = "jsonrpc"


@pytest.mark.of_rest
@pytest.mark.usefixtures("over_jsonrpc")
def test_a_lost_answer_to_a_login_over_json_rpc_is_tried_only_once_more(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="lose_answer", operation=TOKEN, times=None))
    ran = modules.kms_provider(password="wrong", retries=9)

    assert ran.failed
    assert host.login_attempts == 2


@pytest.mark.of_rest
@pytest.mark.usefixtures("over_jsonrpc")
@pytest.mark.parametrize("encoding", ["text", "cut", "html", "not a result", "server error"])
def test_a_token_in_an_answer_that_is_no_json_rpc_is_not_printed(modules: Modules, host: Host, encoding: str) -> None:
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyb290In0.c2lnbmF0dXJl"
    result = {"STRUCTURE": {"com.vmware.esx.authentication.token.info": {"access_token": {"SECRET": token}}}}
    error = {"code": -32603, "message": f"no room for {token}", "data": token}

    bodies = {
        "text": token,
        "cut": json.dumps({"jsonrpc": "2.0", "id": "1", "result": {"output": result}})[:-5],
        "html": f"<html>{token}</html>",
        "not a result": json.dumps({"jsonrpc": "2.0", "id": "1", "result": {"put": result}}),
        "server error": json.dumps({"jsonrpc": "2.0", "id": "1", "error": error}),
    }

    host.queue(
        fault(kind="answer", operation=TOKEN, status=200, body=bodies[encoding], content_type="application/json")
    )
    ran = modules.kms_provider(retries=0)

    assert ran.failed
    assert token not in ran.output
    assert host.login_attempts == 1
