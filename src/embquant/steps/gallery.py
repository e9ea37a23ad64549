"""The command ``gallery``."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from embquant.errors import InputError
from embquant.report.show.gallery import write_gallery

log = logging.getLogger(__name__)


def gallery(
    *,
    reports: Annotated[Sequence[Path], "reports of studies: results/reports/{study} …"],
    output: Annotated[Path, "folder of the site"],
) -> None:
    """Join the reports of several studies into one static site, for any server of files.

    The site has an index with each study's verdict, each report, and a page for any two studies that have a dataset and
    a model in common. The folder may exist; what else is in it stays.
    """
    if output.exists() and not output.is_dir():
        raise InputError(f"{output}: not a folder; --output names the site's folder")
    log.info("%s", write_gallery(reports, output))
