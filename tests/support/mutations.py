"""Files that were real once: bytes turned, numbers replaced, stretches cut, doubled or filled."""

import os
import struct

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

settings.register_profile("short", max_examples=25, derandomize=True, database=None)
settings.register_profile("long", max_examples=1200, database=None)
for name in ("short", "long"):
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
    settings.register_profile(name, settings.get_profile(name), deadline=None, suppress_health_check=checks)
fuzzed = settings.get_profile(os.environ.get("FUZZ", "short"))
"""How many cases: a few, always the same, with all other tests; as many as a long look takes in `make fuzz`."""

NUMBERS = [
    0,
    1,
    2,
    7,
    127,
    128,
    255,
    256,
    2**15,
    2**16,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**40,
    2**62,
    2**63,
    2**64 - 1,
]
places = st.one_of(st.integers(0, 127), st.integers(0, 2**20), st.integers(-128, -1))
"""Where to change something: what stands first and last in a file tells what the rest is."""


@st.composite
def edits(draw):
    """Draw a change, as a function from bytes to bytes."""
    place = draw(places)
    match draw(st.sampled_from(["flip", "number", "cut", "end", "double", "fill", "insert"])):
        case "flip":
            value = draw(st.integers(1, 255))
            return _at(place, lambda old: bytes([old[0] ^ value]), 1)
        case "number":
            kind = draw(st.sampled_from("BHIQ"))
            number = struct.pack(f"<{kind}", draw(st.sampled_from(NUMBERS)) % 256 ** struct.calcsize(kind))
            return _at(place, lambda old: number[: len(old)], len(number))
        case "cut":
            return _at(place, lambda _: b"", draw(st.integers(1, 64)))
        case "end":
            return lambda content: content[: place % len(content)] if content else content
        case "double":
            return _at(place, lambda old: old * 2, draw(st.integers(1, 64)))
        case "fill":
            byte = bytes([draw(st.sampled_from([0, 1, 255]))])
            return _at(place, lambda old: byte * len(old), draw(st.integers(1, 64)))
        case _:
            inserted = draw(st.binary(min_size=1, max_size=16))
            return _at(place, lambda old: inserted + old, 0)


def _at(place, change, length):
    def edit(content):
        start = place % (len(content) + 1)
        old = content[start : start + length]
        return content[:start] + (change(old) if old or not length else old) + content[start + length :]

    return edit


def mutations(most=4):
    """Draw a few changes one after the other, as one function."""

    def applied(changes):
        def mutate(content):
            for change in changes:
                content = change(content)
            return content

        return mutate

    return st.lists(edits(), min_size=1, max_size=most).map(applied)
