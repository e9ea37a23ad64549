"""A terminal for a command to run in: what it writes there, and keys that are pressed once something is seen."""

import fcntl
import os
import pty
import re
import signal
import struct
import termios

ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-Z\\-_])")
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


def run_in_terminal(command, folder, variables, keys=None, columns=80, rows=24):
    """Run ``command`` in ``folder`` in a terminal of its own; return its exit status and all that it wrote.

    ``keys`` maps a text to what is typed when it is first seen.
    """
    waiting = dict(keys or {})
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # what a shell starts in the background ignores Ctrl-C
        own_size = {name: value for name, value in variables.items() if name not in ("COLUMNS", "LINES")}
        os.execvpe(command[0], command, own_size)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    written = ""
    while piece := read(terminal):
        written += piece
        for text in [text for text in waiting if text in written]:
            os.write(terminal, waiting.pop(text).encode())
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), written


def read(terminal):
    """Return what was written since, or nothing when the last process has gone."""
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError:
        return ""


def last_line(written):
    """Return the last line that was written, without colours."""
    return [line.strip() for line in ESCAPE.sub("", written).splitlines() if line.strip()][-1]


def is_sane(written):
    """Whether the cursor was left visible."""
    return written.rfind(SHOW) >= written.rfind(HIDE)
