"""The small parts of the client: addresses, pages, pauses, records, tokens, coverage."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.errors import UsageError
from scanner.http.failure import ApiError, Reason, one_line, quote
from scanner.http.origin import base_url, region_base
from scanner.http.paging import Pager
from scanner.http.retry import RetryPolicy, retry_after
from scanner.inventory.ledger import Ledger
from scanner.inventory.records import fault
from scanner.model.coverage import CoverageState
from scanner.model.token import Token
from tests.simulator import CANARY


class TestBaseUrl:
    @pytest.mark.parametrize(
        ("given_url", "base"),
        [
            ("https://sentry.io", "https://sentry.io"),
            ("https://sentry.io/", "https://sentry.io"),
            (" https://Sentry.IO/api/0/ ", "https://sentry.io"),
            ("https://tools.example.com/sentry/", "https://tools.example.com/sentry"),
            ("https://sentry.example.com:8443", "https://sentry.example.com:8443"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("http://localhost:9000/", "http://localhost:9000"),
            ("http://[::1]:9000", "http://[::1]:9000"),
        ],
    )
    def test_one_form(self, given_url: str, base: str) -> None:
        assert base_url(given_url) == base

    @pytest.mark.parametrize(
        "url",
        [
            "sentry.io",
            "ftp://sentry.io",
            "https://",
            "",
            "https://user:pass@sentry.io",
            "https://sentry.io/?token=x",
            "https://sentry.io/#x",
            "https://sentry.io:99999",
            "https://sentry.io:0",
            "https://256.1.1.1",
            "https://[::1",
            "https://sen try.io",
            "https://sentry.io\n.evil.example",
            "file:///etc/passwd",
        ],
    )
    def test_anything_else_is_refused(self, url: str) -> None:
        with pytest.raises(UsageError):
            base_url(url)

    @pytest.mark.parametrize(
        "url",
        [
            "http://sentry.example.com",
            "http://10.0.0.1",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://0.0.0.0",
        ],
    )
    def test_plain_http_is_for_this_machine(self, url: str) -> None:
        with pytest.raises(UsageError, match="in clear"):
            base_url(url)
        assert base_url(url, insecure_http=True) == url


class TestRegion:
    @pytest.mark.parametrize(
        ("base", "region", "used"),
        [
            ("https://sentry.io", "https://us.sentry.io", True),
            ("https://sentry.io", "https://de.sentry.io/", True),
            ("https://acme.sentry.io", "https://de.sentry.io", True),
            ("https://sentry.example.com", "https://eu.sentry.example.com", True),
            ("https://sentry.io", "https://sentry.io", True),
            ("https://sentry.io", "https://sentry.io.evil.example", False),
            ("https://sentry.io", "https://evilsentry.io", False),
            ("https://sentry.io", "http://us.sentry.io", False),
            ("https://sentry.io", "https://us.sentry.io:8443", False),
            ("https://sentry.io", "https://user@us.sentry.io", False),
            ("https://sentry.io", "https://us.sentry.io/path", False),
            ("https://sentry.io", "https://us.sentry.io:port", False),
            ("https://sentry.example.com", "https://other.example.com", False),
            ("https://sentry.example.com", "http://sentry-internal:9000", False),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9001", False),
            ("https://sentry.io", "", False),
            ("https://sentry.io", None, False),
        ],
    )
    def test_only_relatives_are_trusted(self, base: str, region: str | None, used: bool) -> None:  # noqa: FBT001 - a parameter of the test
        assert region_base(base, region) == ((region or "").rstrip("/") if used else base)


def _links(cursor: str, results: str = "true") -> dict[str, dict[str, str]]:
    return {"previous": {}, "next": {"results": results, "cursor": cursor}}


def step(pager: Pager, links: dict[str, dict[str, str]], rows: int, fresh: int) -> str | None:
    cursor = pager.following(links, rows)
    pager.found(fresh)
    return cursor


class TestPager:
    def test_it_goes_on_while_there_are_results(self) -> None:
        pager = Pager("x")
        assert step(pager, _links("100:0:0"), 100, 100) == "100:0:0"
        assert step(pager, _links("3:1:0", "false"), 40, 40) is None

    def test_no_link_header_on_a_short_page_is_the_end(self) -> None:
        assert step(Pager("x"), {}, 99, 99) is None

    @pytest.mark.parametrize("rows", [10, 50])
    def test_no_link_header_on_a_page_of_the_servers_own_size_is_suspicious(
        self, rows: int
    ) -> None:
        with pytest.raises(ApiError, match="without a Link header"):
            Pager("x").following({}, rows, (10, 50))
        assert Pager("x").following({}, rows - 1, (10, 50)) is None

    def test_no_link_header_on_a_full_page_is_suspicious(self) -> None:
        with pytest.raises(ApiError, match="without a Link header"):
            step(Pager("x"), {}, 100, 100)

    @pytest.mark.parametrize("rows", [3, 100])
    @pytest.mark.parametrize(
        "links",
        [
            {"previous": {"results": "true", "cursor": "0:0:1"}},
            {"Next": {"results": "true", "cursor": "100:0:0"}},
            {"https://sentry.io/x": {"url": "https://sentry.io/x"}},
            {"next": {"cursor": "100:0:0"}},
            *(_links("100:0:0", word) for word in ("TRUE", "True", "yes", "1", "", "False", "no")),
        ],
    )
    def test_a_link_header_of_another_form_is_no_end(
        self, links: dict[str, dict[str, str]], rows: int
    ) -> None:
        with pytest.raises(ApiError, match="whether another page follows") as error:
            step(Pager("x"), links, rows, rows)
        assert error.value.reason is Reason.GARBLED

    def test_a_cursor_that_comes_twice_is_refused(self) -> None:
        pager = Pager("x")
        step(pager, _links("a"), 1, 1)
        step(pager, _links("b"), 1, 1)
        with pytest.raises(ApiError) as error:
            step(pager, _links("a"), 1, 1)
        assert error.value.reason is Reason.LOOP

    def test_a_few_pages_without_anything_new_are_fine(self) -> None:
        pager = Pager("x")
        for number in range(49):
            step(pager, _links(str(number)), 0, 0)
        step(pager, _links("full"), 1, 1)
        step(pager, _links("empty"), 0, 0)

    def test_cursors_that_never_end_are_refused(self) -> None:
        pager = Pager("x")
        for number in range(50):
            step(pager, _links(str(number)), 5, 0)
        with pytest.raises(ApiError) as error:
            step(pager, _links("50"), 5, 0)
        assert error.value.reason is Reason.LOOP

    @pytest.mark.parametrize("cursor", ["", "a\nb", "x" * 2000])
    def test_a_cursor_that_cannot_be_one_is_refused(self, cursor: str) -> None:
        with pytest.raises(ApiError, match="no usable cursor"):
            step(Pager("x"), _links(cursor), 1, 1)


class TestRetry:
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("5", 5.0),
            (" 0 ", 0.0),
            ("Mon, 01 Jun 2026 12:00:10 GMT", 10.0),
            ("Mon, 01 Jun 2026 11:00:00 GMT", 0.0),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
            ("", None),
            ("²", None),
            (None, None),
        ],
    )
    def test_retry_after(self, value: str | None, seconds: float | None) -> None:
        now = datetime(2026, 6, 1, 12, tzinfo=UTC)
        assert retry_after(value, now=now) == seconds

    @given(st.integers(min_value=1, max_value=1000))
    def test_waits_are_bounded(self, failures: int) -> None:
        policy = RetryPolicy(first_wait=0.5, longest_wait=8.0)
        wait = policy.wait(failures)
        assert 0.25 <= wait <= 8.0
        assert wait <= 0.5 * 2.0 ** min(failures - 1, 10)


class TestRecords:
    def test_a_right_record_has_no_fault(self) -> None:
        record = {"id": "a", "isActive": True, "rateLimit": None, "dateCreated": None, "new": [1]}
        assert fault("sentry_key", record) is None

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"id": None}, "id is missing"),
            ({"id": ""}, "id is empty"),
            ({"id": 5}, "id is a whole number"),
            ({"isActive": "yes"}, "isActive is text"),
            ({"isActive": 1}, "isActive is a whole number"),
            ({"name": ["x"]}, "name is a list"),
            ({"rateLimit": [1]}, "rateLimit is a list"),
            ({"rateLimit": {"window": 1.5}}, "rateLimit.window is a fraction"),
            ({"rateLimit": {"count": 2**63}}, "rateLimit.count is a number beyond 64 bits"),
            ({"rateLimit": {"count": True}}, "rateLimit.count is a boolean"),
            ({"dateCreated": "yesterday"}, "dateCreated is not a date and time"),
            ({"dateCreated": "2026-13-01T00:00:00Z"}, "dateCreated is not a date and time"),
            ({"dateCreated": "20260101T000000Z"}, "dateCreated is not a date and time"),
        ],
    )
    def test_a_wrong_type_is_told_by_field(self, change: dict[str, Any], told: str) -> None:
        assert fault("sentry_key", {"id": "a"} | change) == told

    @pytest.mark.parametrize("record", [None, 5, "x", [], True])
    def test_what_is_no_object_is_no_record(self, record: object) -> None:
        assert fault("sentry_key", record) is not None


class TestToken:
    def test_nothing_shows_it(self) -> None:
        token = Token(f" sntryu_{CANARY}\n")
        shown = f"{token} {token!r} {token!s:>20} {[token]} %s" % token
        assert CANARY not in shown
        assert "[redacted]" in shown
        assert token.reveal() == f"sntryu_{CANARY}"

    def test_it_is_neither_copied_nor_written(self) -> None:
        token = Token("x" * 20)
        for spread in (pickle.dumps, copy.copy, copy.deepcopy, msgspec.json.encode):
            with pytest.raises(TypeError):
                spread(token)

    @pytest.mark.parametrize("value", ["", "  ", "a b", "a\nb", "tökén", "a\x00"])
    def test_what_no_header_can_carry(self, value: str) -> None:
        assert not Token(value).sendable
        assert Token("abc").sendable


class TestLedger:
    def test_without_gaps_a_table_is_complete(self) -> None:
        ledger = Ledger()
        ledger.note("t", "Only active ones.")
        assert ledger.coverage("t").state is CoverageState.COMPLETE
        assert ledger.coverage("t").reason == "Only active ones."

    def test_denied_is_only_what_was_denied_all_over(self) -> None:
        denied = ApiError(Reason.FORBIDDEN, "no")
        ledger = Ledger()
        ledger.failed(["t"], denied, project="a")
        ledger.failed(["t"], denied, project="b")
        assert ledger.coverage("t").state is CoverageState.DENIED
        ledger.saw("t")
        assert ledger.coverage("t").state is CoverageState.PARTIAL

    def test_a_failure_among_denials_is_partial(self) -> None:
        ledger = Ledger()
        ledger.failed(["t"], ApiError(Reason.FORBIDDEN, "no"), project="a")
        ledger.failed(["t"], ApiError(Reason.SERVER, "down"), project="b")
        assert ledger.coverage("t").state is CoverageState.PARTIAL

    def test_the_order_of_events_does_not_show(self) -> None:
        one, other = Ledger(), Ledger()
        events = [("b", "x"), ("a", "y"), ("a", "x")]
        for ledger, order in ((one, events), (other, events[::-1])):
            for project, message in order:
                ledger.failed(["t"], ApiError(Reason.SERVER, message), project=project)
        assert one.coverage("t") == other.coverage("t")

    def test_many_reasons_are_summed_up(self) -> None:
        ledger = Ledger()
        for number in range(9):
            ledger.failed(["t"], ApiError(Reason.SERVER, f"reason {number}"))
        assert "And 6 more reasons." in ledger.coverage("t").reason
        assert len(ledger.coverage("t").gaps) == 9


class TestQuote:
    def test_what_a_server_says_is_made_harmless(self) -> None:
        token = Token("0123456789abcdef0123456789abcdef")
        said = f"bad\x1b[31m\n{token.reveal()} Bearer abcdefghijklmnop " + "x" * 500
        quoted = quote(said, token)
        assert token.reveal() not in quoted
        assert "abcdefghijklmnop" not in quoted
        assert quoted.isprintable()
        assert len(quoted) < 210

    @given(st.text())
    def test_one_line_is_one_line(self, text: str) -> None:
        assert one_line(text).isprintable()
