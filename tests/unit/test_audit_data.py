# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of an audit: what passes, what does not, and in which order a person hears of it."""

from __future__ import annotations

import datetime
import json
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import Run
from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build
from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import check_version
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import moment
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import KINDS
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import PASSING
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import STATUSES
from support.audits import NOW
from support.audits import certificate
from support.audits import entry
from support.audits import failed
from support.audits import fleet
from support.audits import issuer
from support.audits import kinds
from support.audits import only_host
from support.audits import provider
from support.audits import resource
from support.examples import examples

OLD, NEW = certificate("old", 400), certificate("new", 800)
KEY = provider("site-a")


# What passes


def test_everything_as_declared() -> None:
    record = build([entry("a", resource("ok", KEY), resource("ok", issuer("vc"))), entry("b")], NOW)
    assert record["summary"]["as_declared"] is True
    assert record["summary"]["headline"] == "Everything is as declared on 2 hosts"
    assert record["attention"] == []
    assert record["summary"]["hosts"]["ok"] == record["summary"]["hosts"]["total"] == 2
    assert record["version"] == 2
    assert record["generated_at"] == NOW


@pytest.mark.parametrize(
    ("found", "passes"),
    [
        (resource("ok", KEY), True),
        (resource("undeclared", issuer("vc")), True),
        (resource("missing", None, KEY), False),
        (resource("differs", issuer("vc", OLD), issuer("vc", NEW)), False),
        (resource("extra", issuer("vc")), False),
        (resource("conflict", KEY, message="another key."), False),
        ({**resource("ok", KEY), "status": "a word from the future"}, False),
    ],
    ids=lambda value: value["status"] if isinstance(value, dict) else "",
)
def test_one_resource_decides(found: dict[str, Any], passes: bool) -> None:
    record = build([entry("a", resource("ok", issuer("other")), found)], NOW)
    assert record["summary"]["as_declared"] is passes
    assert any(item["deviation"] for item in record["attention"]) is not passes

    if not passes:
        assert record["summary"]["headline"] == "1 of 1 host needs attention"


@pytest.mark.parametrize(
    ("trust", "status", "message"),
    [
        (None, "not_examined", "There is no result. Audit this host again."),
        ({}, "not_examined", "There is no result. Audit this host again."),
        ("what?", "not_examined", "There is no result. Audit this host again."),
        ({"changed": False, "skipped": True, "skip_reason": "Conditional result was False"}, "not_examined", "Cond"),
        ({"censored": "the output has been hidden", "changed": False}, "not_examined", "the output has been hidden"),
        ({"changed": False, "msg": "something else"}, "not_examined", "something else"),
        ({"failed": True, "msg": "no failure given"}, "failed", "No failure given"),
        ({"failed": True}, "failed", "It failed and did not say why. Run it again with -vvv to see more."),
        ({"unreachable": True, "msg": "ssh said no", "changed": False}, "unreachable", "ssh said no"),
        (failed("unreachable", "esx01: no connection (refused)."), "unreachable", "No connection (refused)."),
        (failed("answer_lost", "esx01:8443: the answer was lost."), "unreachable", "The answer was lost."),
        (failed("untrusted", "10.0.0.7: its certificate is another one."), "failed", "Its certificate is another"),
        (failed("unauthenticated", "[2001:db8::7]:444: refused."), "failed", "Refused."),
        (failed("invalid_input", "token_issuers[0].issuer: is empty."), "failed", "token_issuers[0].issuer: is empty."),
        (failed("conflict", "esx01: another key."), "conflict", "Another key."),
    ],
)
def test_hosts_that_were_not_read(trust: Any, status: str, message: str) -> None:
    record = build([{"host": "esx01", "trust": trust}, entry("b", resource("ok", KEY))], NOW)
    (host, _other) = record["hosts"]

    assert host["status"] == status
    assert host["message"].startswith(message)
    assert record["summary"]["as_declared"] is False
    assert record["summary"]["hosts"][status] == 1
    assert kinds(record) == [status]
    assert record["attention"][0]["hosts"] == ["esx01"]


def test_the_code_and_the_hint_of_a_failure_are_kept() -> None:
    host = only_host(trust=failed("unreachable", "esx01: no connection.", "Is it up?"))
    assert (host["code"], host["hint"]) == ("unreachable", "Is it up?")


def test_an_audit_that_met_no_host_does_not_pass() -> None:
    record = build([], NOW)
    assert record["summary"]["as_declared"] is False
    assert record["summary"]["headline"] == "No host was examined"


def test_nothing_declared_is_not_called_as_declared() -> None:
    assert build([entry("a", resource("undeclared", issuer("vc")))], NOW)["summary"]["headline"] == (
        "Nothing is declared for 1 host"
    )


# What differs


def test_differences_of_certificates() -> None:
    host = only_host(
        trust=entry("x", resource("differs", issuer("vc", OLD, url="https://a"), issuer("vc", NEW, url="https://b")))[
            "trust"
        ]
    )
    shown = {
        name: {key: one[key] for key in ("sha256", "subject", "not_after")} for name, one in (("o", OLD), ("n", NEW))
    }
    assert host["resources"][0]["differences"] == [
        {"field": "issuer", "declared": "https://b", "found": "https://a"},
        {"field": "certificate", "declared": shown["n"], "found": None},
        {"field": "certificate", "declared": None, "found": shown["o"]},
    ]


def test_the_same_certificates_in_another_order_are_a_difference() -> None:
    def chained(*certificates: dict[str, Any]) -> dict[str, Any]:
        return issuer("vc", *({**one, "position": place} for place, one in enumerate(certificates)))

    host = only_host(trust=entry("x", resource("differs", chained(OLD, NEW), chained(NEW, OLD)))["trust"])
    (difference,) = host["resources"][0]["differences"]

    assert difference["field"] == "signing_cert_chains"
    assert difference["found"] == [[OLD["sha256"], NEW["sha256"]]]
    assert difference["declared"] == [[NEW["sha256"], OLD["sha256"]]]


def test_the_order_of_chains_is_no_difference() -> None:
    def chains(*certificates: dict[str, Any]) -> dict[str, Any]:
        return issuer("vc", *({**one, "chain": number} for number, one in enumerate(certificates)))

    host = only_host(trust=entry("x", resource("differs", chains(OLD, NEW), chains(NEW, OLD)))["trust"])
    assert host["resources"][0]["differences"] == []


def test_a_key_id_in_another_spelling_is_no_difference() -> None:
    loud = {**KEY, "key_id": f" {KEY['key_id'].upper().replace('-', '')}\n"}
    host = only_host(trust=entry("x", resource("conflict", loud, KEY, message="why"))["trust"])
    assert host["resources"][0]["differences"] == []


def test_entitlements_that_differ() -> None:
    def profile(*entitlements: str) -> dict[str, Any]:
        return {"local_user_name": "audit", "entitlements": list(entitlements)}

    before, after = profile("READ_ONLY", "OBSERVABILITY"), profile("IDENTITY_MGMT", "READ_ONLY")

    found = {
        **resource("differs", issuer("x")),
        "resource": "client_profile",
        "id": "local user audit",
        "before": before,
        "after": after,
    }

    record = build([entry("a", resource("ok", KEY), found)], NOW)

    assert record["hosts"][0]["resources"][1]["differences"] == [
        {"field": "entitlement", "declared": "IDENTITY_MGMT", "found": None},
        {"field": "entitlement", "declared": None, "found": "OBSERVABILITY"},
    ]

    (item,) = record["attention"]

    assert item["title"] == "Client profile local user audit differs on 1 host"
    assert "entitlement OBSERVABILITY is there and not declared" in item["details"][0]["text"]


def test_what_is_rightly_absent_is_told() -> None:
    gone = {**resource("ok", issuer("gone")), "before": {}, "after": {}}
    held, absent = only_host(trust=entry("x", resource("ok", KEY), gone)["trust"])["resources"]

    assert "absent" not in held
    assert (absent["status"], absent["absent"]) == ("ok", True)


def test_what_is_missing_shows_what_is_declared() -> None:
    host = only_host(trust=entry("x", resource("missing", None, KEY))["trust"])
    assert host["resources"][0]["differences"] == [{"field": "key_id", "declared": KEY["key_id"], "found": None}]


# Key providers


def test_keys_that_differ_between_hosts() -> None:
    other, loud = provider("site-a", "second"), {**KEY, "key_id": KEY["key_id"].upper()}
    same = provider("site-b")

    entries = [
        entry("a", resource("ok", KEY), resource("ok", same)),
        entry("b", resource("ok", loud), resource("ok", same)),
        entry("c", listed=[other, same, {"provider": "old", "type": None, "key_id": None}]),
    ]

    record = build(entries, NOW)

    assert record["key_disagreements"] == [
        {
            "provider": "site-a",
            "keys": [
                {"key_id": KEY["key_id"], "hosts": ["a", "b"]},
                {"key_id": other["key_id"], "hosts": ["c"]},
            ],
        }
    ]

    assert kinds(record)[0] == "key_disagreement"


def test_keys_that_are_only_declared_do_not_disagree() -> None:
    """A provider that is missing is not there with the declared key."""
    entries = [
        entry("a", resource("ok", provider("p", "second"))),
        entry("b", resource("missing", None, provider("p", "first"))),
    ]
    assert build(entries, NOW)["key_disagreements"] == []


def test_providers_that_nobody_declared_and_that_are_not_available() -> None:
    listed = [
        {**KEY, "available": False, "details": ["No key.", 7, None]},
        {**provider("left"), "available": True},
    ]
    record = build([entry("a", resource("ok", KEY), listed=listed)], NOW)
    declared, left = record["hosts"][0]["resources"]

    assert declared["available"] is False
    assert declared["details"] == ["No key.", "7"]
    assert (left["id"], left["status"]) == ("left", "undeclared")
    assert kinds(record) == ["unavailable", "undeclared"]
    assert record["summary"]["as_declared"] is True
    assert record["attention"][0]["details"][0]["text"] == "No key. 7"


def test_a_list_of_providers_that_could_not_be_read() -> None:
    good = entry("a", resource("ok", issuer("vc")))
    good["keys"] = failed("unauthorized", "a: may not list.", "Give it the privilege.")
    dead = {"host": "b", "trust": failed("unreachable", "b: no."), "keys": failed("unreachable", "b: no.")}
    record = build([good, dead], NOW)

    assert kinds(record) == ["unreachable", "keys_unread"]
    assert record["attention"][1]["hosts"] == ["a"]
    assert record["attention"][1]["details"][0]["text"] == "May not list. Give it the privilege."
    assert build([good], NOW)["summary"]["as_declared"] is True


def test_failures_from_which_a_playbook_took_the_mark() -> None:
    forgiven = {"failed": False, "failed_when_result": False}
    entries = [
        {"host": "a", "trust": {**failed("untrusted", "a: no."), **forgiven}},
        {**entry("b"), "keys": {**failed("unauthorized", "b: no."), **forgiven}},
    ]
    assert kinds(build(entries, NOW)) == ["failed", "keys_unread"]


# Order


def test_the_most_urgent_comes_first() -> None:
    ended = entry("esx9999", resource("ok", issuer("ended", certificate("ended", -3))))
    record = build([*fleet(90, 90), ended], NOW)

    assert set(kinds(record)) == set(KINDS) - {"keys_unread"}
    assert kinds(record) == sorted(kinds(record), key=KINDS.index)
    assert kinds(record)[0] == "expired"
    assert record["summary"]["headline"] == "70 of 91 hosts need attention"


def test_unreachable_hosts_are_grouped_by_the_reason() -> None:
    entries = [
        {"host": f"esx{number}", "trust": failed("unreachable", f"esx{number}:8443: no connection ({why}).")}
        for number, why in enumerate(("refused", "timed out", "timed out"))
    ]
    (item,) = build(entries, NOW)["attention"]

    assert item["title"] == "3 hosts could not be reached"
    assert [(one["text"], one["hosts"]) for one in item["details"]] == [
        ("No connection (timed out).", ["esx1", "esx2"]),
        ("No connection (refused).", ["esx0"]),
    ]


def test_what_differs_is_grouped_by_resource_and_by_the_difference() -> None:
    new = issuer("vc", NEW)
    third = certificate("third", 300)
    entries = [
        entry(name, resource("differs", issuer("vc", held), new)) for name, held in zip("abc", (OLD, third, third))
    ]
    record = build(entries, NOW)
    (item,) = record["attention"]

    assert (item["title"], item["hosts"]) == ("Token issuer vc differs on 3 hosts", ["b", "c", "a"])
    assert [one["hosts"] for one in item["details"]] == [["b", "c"], ["a"]]
    assert "CN=third" in item["details"][0]["text"]


def test_hosts_with_the_same_words_and_another_difference_stay_apart() -> None:
    """A certificate may be replaced by one with the same subject and the same end."""
    new = issuer("vc", NEW)
    twin = {**OLD, "sha256": "f" * 64}
    record = build(
        [entry(name, resource("differs", issuer("vc", held), new)) for name, held in (("a", OLD), ("b", twin))], NOW
    )
    first, second = record["attention"][0]["details"]

    assert (first["hosts"], second["hosts"]) == (["a"], ["b"])
    assert first["text"] == second["text"]


# The run, and what changed


def test_what_is_known_of_the_run() -> None:
    run = Run("2026-11-22T02:58:00Z", "ops", ["hosts.yml", "lab.yml"], "lab", "1.0.0", "2.19.4")

    assert build([], NOW, run)["run"] == {
        "started_at": "2026-11-22T02:58:00Z",
        "seconds": 120,
        "user": "ops",
        "inventory": ["hosts.yml", "lab.yml"],
        "esx_hosts": "lab",
        "collection_version": "1.0.0",
        "core_version": "2.19.4",
    }

    unknown = build([], NOW)["run"]

    assert (unknown["seconds"], unknown["started_at"], unknown["inventory"]) == (None, None, [])
    assert build([], NOW, Run(inventory="hosts.yml"))["run"]["inventory"] == ["hosts.yml"]


def test_what_changed_since_the_audit_before() -> None:
    missing = resource("missing", None, KEY)
    before = [entry("a"), entry("b", missing), entry("c", missing), entry("d"), entry("gone")]
    now = [entry("a", missing), entry("b"), entry("c", resource("extra", KEY)), entry("d"), entry("new")]
    changes = build(now, NOW, previous=build(before, "2026-11-21T03:00:00Z"))["changes"]

    assert changes == {
        "since": "2026-11-21T03:00:00Z",
        "repaired": ["b"],
        "deviating": ["a"],
        "other_status": ["c"],
        "added": ["new"],
        "not_examined_again": ["gone"],
    }


@pytest.mark.parametrize(
    "previous", [None, "x", 7, [], {}, {"generated_at": "soon"}, {"generated_at": 7, "hosts": [{"host": "a"}]}]
)
def test_an_earlier_record_that_is_none(previous: Any) -> None:
    assert build([entry("a")], NOW, previous=previous)["changes"] is None


def test_an_earlier_record_of_the_older_version_is_read() -> None:
    older = {"version": 1, "generated_at": "2026-11-21T03:00:00Z", "hosts": [{"host": "a", "status": "missing"}, 7]}
    assert build([entry("a")], NOW, previous=older)["changes"]["repaired"] == ["a"]


def test_a_host_has_the_warnings_of_its_modules() -> None:
    one = entry("a")
    one["trust"]["warnings"] = ["both", "trust"]
    one["keys"]["warnings"] = ["both", "keys"]
    (host,) = build([one], NOW)["hosts"]

    assert host["warnings"] == ["both", "trust", "keys"]


# Whatever comes


def test_only_what_the_report_tells_is_taken_from_a_result() -> None:
    """Results hold the options too, and whatever a later version may add."""
    secret = "V3ry-Secret"
    one = entry("a", resource("differs", {**KEY, "key_derivation_key": secret}, {**KEY, "key_id": "other"}))

    for result in (one["trust"], one["keys"]):
        result["invocation"] = {"module_args": {"password": secret}}
        result["diff"] = {"before": secret, "after": secret}

    one["keys"]["kms_providers"].append({**provider("left"), "available": False, "key": secret})

    assert secret not in json.dumps(build([one], NOW))


@pytest.mark.parametrize("entries", [[{}], [{"host": ""}], ["esx01"], [None]])
def test_an_entry_without_a_host_is_refused(entries: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"^entries: "):
        build(entries, NOW)


@pytest.mark.parametrize("when", ["", "yesterday", None, 7, "2026-13-01T00:00:00Z"])
def test_a_moment_that_is_none_is_refused(when: Any) -> None:
    with pytest.raises(ValueError, match=r"^generated_at: "):
        build([], when)


@pytest.mark.parametrize(
    "when",
    [
        "2026-11-22T03:00:00Z",
        "2026-11-22T03:00:00",
        "2026-11-22 04:00:00+01:00",
        "2026-11-22T03:00:00.25+00:00",
        datetime.datetime(2026, 11, 22, 3),  # noqa: DTZ001 - a moment without a zone
    ],
)
def test_moments(when: Any) -> None:
    assert build([], when)["generated_at"] == NOW


def test_moments_at_the_ends_of_time() -> None:
    assert moment("9999-12-31T23:59:59-12:00") is None
    assert moment("0001-01-01T00:00:00+12:00") is None


@pytest.mark.parametrize("data", [None, {}, [], "x", {"version": 1}, {"version": 3}, {"version": "2"}])
def test_what_is_no_record_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match="audit_data"):
        check_version(data)


class Tagged(str):
    """What newer cores make of strings: more than a string, and it looks like one."""

    __slots__ = ()

    def __str__(self) -> str:
        return "not this"


def test_texts_are_plain() -> None:
    assert not isinstance(text(Tagged("x")), Tagged)
    assert text(Tagged("x")) == "x"
    assert text("a\r\nb\tc\0\x1b[31m\u202e\ud800") == "a b c\ufffd\ufffd[31m\ufffd\ufffd"
    assert text(None) == text(True) == text(["x"]) == ""
    assert text(7) == "7"
    assert len(text("x" * 5000)) == 1001


@given(st.text(st.characters()))
def test_every_text_fits_into_xml_and_a_file(said: str) -> None:
    plain = text(said)
    plain.encode()
    element = ElementTree.Element("a", name=plain)
    element.text = plain
    again = ElementTree.fromstring(ElementTree.tostring(element))

    assert again.get("name") == (again.text or "") == plain


FIELDS = (
    *("resources", "resource", "id", "status", "message", "before", "after", "certificates", "sha256", "chain"),
    *("position", "subject", "not_after", "failed", "failure", "code", "hint", "msg", "skipped", "unreachable"),
    *("kms_providers", "provider", "key_id", "available", "details"),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=examples(300))
@given(st.lists(st.fixed_dictionaries({"host": st.sampled_from("abc"), "trust": anything, "keys": anything})))
def test_results_of_any_form_become_a_record(entries: list[dict[str, Any]]) -> None:
    record = build(entries, NOW)
    json.dumps(record, allow_nan=False).encode()

    assert len(record["hosts"]) == len(entries)
    assert all(host["status"] in STATUSES for host in record["hosts"])

    bad = [host for host in record["hosts"] if host["status"] not in PASSING]

    assert record["summary"]["as_declared"] is (bool(entries) and not bad)

    named = {name for item in record["attention"] if item["deviation"] for name in item["hosts"]}

    assert {host["host"] for host in bad} == named


@given(st.integers(1, 60), st.integers(0, 60))
def test_counts_agree(size: int, wrong: int) -> None:
    entries = fleet(size, min(size, wrong))
    record = build(entries, NOW)
    counts = record["summary"]["hosts"]

    assert counts.pop("total") == size == sum(counts.values())

    for status, number in counts.items():
        assert number == sum(host["status"] == status for host in record["hosts"])
    resources = record["summary"]["resources"]

    assert resources.pop("total") == sum(resources.values()) == sum(len(host["resources"]) for host in record["hosts"])

    given_to = [len((each.get("trust") or {}).get("resources", [])) for each in entries]

    assert sum(given_to) == sum(len(host["resources"]) for host in record["hosts"])
