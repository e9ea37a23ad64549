"""A Hugging Face hub on this machine: one dataset repository, served over HTTP as the real hub serves it."""

import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

CONVERTED = "refs/convert/parquet"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub(ThreadingHTTPServer):
    """Serves the files of ``folder`` as ``repository`` to whoever has the token; notes the requests."""

    daemon_threads = True

    def __init__(self, repository: str, folder: Path, token: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repository, self.folder, self.token = repository, folder, token
        self.requests: list[str] = []
        self.breaks: dict[str, int] = {}
        """How often the connection breaks off while a file is sent, by the file's name."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def files(self) -> dict[str, bytes]:
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeHub

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer()

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        path = unquote(urlsplit(self.path).path).replace(CONVERTED, COMMIT)
        self.server.requests.append(f"{self.command} {self.path}")
        authorized = self.server.token is None or self.headers.get("Authorization") == f"Bearer {self.server.token}"
        api, resolve = f"/api/datasets/{self.server.repository}", f"/datasets/{self.server.repository}/resolve/"
        if not authorized or not path.startswith((api, resolve)):
            return self.send(401, b"{}", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
        files = self.server.files()
        if path.startswith(resolve):
            revision, _, name = path.removeprefix(resolve).partition("/")
        else:
            name, revision = "", next(iter(path.removeprefix(api).split("/")[2:3]), "")
        if revision not in ("main", COMMIT, ""):
            return self.send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        if path.startswith(resolve):
            return self.send_file(name, files)
        entries = self.entries(files)
        if "/tree/" in path:
            folder = path.partition(f"/tree/{revision}")[2].strip("/")
            below = [entry for entry in entries if not folder or entry["path"].startswith(f"{folder}/")]
            depth = folder.count("/") + 1 if folder else 0
            deep = "recursive=true" in self.path.lower()
            return self.send_json([entry for entry in below if deep or entry["path"].count("/") == depth])
        if "/paths-info/" in path:
            asked = parse_qs(self.body.decode()).get("paths") or json.loads(self.body)["paths"]
            return self.send_json([entry for entry in entries if entry["path"] in asked])
        siblings = [{"rfilename": name} for name in files]
        return self.send_json({"id": self.server.repository, "sha": COMMIT, "siblings": siblings, "private": False})

    def entries(self, files):
        """Describe all files and folders as the hub's API does."""
        folders = {parent.as_posix() for name in files for parent in Path(name).parents} - {"."}
        described = [{"type": "directory", "path": name, "oid": "0" * 40, "size": 0} for name in sorted(folders)]
        for name, data in files.items():
            described.append({"type": "file", "path": name, "oid": hashlib.sha1(data).hexdigest(), "size": len(data)})
        return described

    def send_file(self, name, files):
        if name not in files:
            return self.send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        data = files[name]
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha1(data).hexdigest()}"'}
        if self.command == "GET" and self.server.breaks.get(name, 0):
            self.server.breaks[name] -= 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
            return None
        return self.send(200, data, headers)

    def send_json(self, value):
        self.send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def send(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
