"""What SQLite writes, syncs, cuts and deletes, in order: a VFS between it and the files, in this process.

A copy of the platform's own VFS is made the default; of each file it opens, the methods that change anything are ours,
which note what was asked and then do it. So nothing of SQLite's behaviour is different.
"""

from __future__ import annotations

import _sqlite3
import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

_pointer, _int, _long = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_Write = ctypes.CFUNCTYPE(_int, _pointer, _pointer, _int, _long)
_Truncate = ctypes.CFUNCTYPE(_int, _pointer, _long)
_Sync = ctypes.CFUNCTYPE(_int, _pointer, _int)
# names as addresses: SQLite keeps them, and looks behind them for the rest of a URI
_Open = ctypes.CFUNCTYPE(_int, _pointer, _pointer, _pointer, _int, _pointer)
_Delete = ctypes.CFUNCTYPE(_int, _pointer, _pointer, _int)


_METHODS = (
    "close read write truncate sync file_size lock unlock check_reserved_lock file_control sector_size device shm_map "
    "shm_lock shm_barrier shm_unmap fetch unfetch"
)


class _Methods(ctypes.Structure):
    _fields_: ClassVar = [("version", _int), *[(name, _pointer) for name in _METHODS.split(" ")]]


class _File(ctypes.Structure):
    _fields_: ClassVar = [("methods", ctypes.POINTER(_Methods))]


class _Vfs(ctypes.Structure):
    _fields_: ClassVar = [
        ("version", _int), ("size_of_file", _int), ("longest", _int), ("next", _pointer), ("name", ctypes.c_char_p),
        ("data", _pointer), ("open", _pointer), ("delete", _pointer), *[(f"more{n}", _pointer) for n in range(14)],
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Done:
    """`kind`: write, truncate, sync, delete, or said (a note of the test's own); `at` is an offset or a size."""

    kind: str
    file: str
    at: int = 0
    data: bytes = b""


def library() -> Any:
    """The SQLite that Python uses; OSError where it cannot be reached from outside."""
    for name in (_sqlite3.__file__, "libsqlite3.so.0"):
        found = ctypes.CDLL(name)
        if hasattr(found, "sqlite3_vfs_register"):
            return found
    raise OSError("the SQLite of this Python cannot be reached")


class WriteLog:
    """Notes all that happens to SQLite's files in `folder` while it is entered; `done` is the list."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self.done: list[Done] = []
        self._library = library()
        self._library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        self._library.sqlite3_vfs_find.argtypes = [ctypes.c_char_p]
        self._library.sqlite3_vfs_register.argtypes = [_pointer, _int]
        self._library.sqlite3_vfs_unregister.argtypes = [_pointer]
        self._files: dict[int, str] = {}
        # by the address of the platform's methods: ours in their place, and what keeps them alive
        self._ours: dict[int, tuple[_Methods, list[Any]]] = {}

    def __enter__(self) -> Self:
        real = self._library.sqlite3_vfs_find(None)
        self._real = real
        self._vfs = _Vfs.from_buffer_copy(real.contents)
        self._vfs.name = b"noted"
        self._open, self._delete = _Open(real.contents.open), _Delete(real.contents.delete)
        self._kept = [_Open(self._opened), _Delete(self._deleted)]
        self._vfs.open = ctypes.cast(self._kept[0], _pointer)
        self._vfs.delete = ctypes.cast(self._kept[1], _pointer)
        self._library.sqlite3_vfs_register(ctypes.addressof(self._vfs), 1)
        return self

    def __exit__(self, *_: object) -> None:
        self._library.sqlite3_vfs_unregister(ctypes.addressof(self._vfs))
        self._library.sqlite3_vfs_register(ctypes.cast(self._real, _pointer), 1)

    def say(self, what: bytes) -> None:
        """A note of the test's own between what SQLite did before and after it."""
        self.done.append(Done("said", "", 0, what))

    def _opened(self, vfs: int, name: int | None, file: int, flags: int, out: int | None) -> int:
        code = self._open(vfs, name, file, flags, out)
        path = ctypes.string_at(name).decode() if name else ""
        if code == 0 and path.startswith(self._folder) and not path.endswith("-shm"):
            held = ctypes.cast(file, ctypes.POINTER(_File)).contents
            at = ctypes.addressof(held.methods.contents)
            if at not in self._ours:
                self._ours[at] = self._around(held.methods.contents)
            held.methods = ctypes.pointer(self._ours[at][0])
            self._files[file] = path
        return code

    def _deleted(self, vfs: int, name: int, synced: int) -> int:
        code = self._delete(vfs, name, synced)
        if code == 0:
            self.done.append(Done("delete", ctypes.string_at(name).decode(), synced))
        return code

    def _around(self, real: _Methods) -> tuple[_Methods, list[Any]]:
        ours = _Methods.from_buffer_copy(real)
        write, truncate, sync = _Write(real.write), _Truncate(real.truncate), _Sync(real.sync)

        def written(file: int, data: int, amount: int, at: int) -> int:
            self.done.append(Done("write", self._files[file], at, ctypes.string_at(data, amount)))
            return write(file, data, amount, at)

        def cut(file: int, size: int) -> int:
            self.done.append(Done("truncate", self._files[file], size))
            return truncate(file, size)

        def synced(file: int, flags: int) -> int:
            self.done.append(Done("sync", self._files[file]))
            return sync(file, flags)

        kept: list[Callable[..., int]] = [_Write(written), _Truncate(cut), _Sync(synced)]
        ours.write, ours.truncate, ours.sync = (ctypes.cast(one, _pointer) for one in kept)  # type: ignore[arg-type]  # a function's address
        return ours, [real, write, truncate, sync, *kept]
