"""``python -m embquant`` is the same as the ``embquant`` command."""

import sys

from embquant.cli import main

sys.exit(main())
