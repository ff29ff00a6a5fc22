"""What the head of a request says: the type to answer with, the language, the trace."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.graphql.head import GRAPHQL, JSON, is_json, language_of, media_type_of, read_head, trace_id_of
from domain.kernel.words import Language


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, JSON),
        (b"*/*", JSON),
        (b"application/*", JSON),
        (b"application/json", JSON),
        (b"application/graphql-response+json", GRAPHQL),
        (b"application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", GRAPHQL),
        (b"application/json, application/graphql-response+json", JSON),
        (b"application/graphql-response+json;q=0.5, application/json", JSON),
        (b"application/json;q=0, */*", GRAPHQL),
        (b"application/json;q=0.1, */*;q=0.9", GRAPHQL),
        (b"text/html, */*;q=0.1", JSON),
        (b"APPLICATION/JSON", JSON),
        (b"text/html", None),
        (b"application/json;q=0", None),
        (b"application/json;charset=latin1", None),
        (b"application/json;q=high", None),
        (b"", None),
        (b"text/html," * 100 + b"application/json", JSON),
    ],
)
def test_the_best_acceptable_type_is_answered(accept: bytes | None, answered: bytes | None) -> None:
    assert media_type_of(accept) == answered


@pytest.mark.parametrize(
    ("content_type", "taken"),
    [
        (b"application/json", True),
        (b"application/json; charset=utf-8", True),
        (b'Application/JSON;Charset="UTF-8"', True),
        (b"application/json; charset=gbk", False),
        (b"application/json; boundary=x", False),
        (b"application/json, application/json", False),
        (b"application/jsonp", False),
        (b"text/plain", False),
        (b"multipart/form-data; boundary=x", False),
        (b"application/x-www-form-urlencoded", False),
        (b"", False),
        (None, False),
    ],
)
def test_only_json_in_utf_8_is_taken(content_type: bytes | None, taken: bool) -> None:
    assert is_json(content_type) is taken


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, Language.ZH),
        (b"", Language.ZH),
        (b"en", Language.EN),
        (b"en-GB,en;q=0.9", Language.EN),
        (b"zh-CN,zh;q=0.9,en;q=0.8", Language.ZH),
        (b"en;q=0.2, zh;q=0.1", Language.EN),
        (b"en, zh", Language.EN),
        (b"zh, en", Language.ZH),
        (b"fr, en;q=0.5", Language.EN),
        (b"fr", Language.ZH),
        (b"*", Language.ZH),
        (b"en;q=0", Language.ZH),
        (b"fr," * 200 + b"en", Language.EN),
    ],
)
def test_chinese_is_spoken_unless_english_is_wanted_more(header: bytes | None, language: Language) -> None:
    assert language_of(header) is language


TRACE = b"0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize("more", [b"00-%b-b7ad6b7169203331-01", b"01-%b-b7ad6b7169203331-01-what.comes.later"])
def test_a_valid_traceparent_is_followed(more: bytes) -> None:
    assert trace_id_of(more % TRACE) == TRACE.decode()


@pytest.mark.parametrize(
    "forged",
    [
        b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01",
        b"00-" + TRACE + b"-0000000000000000-01",
        b"ff-" + TRACE + b"-b7ad6b7169203331-01",
        b"00-" + TRACE.upper() + b"-b7ad6b7169203331-01",
        b"00-" + TRACE + b"-b7ad6b7169203331-01-more",
        b"00-" + TRACE + b"-b7ad6b7169203331-01, 00-" + TRACE + b"-b7ad6b7169203331-01",
        b"<script>",
        b"",
        None,
    ],
)
def test_any_other_traceparent_gets_a_new_trace(forged: bytes | None) -> None:
    trace_id = trace_id_of(forged)

    assert re.fullmatch("[0-9a-f]{32}", trace_id)
    assert trace_id != TRACE.decode()
    assert trace_id != trace_id_of(forged)


def test_a_header_sent_twice_is_one_joined_header() -> None:
    pairs = [(b"authorization", b"Bearer a"), (b"x", b"1"), (b"authorization", b"Bearer b")]

    head = read_head({"method": "POST", "path": "/graphql", "headers": pairs, "client": ("10.0.0.1", 1)})

    assert head.headers == {b"authorization": b"Bearer a, Bearer b", b"x": b"1"}
    assert (head.path, head.client) == (b"/graphql", "10.0.0.1")


@given(st.binary(max_size=600))
def test_no_bytes_in_a_header_break_the_reading_of_it(value: bytes) -> None:
    assert media_type_of(value) in (JSON, GRAPHQL, None)
    assert language_of(value) in Language
    assert is_json(value) in (True, False)
    assert len(trace_id_of(value)) == 32
