"""A Hub in memory on the loopback address: the real huggingface_hub client works with it, without a network.

It knows model and data set repositories: create, upload (inline and LFS), commit, info, tree, search, ranged
download, tokens, private and gated repositories. It logs every request; it fails, cuts off and delays on
demand. Large files come by LFS, so clients set `HF_HUB_DISABLE_XET=1`. `python -m tests.hub_server` serves
one until Ctrl-C and prints its address.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import secrets
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import uvicorn
import yaml
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from tests.hub_uploads import with_trouble

DATE = "2026-01-01T00:00:00.000Z"
LFS_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".pkl", ".png")
LARGEST_INLINE = 10_000_000
# Data sets are kept under the name by which their page is known, `datasets/owner/name`.
MODEL = "/api/{kind}/{owner}/{name}"


class RefusalError(Exception):
    """An error answer as the Hub gives it: status, machine-readable code, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Entry:
    """One file of a commit; `size` may be a lie that a test tells."""

    data: bytes
    lfs: bool
    size: int

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def oid(self) -> str:
        """What git calls the file: the hash of its content, or of the LFS pointer that stands for it."""
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {self.size}\n"
        content = pointer.encode() if self.lfs else self.data
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Repository:
    """A model repository: commits by their hash, branches by name."""

    id: str
    private: bool = False
    gated: bool = False
    commits: dict[str, dict[str, Entry]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    likes: int = 0
    hardware: str | None = None

    @property
    def owner(self) -> str:
        """Whose it is."""
        return self.id.removeprefix("datasets/").split("/")[0]

    def commit(self, files: dict[str, Entry], branch: str = "main") -> str:
        """A new commit with exactly these files."""
        sha = secrets.token_hex(20)
        self.commits[sha] = files
        self.branches[branch] = sha
        return sha

    def resolve(self, revision: str) -> tuple[str, dict[str, Entry]]:
        sha = self.branches.get(revision.removeprefix("refs/heads/"), revision)
        if sha not in self.commits:
            raise RefusalError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return sha, self.commits[sha]


class HubServer:
    """A loopback Hub as a context manager.

    Attributes:
        url: its address, once entered.
        tokens: who may come: token -> user name. Two are there from the start.
        requests: what was asked, as `"METHOD /path"`.
        repositories: by id.
    """

    def __init__(self) -> None:
        self.tokens = {"hf_alice": "alice", "hf_bob": "bob"}
        self.requests: list[str] = []
        self.repositories: dict[str, Repository] = {}
        self.blobs: dict[str, bytes] = {}
        self.cuts: list[tuple[re.Pattern[str], int, list[int]]] = []
        self.waits: list[tuple[re.Pattern[str], float]] = []
        self.retry_after: str | None = None
        self.on_range: Callable[[str], None] = lambda value: None
        self._faults: list[tuple[re.Pattern[str], int, list[int]]] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        # A slow upload is to be slow for who sends it, too.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        # A connection that the server closes while the client writes looks like a network that is down.
        app = with_trouble(self, _app(self))
        config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_keep_alive=600)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )

    def __enter__(self) -> HubServer:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def reset(self) -> None:
        """As if it were new: no repositories, no log, no faults."""
        for kept in (self.requests, self.repositories, self.blobs, self._faults, self.cuts, self.waits):
            kept.clear()
        self.retry_after = None
        self.on_range = lambda value: None

    def reset_faults(self) -> None:
        """Everything works again."""
        for kept in (self._faults, self.cuts, self.waits):
            kept.clear()
        self.retry_after = None

    def cut(self, pattern: str, after: int, times: int = 1) -> None:
        """Break off after so many bytes of the next `times` downloads or uploads that match."""
        self.cuts.append((re.compile(pattern), after, [times]))

    def slow(self, pattern: str, seconds: float) -> None:
        """Wait before every answer to requests that match, and between the pieces of a download or upload."""
        self.waits.append((re.compile(pattern), seconds))

    def wait(self, request: str) -> float:
        """How long this request has to wait."""
        return sum(seconds for pattern, seconds in self.waits if pattern.search(request))

    def cut_at(self, request: str) -> int | None:
        """After how many bytes this download breaks off, if it does."""
        for pattern, after, left in self.cuts:
            if left[0] > 0 and pattern.search(request):
                left[0] -= 1
                return after
        return None

    def add(
        self,
        id: str,
        files: dict[str, bytes],
        *,
        private: bool = False,
        gated: bool = False,
        claimed_sizes: dict[str, int] | None = None,
    ) -> str:
        """Put a repository there without asking anybody, or a new commit into it; returns the commit."""
        repository = self.repositories.setdefault(id, Repository(id, private, gated))
        claimed = claimed_sizes or {}
        entries = {
            path: Entry(data, _is_lfs(path, data), claimed.get(path, len(data)))
            for path, data in files.items()
        }
        return repository.commit(entries)

    def add_user(self, name: str) -> str:
        """A new user's token."""
        token = f"hf_{name}_{secrets.token_hex(8)}"
        self.tokens[token] = name
        return token

    def publish(self, id: str) -> None:
        """Let everyone read a repository, as its owner can on its page."""
        self.repositories[id].private = False

    def files(self, id: str) -> dict[str, bytes]:
        """What the main branch of a repository holds."""
        return {name: entry.data for name, entry in self.repositories[id].resolve("main")[1].items()}

    def fail(self, pattern: str, status: int, times: int = 1) -> None:
        """Answer the next `times` requests whose `"METHOD /path"` matches `pattern` with `status`."""
        self._faults.append((re.compile(pattern), status, [times]))

    def fault(self, request: str) -> int | None:
        """The status with which this request has to fail, if any."""
        for pattern, status, left in self._faults:
            if left[0] > 0 and pattern.search(request):
                left[0] -= 1
                return status
        return None

    def user(self, request: Request) -> str | None:
        """Who asks; None without a token. Raises RefusalError on a token that nobody has."""
        header = request.headers.get("authorization", "")
        if not header:
            return None
        user = self.tokens.get(header.removeprefix("Bearer "))
        if user is None:
            raise RefusalError(401, "", "Invalid credentials in Authorization header")
        return user

    def readable(self, request: Request, id: str, content: bool = False) -> Repository:
        """The repository if the asker may see it, and its content if `content`. Raises RefusalError."""
        user, repository = self.user(request), self.repositories.get(id)
        if repository is None or (repository.private and user != repository.owner):
            raise RefusalError(404 if user else 401, "RepoNotFound", "Repository not found")
        if content and repository.gated and user != repository.owner:
            raise RefusalError(403 if user else 401, "GatedRepo", f"Access to model {id} is restricted.")
        return repository

    def writable(self, request: Request, id: str) -> Repository:
        """The repository if the asker owns it. Raises RefusalError."""
        repository = self.readable(request, id)
        if self.user(request) != repository.owner:
            raise RefusalError(403, "", "Forbidden: you must be the owner to write.")
        return repository


def _is_lfs(name: str, data: bytes) -> bool:
    return name.endswith(LFS_SUFFIXES) or b"\0" in data[:512] or len(data) > LARGEST_INLINE


def _app(hub: HubServer) -> FastAPI:
    app = FastAPI()

    @app.middleware("http")
    async def log_and_fail(request: Request, call_next: Any) -> Response:
        line = f"{request.method} {request.url.path}"
        hub.requests.append(line)
        if (status := hub.fault(line)) is not None:
            headers = {"X-Request-Id": "injected"}
            if hub.retry_after is not None:
                headers["Retry-After"] = hub.retry_after
            return JSONResponse({"error": "injected"}, status, headers)
        if seconds := hub.wait(line):
            await asyncio.sleep(seconds)
        return await call_next(request)

    @app.exception_handler(RefusalError)
    def refuse(request: Request, refusal: RefusalError) -> Response:
        headers = {"X-Error-Message": refusal.message, "X-Request-Id": secrets.token_hex(4)}
        if refusal.code:
            headers["X-Error-Code"] = refusal.code
        return JSONResponse({"error": refusal.message}, refusal.status, headers)

    _account_routes(app, hub)
    _reading_routes(app, hub)
    _writing_routes(app, hub)
    _download_route(app, hub)
    return app


def _account_routes(app: FastAPI, hub: HubServer) -> None:
    @app.get("/api/whoami-v2")
    def whoami(request: Request) -> dict[str, Any]:
        user = hub.user(request)
        if user is None:
            raise RefusalError(401, "", "Invalid username or password.")
        token = {"type": "access_token", "accessToken": {"role": "write"}}
        return {"type": "user", "name": user, "fullname": user, "orgs": [], "avatarUrl": "", "auth": token}

    @app.post("/api/repos/create")
    async def create(request: Request) -> Response:
        body, user = await request.json(), hub.user(request)
        if user is None:
            raise RefusalError(401, "", "Invalid username or password.")
        owner = body.get("organization") or user
        dataset = body.get("type") == "dataset"
        id = f"{'datasets/' if dataset else ''}{owner}/{body['name']}"
        url = {"url": f"{hub.url}/{id}"}
        if owner != user:
            raise RefusalError(403, "", "You don't have the rights to create a model under this namespace")
        if id in hub.repositories:
            return JSONResponse(url, 409)
        private = bool(body.get("private")) or body.get("visibility") == "private"
        hub.add(id, {".gitattributes": b"*.safetensors filter=lfs\n"}, private=private)
        hub.repositories[id].hardware = body.get("hardware")
        return JSONResponse(url)

    @app.post("/api/validate-yaml")
    def validate() -> dict[str, Any]:
        return {"errors": [], "warnings": []}


def _reading_routes(app: FastAPI, hub: HubServer) -> None:
    @app.get("/api/models")
    def search(request: Request) -> list[dict[str, Any]]:
        asked = request.query_params
        user, words = hub.user(request), asked.get("search", "").lower()
        found = [
            _info(repository)
            for id, repository in hub.repositories.items()
            if not id.startswith("datasets/")
            and (not repository.private or user == repository.owner)
            and words in id.lower()
            and asked.get("author", repository.owner) == repository.owner
        ]
        wanted = {tag for value in asked.getlist("filter") for tag in value.split(",")}
        found = [each for each in found if wanted <= set(each["tags"])]
        if asked.get("sort") == "likes":
            found.sort(key=lambda each: -each["likes"])
        return found[: int(asked.get("limit", 1000))]

    @app.get(MODEL)
    @app.get(MODEL + "/revision/{revision:path}")
    def info(request: Request, kind: str, owner: str, name: str, revision: str = "main") -> dict[str, Any]:
        return _info(hub.readable(request, _id(kind, owner, name)), revision)

    @app.get(MODEL + "/tree/{revision}")
    def tree(request: Request, kind: str, owner: str, name: str, revision: str) -> list[dict[str, Any]]:
        _, files = hub.readable(request, _id(kind, owner, name)).resolve(revision)
        return [{"type": "file", "path": path, **_tree_sizes(entry)} for path, entry in files.items()]


def _id(kind: str, owner: str, name: str) -> str:
    return f"{'datasets/' if kind == 'datasets' else ''}{owner}/{name}"


def _info(repository: Repository, revision: str = "main") -> dict[str, Any]:
    sha, files = repository.resolve(revision)
    siblings = [{"rfilename": path, **_sizes(entry)} for path, entry in files.items()]
    card = _card(files)
    runtime = {"stage": "RUNNING", "hardware": {"current": None, "requested": repository.hardware}}
    return {
        "_id": sha[:24], "id": repository.id.removeprefix("datasets/"), "sha": sha,
        "private": repository.private, "author": repository.owner,
        "gated": "manual" if repository.gated else False, "disabled": False, "tags": card.get("tags") or [],
        "cardData": card, "downloads": 0, "likes": repository.likes, "siblings": siblings,
        "lastModified": DATE, "createdAt": DATE, "runtime": runtime,
    }  # fmt: skip


def _card(files: dict[str, Entry]) -> dict[str, Any]:
    """The metadata in front of README.md; empty where there is none."""
    text = files["README.md"].data.decode(errors="replace") if "README.md" in files else ""
    if not text.startswith("---\n") or text.count("---\n") < 2:
        return {}
    return dict(yaml.safe_load(text.split("---\n")[1]) or {})


def _sizes(entry: Entry) -> dict[str, Any]:
    sizes: dict[str, Any] = {"size": entry.size, "blobId": entry.oid}
    if entry.lfs:
        sizes["lfs"] = {"sha256": entry.sha256, "size": entry.size, "pointerSize": 130}
    return sizes


def _tree_sizes(entry: Entry) -> dict[str, Any]:
    sizes: dict[str, Any] = {"size": entry.size, "oid": entry.oid}
    if entry.lfs:
        sizes["lfs"] = {"oid": entry.sha256, "size": entry.size, "pointerSize": 130}
    return sizes


def _writing_routes(app: FastAPI, hub: HubServer) -> None:
    @app.post(MODEL + "/preupload/{revision:path}")
    async def preupload(request: Request, kind: str, owner: str, name: str, revision: str) -> dict[str, Any]:
        _, files = hub.writable(request, _id(kind, owner, name)).resolve(revision)
        answers = []
        for asked in (await request.json())["files"]:
            path = asked["path"]
            lfs = _is_lfs(path, base64.b64decode(asked["sample"])) or asked["size"] > LARGEST_INLINE
            there = files.get(path)
            oid = None if there is None else there.sha256 if there.lfs else there.oid
            mode = "lfs" if lfs else "regular"
            answers.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return {"files": answers}

    @app.post("/datasets/{owner}/{name}.git/info/lfs/objects/batch")
    @app.post("/{owner}/{name}.git/info/lfs/objects/batch")
    async def batch(request: Request, owner: str, name: str) -> Response:
        kind = "datasets" if request.url.path.startswith("/datasets/") else "models"
        hub.writable(request, _id(kind, owner, name))
        objects = []
        for wanted in (await request.json())["objects"]:
            answer = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in hub.blobs:
                upload = {"href": f"{hub.url}/lfs/{wanted['oid']}", "header": {}}
                verify = {"href": f"{hub.url}/{owner}/{name}.git/info/lfs/verify"}
                answer["actions"] = {"upload": upload, "verify": verify}
            objects.append(answer)
        answer = {"transfer": "basic", "objects": objects}
        return JSONResponse(answer, media_type="application/vnd.git-lfs+json")

    @app.put("/lfs/{oid}")
    async def put(request: Request, oid: str) -> Response:
        data = await request.body()
        if hashlib.sha256(data).hexdigest() != oid:
            raise RefusalError(400, "", "The content has another hash.")
        hub.blobs[oid] = data
        return Response()

    @app.post("/datasets/{owner}/{name}.git/info/lfs/verify")
    @app.post("/{owner}/{name}.git/info/lfs/verify")
    async def verify(request: Request, owner: str, name: str) -> dict[str, Any]:
        body = await request.json()
        if len(hub.blobs.get(body["oid"], b"")) != body["size"]:
            raise RefusalError(404, "", "Unknown object")
        return {}

    @app.post(MODEL + "/commit/{revision:path}")
    async def commit(request: Request, kind: str, owner: str, name: str, revision: str) -> dict[str, Any]:
        repository = hub.writable(request, _id(kind, owner, name))
        lines = [json.loads(line) for line in (await request.body()).splitlines() if line.strip()]
        sha, files = repository.resolve(revision)
        if lines[0]["value"].get("parentCommit", sha) != sha:
            raise RefusalError(412, "", "A commit has happened since.")
        sha = repository.commit(_applied(hub, files, lines[1:]), revision)
        url = f"{hub.url}/{repository.id}/commit/{sha}"
        return {"success": True, "commitOid": sha, "commitUrl": url}


def _applied(hub: HubServer, files: dict[str, Entry], lines: list[dict[str, Any]]) -> dict[str, Entry]:
    """The files of a commit after the operations of its lines."""
    files = dict(files)
    for line in lines:
        value = line["value"]
        if line["key"] == "file":
            data = base64.b64decode(value["content"])
            files[value["path"]] = Entry(data, False, len(data))
        elif line["key"] == "lfsFile":
            if value["oid"] not in hub.blobs:
                raise RefusalError(400, "", "Unknown LFS object")
            files[value["path"]] = Entry(hub.blobs[value["oid"]], True, value["size"])
        elif line["key"] == "deletedFile":
            files.pop(value["path"], None)
    return files


def _download_route(app: FastAPI, hub: HubServer) -> None:
    @app.api_route("/datasets/{owner}/{name}/resolve/{revision}/{path:path}", methods=["GET", "HEAD"])
    @app.api_route("/{owner}/{name}/resolve/{revision}/{path:path}", methods=["GET", "HEAD"])
    def resolve(request: Request, owner: str, name: str, revision: str, path: str) -> Response:
        kind = "datasets" if request.url.path.startswith("/datasets/") else "models"
        sha, files = hub.readable(request, _id(kind, owner, name), content=True).resolve(revision)
        headers = {"X-Repo-Commit": sha, "Accept-Ranges": "bytes"}
        entry = files.get(path)
        if entry is None:
            headers["X-Error-Code"] = "EntryNotFound"
            return JSONResponse({"error": "Entry not found"}, 404, headers)
        headers["ETag"] = f'"{entry.sha256 if entry.lfs else entry.oid}"'
        if request.method == "HEAD":
            return Response(headers={**headers, "Content-Length": str(entry.size)})
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        start, end = (int(found[1]), int(found[2] or len(entry.data) - 1)) if found else (0, len(entry.data))
        if found:
            hub.on_range(found[0])
            headers["Content-Range"] = f"bytes {start}-{end}/{len(entry.data)}"
        data, status = entry.data[start : end + 1], 206 if found else 200
        line = f"{request.method} {request.url.path}"
        cut, seconds = hub.cut_at(line), hub.wait(line)
        if cut is None and not seconds:
            return Response(data, status, headers, media_type="application/octet-stream")
        headers["Content-Length"] = str(len(data))
        return StreamingResponse(_pieces(data[:cut], seconds), status, headers)


async def _pieces(data: bytes, seconds: float) -> AsyncIterator[bytes]:
    """The data in eight pieces; where it is less than was promised, the server breaks the connection off."""
    size = max(1, -(-len(data) // 8))
    for start in range(0, len(data), size):
        await asyncio.sleep(seconds)
        yield data[start : start + size]


def main() -> None:
    """Serve until Ctrl-C."""
    with HubServer() as hub:
        print(hub.url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
