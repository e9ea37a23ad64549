"""How often a benchmark repeats itself, and what it says of its duration; by a clock that only contestants advance."""

import sys
from pathlib import Path

import pytest

from embquant.files.machine import machine

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import harness


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 0.0

        def rounds(self, count, **contestants):
            """Return the seconds of each contestant."""
            return harness.in_turn(count, contestants, self.perf_counter)

        def perf_counter(self):
            return self.now

        def takes(self, *seconds):
            """Return a contestant that takes these ``seconds`` in turn."""
            turns = iter(seconds * 100)

            def work():
                self.now += next(turns)

            return work

    clock = Clock()
    monkeypatch.setattr(harness, "time", clock)
    monkeypatch.setattr(harness, "STARTED", 0.0)
    return clock


def test_rounds_end_once_the_medians_are_known(clock):
    seconds = clock.rounds(50, ours=clock.takes(1.0), theirs=clock.takes(2.0))
    assert seconds == {"ours": [1.0] * 6, "theirs": [2.0] * 6}


def test_a_spread_median_takes_all_rounds(clock):
    assert len(clock.rounds(9, ours=clock.takes(1.0, 1.5))["ours"]) == 9


def test_a_benchmark_that_takes_long_repeats_nothing_more_than_three_times(clock):
    assert len(clock.rounds(9, ours=clock.takes(harness.SECONDS / 2, harness.SECONDS))["ours"]) == 3


def test_fewer_rounds_may_be_asked_for(clock):
    assert len(clock.rounds(2, ours=clock.takes(1.0))["ours"]) == 2


def test_the_duration_is_that_of_the_last_runs_on_this_machine(monkeypatch, tmp_path):
    monkeypatch.setattr(harness, "FOLDER", tmp_path)
    assert harness.duration(["a", "b"]) == f"2 benchmarks, about 2 min by {harness.SECONDS} s for each"
    (tmp_path / "a.csv").write_text(f'benchmark,seconds_in_all,machine\na,600,"{machine()}"\n')
    (tmp_path / "b.csv").write_text("benchmark,seconds_in_all,machine\nb,6000,another\n")
    assert harness.duration(["a", "b"]) == "2 benchmarks, about 11 min by the last runs of 1 of them here"
