"""A clock that can be set for some processes only: a library loaded before theirs adds what a file says to the time."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t nothing, *ahead = &nothing;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("SKEWED_BY");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *held = mmap(0, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
    if (held != MAP_FAILED) ahead = held;
    close(file);
}

int clock_gettime(clockid_t id, struct timespec *now) {
    int code = syscall(SYS_clock_gettime, id, now);
    if (!code && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += *ahead;
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
"""


class Skew:
    """`environment` makes a process (and its children) see the clock as `set_by(seconds)` last said. Its files lie in
    `folder`, which must be there as long as they run."""

    def __init__(self, folder: Path) -> None:
        self._by = folder / "skewed-by"
        self.set_by(0)
        source, library = folder / "skew.c", folder / "skew.so"
        source.write_text(_SOURCE, encoding="ascii")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True)
        self.environment = {"LD_PRELOAD": str(library), "SKEWED_BY": str(self._by)}

    @staticmethod
    def is_possible() -> bool:
        """Whether there is what makes the library."""
        return shutil.which("cc") is not None

    def set_by(self, seconds: int) -> None:
        """From now on the clock is wrong by so much; it jumps there at once."""
        with self._by.open("r+b" if self._by.exists() else "wb") as file:
            file.write(seconds.to_bytes(8, "little", signed=True))
