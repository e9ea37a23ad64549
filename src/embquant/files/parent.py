"""Jobs that end with their run. Those of a killed run would otherwise write beside the next run's jobs."""

import os
import select
import sys
import threading

__all__ = ["end_with"]


def end_with(parent: int) -> None:
    """End this process, with exit status 1, as soon as the process with the id ``parent`` has ended.

    Only Linux 5.3 and later can tell; elsewhere, or where a container forbids it, jobs outlive a killed run.
    """
    if sys.platform != "linux":
        return
    try:
        handle = os.pidfd_open(parent)
    except ProcessLookupError:  # it ended before this process began
        os._exit(1)
    except (AttributeError, OSError):
        return
    # A daemon: it waits beside the work and keeps no finished process alive.
    threading.Thread(target=_wait, args=[handle], daemon=True).start()


def _wait(handle: int) -> None:
    """Wait until the process of a handle has ended, then end this one without cleaning up, as a kill would."""
    select.select([handle], [], [])  # a process's handle becomes readable when the process ends
    os._exit(1)
