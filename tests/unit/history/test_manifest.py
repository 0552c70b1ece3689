"""The manifest: what is read is what was written, and what was edited or is newer is told."""

import json
from typing import Any

import jsonschema
import msgspec
import pytest

from scanner.base.resources import schema_path
from scanner.history.manifest import (
    DamageError,
    PreviousRun,
    RanPolicy,
    RunPart,
    decode,
    encode,
    folder_name,
    manifest_schema,
)
from scanner.model.history import RunName
from scanner.model.inventory import KeptInput, KeptInventory, Layout
from tests.unit.history.factory import DAY, manifest

RAW = encode(manifest())


def test_it_is_read_as_it_was_written() -> None:
    before = PreviousRun(RunName("a", "b", DAY), "c")
    made = manifest(previous=before)
    assert decode(encode(made), "here") == made
    assert encode(decode(RAW, "here")) == RAW
    assert folder_name(made) == "20260601T000000Z-0a1b2c3d-100000000000"


@pytest.mark.parametrize("cut", [0, 1, 40, len(RAW) - 3])
def test_a_cut_one_is_told(cut: int) -> None:
    with pytest.raises(DamageError, match="cut off") as told:
        decode(RAW[:cut], "here")
    assert told.value.code == "cut"
    assert told.value.where == "here"


def test_every_changed_byte_is_told() -> None:
    for place in range(0, len(RAW) - 2, 7):
        changed = bytearray(RAW)
        changed[place] ^= 1
        with pytest.raises(DamageError):
            decode(bytes(changed), "here")


def test_what_is_sealed_and_yet_no_manifest_is_told() -> None:
    body = json.dumps({"format": "keypolicy-run", "version": 1, "tool": 7}).encode()
    with pytest.raises(DamageError, match="was edited"):
        decode(body, "here")


def test_a_newer_format_is_told_apart() -> None:
    newer = encode(msgspec.structs.replace(manifest(), version=2))
    with pytest.raises(DamageError, match="is of format version 2") as told:
        decode(newer, "here")
    assert told.value.code == "newer-format"
    with pytest.raises(DamageError, match="is without a format version"):
        decode(encode(manifest()).replace(b'"version":1,', b"", 1), "here")


def test_the_shipped_schema_is_the_one_of_the_code() -> None:
    schema = schema_path("history-run").read_text("utf-8")
    assert schema == manifest_schema(), "run: make schemas"
    jsonschema.validate(json.loads(RAW), json.loads(schema))


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", "a//b", "./a", ""])
def test_a_part_that_leads_out_of_the_run_is_refused(name: str) -> None:
    raw = encode(manifest(parts={name: RunPart("0" * 64, 1)}))
    with pytest.raises(DamageError, match="would lie outside of the run"):
        decode(raw, "here")


_INPUT = KeptInput(
    name="x",
    layout=Layout.API_ARRAY,
    label="x",
    kind=None,
    organization=None,
    project=None,
    server=None,
)


@pytest.mark.parametrize(
    "named",
    [
        {"policies": [RanPolicy("mine", "1.0.0", "d", "t", ("x",))]},
        {"waivers": "x"},
        {"baseline": "x"},
        {"owners": "x"},
        {"inventory": KeptInventory(inputs=(_INPUT,), sources=(), coverage={}, live=False)},
    ],
)
def test_a_file_that_is_no_part_is_refused(named: dict[str, Any]) -> None:
    parts = {"x": RunPart("0" * 64, 1)}
    assert decode(encode(manifest(**named, parts=parts)), "here").parts == parts
    with pytest.raises(DamageError, match="it names 'x', which is no part of the run"):
        decode(encode(manifest(**named)), "here")
