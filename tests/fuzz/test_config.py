"""Configurations: any mapping, and any text, is a study or is refused in one line before anything runs."""

import copy
from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from support.mutations import fuzzed, mutations

REPOSITORY = Path(__file__).parents[2]
CONFIGS = {path.stem: path.read_text() for path in [REPOSITORY / "config.yaml", *REPOSITORY.glob("config/*.yaml")]}

NAMES = [
    "minilm",
    "float32",
    "binary",
    "../x",
    "a/b",
    "*",
    "{x}",
    "$(touch x)",
    "'; x",
    "",
    "none",
    "reports",
    "-",
    "Ä",
]
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats()
    | st.sampled_from(NAMES)
    | st.text(max_size=9)
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
)


def places(value, path=()):
    """Yield the path of every value within a configuration."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


@st.composite
def changed(draw):
    """Draw a configuration that is one of ours, with values changed, moved, renamed or gone."""
    config = copy.deepcopy(yaml.safe_load(CONFIGS[draw(st.sampled_from(sorted(CONFIGS)))]))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(list(places(config))[1:]))
        parent = config
        for key in path:
            parent = parent[key]
        match draw(st.sampled_from(["change", "remove", "rename"])):
            case "change":
                parent[last] = draw(values)
            case "rename" if isinstance(parent, dict):
                parent[draw(st.sampled_from(NAMES))] = parent.pop(last)
            case _:
                del parent[last]
        if not config:
            break
    return config


@fuzzed
@given(config=changed())
def test_values(plan, tmp_path, config):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8", errors="surrogatepass")
    plan(path)


@fuzzed
@given(name=st.sampled_from(sorted(CONFIGS)), mutate=mutations())
def test_texts(plan, tmp_path, name, mutate):
    path = tmp_path / "study.yaml"
    path.write_bytes(mutate(CONFIGS[name].encode()))
    plan(path)
