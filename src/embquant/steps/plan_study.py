"""``plan-study``: what a study will take in time and on disk; refused where it is more than there is."""

import argparse
import json
from pathlib import Path

from embquant.files.atomic import atomic_path, write_json
from embquant.study.outline import Outline
from embquant.study.plan import planned, read_calibrations
from embquant.study.remaining import check_disk, lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--outline", required=True, help="the study's codecs, methods and settings, as JSON")
    parser.add_argument("--cores", required=True, type=int, help="cores that the study may use")
    parser.add_argument("--output", required=True, type=Path, help="plan (JSON); the same as text beside it (.txt)")


def run(arguments: argparse.Namespace) -> None:
    """Plan, check the disk, and write the plan."""
    outline = Outline.read(json.loads(arguments.outline))
    plan = planned(outline, read_calibrations(outline), arguments.cores)
    check_disk(plan)
    with atomic_path(arguments.output.with_suffix(".txt")) as temporary:
        temporary.write_text("\n".join(lines(plan)) + "\n", encoding="utf-8")
    write_json(arguments.output, plan)
