"""A machine whose clock is wrong or whose disk takes no writes, for some processes only.

A library loaded before theirs adds what a file says to the time, and refuses what would write to the disk that the file
lies on, as a system does that has found its disk broken (EROFS), or is just finding out (EIO).
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

_SOURCE = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct ailments { int64_t ahead, refuses; };
static struct ailments none;
static volatile struct ailments *now_is = &none;
static dev_t disk;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("AILING_BY");
    int file = name ? syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC, 0) : -1;
    struct stat at;
    if (file < 0) return;
    void *held = mmap(0, sizeof none, PROT_READ, MAP_SHARED, file, 0);
    if (held != MAP_FAILED && !fstat(file, &at)) {
        disk = at.st_dev;
        now_is = held;
    }
    close(file);
}

int clock_gettime(clockid_t id, struct timespec *now) {
    int code = syscall(SYS_clock_gettime, id, now);
    if (!code && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += now_is->ahead;
    return code;
}

time_t time(time_t *now) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    if (now) *now = at.tv_sec;
    return at.tv_sec;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec at;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &at)) return -1;
    now->tv_sec = at.tv_sec;
    now->tv_usec = at.tv_nsec / 1000;
    return 0;
}

static int refused(int wrong, const struct stat *at) {
    if (wrong || at->st_dev != disk || !(S_ISREG(at->st_mode) || S_ISDIR(at->st_mode))) return 0;
    errno = now_is->refuses;
    return 1;
}

static int refused_file(int file) {
    struct stat at;
    return now_is->refuses && refused(fstat(file, &at), &at);
}

static int refused_path(int folder, const char *path, int flags) {
    struct stat at;
    char above[PATH_MAX];
    if (now_is->refuses != EROFS || !(flags & (O_WRONLY | O_RDWR | O_CREAT))) return 0;
    if (!fstatat(folder, path, &at, 0)) return (flags & (O_WRONLY | O_RDWR)) && refused(0, &at);
    strncpy(above, path, sizeof above - 1);
    above[sizeof above - 1] = 0;
    char *slash = strrchr(above, '/');
    if (slash) *slash = 0;
    return refused(fstatat(folder, slash ? above : ".", &at, 0), &at);
}

static int opened(int folder, const char *path, int flags, va_list rest) {
    int mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, int) : 0;
    return refused_path(folder, path, flags) ? -1 : (int)syscall(SYS_openat, folder, path, flags, mode);
}

#define OPEN(name, folder, ...) int name(__VA_ARGS__ const char *path, int flags, ...) { \
    va_list rest; va_start(rest, flags); \
    int file = opened(folder, path, flags, rest); \
    va_end(rest); return file; }
OPEN(open, AT_FDCWD)
OPEN(open64, AT_FDCWD)
OPEN(openat, folder, int folder,)
OPEN(openat64, folder, int folder,)

ssize_t write(int file, const void *what, size_t size) {
    return refused_file(file) ? -1 : syscall(SYS_write, file, what, size);
}

ssize_t pwrite64(int file, const void *what, size_t size, off64_t where) {
    return refused_file(file) ? -1 : syscall(SYS_pwrite64, file, what, size, where);
}

ssize_t pwrite(int file, const void *what, size_t size, off_t where) {
    return pwrite64(file, what, size, where);
}

int ftruncate64(int file, off64_t size) {
    return refused_file(file) ? -1 : syscall(SYS_ftruncate, file, size);
}

int ftruncate(int file, off_t size) {
    return ftruncate64(file, size);
}
"""


class Ailing:
    """`environment` makes a process and its children suffer what `suffer()` last said. Its files lie in `folder`, which
    must be there as long as they run, and is on the disk that takes no writes."""

    def __init__(self, folder: Path) -> None:
        self._by = folder / "ailing-by"
        self.suffer()
        source, library = folder / "ailing.c", folder / "ailing.so"
        source.write_text(_SOURCE, encoding="ascii")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True)
        self.environment = {"LD_PRELOAD": str(library), "AILING_BY": str(self._by)}

    @staticmethod
    def is_possible() -> bool:
        """Whether there is what makes the library."""
        return shutil.which("cc") is not None

    def suffer(self, *, ahead_s: int = 0, refuses: int = 0) -> None:
        """From now on the clock is wrong by so much, to which it jumps at once, and the disk takes writes (0), or none,
        with this number of `errno`."""
        with self._by.open("r+b" if self._by.exists() else "wb") as file:
            file.write(struct.pack("=qq", ahead_s, refuses))
