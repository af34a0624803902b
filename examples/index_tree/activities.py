"""The work itself: everything that touches the disk. Plain functions, run in threads, retried."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from hourglass import activity

CHUNK = 1 << 20
LARGEST = 10


@dataclass
class Tree:
    """A directory, and the names of folders in it that are left out."""

    root: str
    skip: list[str]


@dataclass
class TreeSize:
    """How much there is to do."""

    files: int


@dataclass
class PageRequest:
    """The next `limit` files that come behind the path `after`."""

    tree: Tree
    after: str
    limit: int


@dataclass
class BatchRequest:
    """Paths below `root` to read in one activity."""

    root: str
    paths: list[str]


@dataclass
class Totals:
    """What is known about a set of files; sets add up in any order."""

    files: int = 0
    bytes: int = 0
    unreadable: list[str] = field(default_factory=list[str])
    files_by_suffix: dict[str, int] = field(default_factory=dict[str, int])
    bytes_by_suffix: dict[str, int] = field(default_factory=dict[str, int])
    largest: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    fingerprint: str = "0"
    """Sum of the files' digests modulo 2**256, in hex: the same in any order."""

    def add(self, other: "Totals") -> None:
        """Take the other set in."""
        self.files += other.files
        self.bytes += other.bytes
        self.unreadable = sorted([*self.unreadable, *other.unreadable])
        self.files_by_suffix = dict(Counter(self.files_by_suffix) + Counter(other.files_by_suffix))
        self.bytes_by_suffix = dict(Counter(self.bytes_by_suffix) + Counter(other.bytes_by_suffix))
        largest = [(size, path) for size, path in [*self.largest, *other.largest]]
        self.largest = sorted(largest, key=lambda entry: (-entry[0], entry[1]))[:LARGEST]
        self.fingerprint = f"{(int(self.fingerprint, 16) + int(other.fingerprint, 16)) % 2**256:x}"


@dataclass
class BatchResult:
    """One batch, who did it and in which attempt: after a crash it is a second one."""

    totals: Totals
    attempt: int
    worker: int


def regular_files(folder: Path, skip: list[str], after: tuple[str, ...] = ()) -> Iterator[Path]:
    """Yield the regular files below `folder` that come behind `after`, in order; follow no links.

    Folders that lie before `after` are not looked into: the last page costs what the first did.
    """
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if after and entry.name < after[0]:
            continue
        reached = after[1:] if after and entry.name == after[0] else ()
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in skip:
                yield from regular_files(Path(entry.path), skip, reached)
        elif entry.is_file(follow_symlinks=False) and not (after and entry.name == after[0]):
            yield Path(entry.path)


@activity.defn
def measure_tree(tree: Tree) -> TreeSize:
    """Count the files, so that progress has a whole to be a part of."""
    return TreeSize(files=sum(1 for _ in regular_files(Path(tree.root), tree.skip)))


@activity.defn
def list_page(request: PageRequest) -> list[str]:
    """List one page: a tree of any size never has to fit into one payload."""
    root = Path(request.tree.root)
    files = regular_files(root, request.tree.skip, Path(request.after).parts)
    return [str(path.relative_to(root)) for path in islice(files, request.limit)]


def read_file(root: Path, path: str) -> Totals:
    """Hash and measure one file."""
    digest = hashlib.sha256()
    size = 0
    try:
        with (root / path).open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
    except PermissionError:
        return Totals(unreadable=[path])
    suffix = Path(path).suffix or "(none)"
    mark = hashlib.sha256(f"{path}\0{size}\0{digest.hexdigest()}".encode(errors="surrogateescape"))
    return Totals(
        files=1,
        bytes=size,
        files_by_suffix={suffix: 1},
        bytes_by_suffix={suffix: size},
        largest=[(size, path)],
        fingerprint=mark.hexdigest(),
    )


@activity.defn
def index_batch(request: BatchRequest) -> BatchResult:
    """Hash and measure a batch of files, with a heartbeat for each: a dead worker is noticed."""
    totals = Totals()
    for done, path in enumerate(request.paths):
        activity.heartbeat(done)
        totals.add(read_file(Path(request.root), path))
    return BatchResult(totals=totals, attempt=activity.info().attempt, worker=os.getpid())
