"""``python -m embquant`` is the same as the ``embquant`` command."""

from embquant.cli import run

run()
