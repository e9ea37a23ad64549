"""Entries take values of their types alone, and a mistake is one line: where, what was found, what was expected."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError, model_validator

from embquant.entries import Entry, Number, describe, nearest, read_entry, read_kind
from embquant.errors import InputError
from embquant.registry import Registry


class Inner(Entry):
    size: int
    name: str | None = None


class Example(Entry):
    share: Number = Field(1.0, gt=0, le=100)
    bits: int = Field(1, ge=1, le=8)
    level: Literal["low", "high"] = "low"
    training: Literal["all"] | Annotated[int, Field(ge=1)] = "all"
    most: int | None = Field(None, ge=1)
    names: dict[str, str | None] = Field({})
    counts: list[Annotated[int, Field(ge=1)]] = Field([1], min_length=1)
    inner: Inner | None = None
    inners: dict[str, Inner] = Field({})

    @model_validator(mode="after")
    def _check(self):
        if self.bits == 7:
            raise ValueError("bits is 7, which nobody has")
        return self


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"share": True}, "share is True, expected a number (more than 0, at most 100)"),
        ({"share": 0}, "share is 0, expected more than 0, at most 100"),
        ({"share": float("nan")}, "share is nan, expected a number (more than 0, at most 100)"),
        ({"bits": True}, "bits is True, expected a whole number (1 to 8)"),
        ({"bits": 2.0}, "bits is 2.0, expected a whole number (1 to 8)"),
        ({"bits": 9}, "bits is 9, expected 1 to 8"),
        ({"bits": 7}, "bits is 7, which nobody has"),
        ({"level": "mid"}, "level is 'mid', expected 'low' or 'high'"),
        ({"training": True}, "training is True, expected 'all' or a whole number (1 or more)"),
        ({"training": 0}, "training is 0, expected 'all' or a whole number (1 or more)"),
        ({"most": 0}, "most is 0, expected 1 or more"),
        ({"most": "3"}, "most is '3', expected a whole number (1 or more) or null"),
        ({"names": {"a": 1}}, "names: a is 1, expected text or null"),
        ({"names": {1: "a"}}, "names: the name is 1, expected text"),
        ({"names": []}, "names is [], expected a mapping"),
        ({"counts": []}, "counts is [], expected at least one"),
        ({"counts": [1, 0]}, "counts[1] is 0, expected 1 or more"),
        ({"counts": 5}, "counts is 5, expected a list of whole numbers (1 or more)"),
        ({"inner": {}}, "inner: the key 'size' is missing"),
        ({"inner": {"sise": 1}}, "inner: unknown key 'sise'; did you mean 'size'? (valid: size, name)"),
        ({"inner": []}, "inner is [], expected a mapping with size, name or null"),
        ({"inners": {"x": {"size": "1"}}}, "inners.x: size is '1', expected a whole number"),
        ({"inners": {"x": 5}}, "inners: x is 5, expected a mapping with size, name"),
        ({"bitz": 1, "bits": 0}, "unknown key 'bitz'; did you mean 'bits'? (valid: share, bits, level, training, most"),
        ({1: 2}, "unknown key 1 (valid: share"),
        ([], "expected a mapping, not []"),
        ("[", "not JSON (Expecting value"),
        ({"names": {"a": "x" * 500, "b": 5 * [500 * "y"]}}, f"names: b is ['{118 * 'y'}…, expected text or null"),
    ],
)
def test_mistakes(values, message):
    with pytest.raises(InputError) as error:
        read_entry(Example, values, "here")
    assert str(error.value).startswith(f"here: {message}")
    assert len(str(error.value).splitlines()) == 1


def test_numbers_stay_as_they_were_written():
    assert repr(read_entry(Example, '{"share": 5}').share) == "5"
    assert read_entry(Example, {"share": 5, "inner": {"size": 1}}).given() == {"share": 5, "inner": {"size": 1}}


def test_entries_are_frozen():
    with pytest.raises(ValidationError):
        Example().bits = 2


def test_the_class_of_an_entry_is_told_by_one_of_its_keys():
    kinds = Registry("shape", "embquant.shapes", {})
    kinds.register("inner", type("Round", (Inner,), {"__annotations__": {"kind": str}}))
    assert read_kind(kinds, "kind", {"kind": "inner", "size": 3}).size == 3
    assert read_kind(kinds, "kind", '{"kind": "inner", "size": 3}').kind == "inner"
    for values, message in (
        ({"kind": "iner", "size": 3}, "x: shape 'iner' is not known; did you mean 'inner'? (valid: inner)"),
        ({"size": 3}, "x: kind is None, expected one of inner"),
        ({"kind": ["inner"]}, "x: kind is ['inner'], expected one of inner"),
        ({"kind": "inner"}, "x: the key 'size' is missing"),
    ):
        with pytest.raises(InputError) as error:
            read_kind(kinds, "kind", values, "x")
        assert str(error.value) == message


def test_words():
    assert describe(list[str]) == "a list of texts"
    assert describe(int, Example.model_fields["bits"].metadata) == "a whole number (1 to 8)"
    assert nearest("flot", ["float32", "binary"]) == "; did you mean 'float32'? (valid: float32, binary)"
    assert nearest("x", []) == " (valid: none)"
