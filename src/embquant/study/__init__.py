"""What a study is: its configuration, what follows from it, and where its files lie.

Here are the settings that methods are measured at, which need nothing else: the configuration is in ``config``, what
follows from it in ``study``, every path in ``layout``, what a study will write in ``plan``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

NO_STORE = "none"


@dataclass(frozen=True)
class Setting:
    """One setting of a method that is measured: a row of the reports."""

    store: str
    multiplier: int
    top_k: int

    @property
    def depth(self) -> int:
        """Candidates that the first stage has to find."""
        return self.top_k * self.multiplier


def settings_of(stores: Sequence[str], multipliers: Sequence[int], top_ks: Sequence[int]) -> list[Setting]:
    """Return all settings: without rescoring, then each store with each multiplier, for every top_k."""
    plain = [Setting(NO_STORE, 1, top_k) for top_k in top_ks]
    return plain + [
        Setting(store, multiplier, top_k) for store in stores for multiplier in multipliers for top_k in top_ks
    ]
