"""Each kind of file is cut off, flipped a bit of, or deleted: the step that reads it says so, or it is made again."""

import hashlib
import os
import shlex
from contextlib import contextmanager

import pytest

from embquant.files.records import Record, place_of
from embquant.files.stamps import FOLDER

KINDS = [
    "facts/corpus.parquet",
    "facts/queries.parquet",
    "facts/qrels.parquet",
    "facts/dataset.json",
    "models/minilm/model.json",
    "models/minilm/tokenizer.json",
    "models/minilm/graph.xml",
    "models/minilm/graph.bin",
    "facts/minilm/queries.parquet",
    "facts/minilm/calibration.json",
    "facts/minilm/embeddings/part-000-of-002.parquet",
    "facts/minilm/codecs/int8/state.npz",
    "facts/minilm/codecs/int8/state.json",
    "facts/minilm/stores/float32.faiss",
    "facts/minilm/stores/binary.faiss",
    "facts/minilm/stores/int8.i8bin",
    "facts/minilm/stores/int8.i8bin.json",
    "facts/minilm/indexes/int8-hnsw.usearch",
    "facts/minilm/indexes/int8-hnsw.usearch.json",
    "facts/minilm/methods/int8.json",
    "reports/small/runs/facts/minilm/int8/candidates.parquet",
    "reports/small/runs/facts/minilm/int8/metrics.parquet",
    "reports/small/runs/facts/minilm/int8/speed.json",
    "reports/small/runs/facts/minilm/int8/memory.json",
    "reports/small/runs/facts/minilm/embedding.json",
    "reports/small/runs/facts/minilm/worst_queries.parquet",
    "reports/small/runs/facts/minilm/losses.parquet",
    "reports/small/summary.csv",
    "reports/small/provenance.json",
]
"""Every kind of file that a later step reads. Only `verify` reads the other reports."""


UNNAMED = ("models/minilm/graph.xml", "facts/minilm/codecs/int8/state.json")
"""What no rule names as its output, so that a run with nothing to do doesn't look at it; `verify` does."""


@pytest.mark.cases("kind", KINDS, short=2)
@pytest.mark.parametrize("damage", ["truncated", "flipped", "deleted"])
def test_the_step_that_reads_a_damaged_file_refuses_it_by_name(restored, chance, kind, damage):
    path = restored.folder / "results" / kind
    command, made = consumer_of(restored, path)
    before = digest(made)
    with damaged(path, damage, chance):
        refused = restored.embquant(*command[1:])
        verified = restored.embquant("verify", "results/reports/small")
    name = path.relative_to(restored.folder)
    wrong = "no such file" if damage == "deleted" else "damaged"
    assert refused.status == 2, refused.output
    assert refused.last.startswith(f"embquant: error: {name}: {wrong}"), refused.output
    assert "to rebuild it: rm -f" in refused.last
    assert digest(made) == before
    assert verified.status == 1
    assert f"{'missing' if damage == 'deleted' else 'changed'}: {name}" in verified.output


@pytest.mark.cases("kind", [kind for kind in KINDS[::2] if kind not in UNNAMED], short=1)
def test_what_the_error_says_rebuilds_a_file_and_the_same_reports_follow(undisturbed, finished, chance, kind):
    path = finished.folder / "results" / kind
    harm(path, chance.choice(["truncated", "flipped"]), chance)
    stopped = finished.run()
    assert stopped.status != 0, stopped.output
    assert stopped.last.startswith(f"embquant: error: {path.relative_to(finished.folder)}: damaged"), stopped.output
    advice = dict(word.split("=", 1) for word in shlex.split(stopped.last) if "=" in word)
    target = advice["ARGS"].removeprefix("-- ")
    assert stopped.last.endswith(f"rm -f {target} && make run CONFIG={advice['CONFIG']} ARGS='-- {target}'")
    assert (finished.folder / advice["CONFIG"]).is_file()
    (finished.folder / target).unlink()
    for done in (finished.run(target), finished.run()):
        assert done.status == 0, done.output
    assert finished.reports() == undisturbed.reports()
    verified = finished.embquant("verify", "results/reports/small")
    assert verified.status == 0, verified.output


@pytest.mark.parametrize("name", ["retrieval.csv", "summary.txt", "report.html", "figures"])
def test_a_changed_report_is_found_by_verify(restored, chance, name):
    path = restored.folder / "results" / "reports" / "small" / name
    path = path if path.is_file() else min(path.glob("*.svg"))
    with damaged(path, "flipped", chance):
        verified = restored.embquant("verify", "results/reports/small")
    assert verified.status == 1
    assert verified.output.startswith(f"changed: {path.relative_to(restored.folder)}: SHA-256 ")


def test_a_record_that_is_damaged_or_gone_is_found(restored, chance):
    path = restored.folder / "results/facts/minilm/stores/int8.i8bin"
    command, _ = consumer_of(restored, path)
    place = place_of(path)
    with damaged(place, "flipped", chance):
        flipped = restored.embquant(*command[1:])
    with damaged(place, "deleted", chance):
        deleted = restored.embquant("--study-file", "config.yaml", *command[1:])  # as the workflow calls it
    assert f"{place.relative_to(restored.folder)}: damaged record" in flipped.last
    assert f"{path.relative_to(restored.folder)}: not recorded" in deleted.last


def consumer_of(study, path):
    """Return a command that read ``path``, by the records, and a file that it wrote."""
    for place in sorted((study.folder / "results").rglob(f"{FOLDER}/*.json")):
        made = place.parent.parent / place.name.removesuffix(".json")
        record = Record.of(made)
        if path in record.used(made) and made.exists():
            return record.command, made
    raise AssertionError(f"no record says who read {path}")


@contextmanager
def damaged(path, damage, chance):
    """Do to a file what a crash or a bad disk would, for a while."""
    whole, status = path.read_bytes(), path.stat()
    harm(path, damage, chance)
    yield
    path.write_bytes(whole)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def harm(path, damage, chance):
    """Cut a file off somewhere, flip one of its bits, or delete it."""
    content = bytearray(path.read_bytes())
    place = chance.randrange(len(content))
    if damage == "truncated":
        path.write_bytes(content[:place])
    elif damage == "flipped":
        content[place] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
    else:
        path.unlink()


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
