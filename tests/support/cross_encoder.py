"""A small CrossEncoder, for tests of rerankers."""

from sentence_transformers import CrossEncoder
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def small_cross_encoder(path, words):
    """Save one with random weights that knows ``words``, as any is saved; return its folder.

    The weights are large enough for scores of different texts to be far apart.
    """
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *words])}
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    sizes |= {"vocab_size": len(vocabulary), "max_position_embeddings": 64}
    model = BertForSequenceClassification(BertConfig(num_labels=1, initializer_range=0.3, **sizes))
    model.save_pretrained(path / "plain")
    BertTokenizerFast(vocab=vocabulary, model_max_length=64).save_pretrained(path / "plain")
    CrossEncoder(str(path / "plain"), device="cpu").save_pretrained(str(path / "model"))
    return path / "model"
