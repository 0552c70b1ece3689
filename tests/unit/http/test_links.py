"""Link headers as servers and proxies write them: what they tell of the next page."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.http.failure import ApiError, Reason
from scanner.http.paging import advertised, links_by_rel

GLITCHTIP = (
    '<https://g.example.com/api/0/x/?cursor=cD0yMDI%3D>; rel="next"; results="true";'
    ' cursor="{}", <https://g.example.com/api/0/x/>; rel="previous"; results="false"'
)


@pytest.mark.parametrize(
    ("header", "cursor"),
    [
        ('<u>; rel="previous"; results="false", <u>; rel="next"; results="false"', None),
        ('<u>;rel="next";results="true";cursor="1:0:0"', "1:0:0"),
        ("<u>; rel=next; results=true; cursor=cD0yMDI=", "cD0yMDI="),
        ('<u?a=1, b>; REL="next"; Results="true"; cursor="1:0:0"', "1:0:0"),
        ('<u>; cursor="a,b;c=d"; results="true"; rel="next"', "a,b;c=d"),
        ('<u?x=";,>; rel="next"; results="true"; cursor="1:0:0"', "1:0:0"),
        ('</a.css>; rel=preload; as=style, <u>; rel="next"; results="true"; cursor="c"', "c"),
        ('<u>; rel=next; results=true; cursor=c, <u>; rel="next"; results="true"; cursor="c"', "c"),
        (None, None),
        ("", None),
        (" , ", None),
    ],
)
def test_the_next_page(header: str | None, cursor: str | None) -> None:
    assert advertised(links_by_rel(header), "x") == cursor


@pytest.mark.parametrize("length", range(1, 9))
def test_cursors_in_base64_keep_their_ends(length: int) -> None:
    cursor = base64.b64encode(b"p" * length).decode()
    assert advertised(links_by_rel(GLITCHTIP.format(cursor)), "x") == cursor


@pytest.mark.parametrize(
    "header",
    [
        '<u>; rel="next"; results="true"; cursor="c", <u>; rel="next"; results="false"; cursor="c"',
        '<u>; rel="next"; results="false"; cursor="c", <u>; rel="next"; results="true"; cursor="c"',
        '<u>; rel="next"; results="true"; cursor="c", <u>; rel="next"; results="true"; cursor="d"',
        '<u>; rel="next"; results="true"; cursor="10',
        '<u; rel="next"; results="true"; cursor="10:0:0"',
        "</a.css>; rel=preload; as=style",
        '<u>; rel="nextpage"; results="true"; cursor="c"',
        "nothing of the kind",
        "<u>",
    ],
)
def test_what_contradicts_itself_or_is_cut_is_no_end(header: str) -> None:
    with pytest.raises(ApiError) as error:
        advertised(links_by_rel(header), "x")
    assert error.value.reason is Reason.GARBLED


@given(st.text(alphabet='<>";,= rel=next/', max_size=80))
def test_any_header_can_be_read(header: str) -> None:
    links_by_rel(header)


@pytest.mark.parametrize("piece", ["<", '"', " ", ";", ",", "=", "a=", "a ", "<>;"])
def test_a_long_header_takes_no_longer_than_it_is_long(piece: str) -> None:
    # By the square of its length, it would take longer than any test may.
    assert links_by_rel(piece * 500_000) == links_by_rel(piece * 4)
