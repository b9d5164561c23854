"""How much a machine takes at once: what the configuration leaves open is chosen from its cores and its memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pipelines.config import Config

# what a worker holds beside its share of libraries and models, and what a batch of large pages takes for a moment
WORKER_MB = 400
# a batch of fewer pages pays the queue's fifty commands a job too often, one of more keeps other workers idle
BATCH = 64
SMALL_BATCH = 32
SMALL_MB = 1_500
# a host in flight may hold its answer, of 8 MB at most, and the crawler's tables grow with the hosts it owns
HOSTS_A_CORE = 32
HOST_MB = 32
MOST_HOSTS = 128


@dataclass(frozen=True, slots=True)
class Machine:
    """Cores this process may use, and MB of memory nobody uses."""

    cores: int
    free_mb: int

    @classmethod
    def here(cls) -> Machine:
        """The one we run on, under the limits of the group of processes we are in."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return cls(max(1, min(cores, _quota() or cores)), _free_mb())


@dataclass(frozen=True, slots=True)
class Tuned:
    """`workers`: most extraction processes; `batch`: rows a job; `concurrency`: hosts asked at once; `why`, each."""

    workers: int
    batch: int
    concurrency: int
    why: dict[str, str]


def tuned(config: Config, machine: Machine | None = None) -> Tuned:
    """What holds here: settings as they are, and for those that are 0 what suits the machine."""
    here = machine or Machine.here()
    has = f"{here.cores} core{'s' * (here.cores > 1)}, {here.free_mb} MB free"
    fits = max(1, here.free_mb // WORKER_MB)
    workers = min(max(1, here.cores - 1) if here.cores > 2 else here.cores, fits)
    batch = BATCH if here.free_mb >= SMALL_MB else SMALL_BATCH
    concurrency = max(8, min(MOST_HOSTS, HOSTS_A_CORE * here.cores, here.free_mb // HOST_MB))
    why = {
        "queue.workers": f"up to {workers}, one more whenever a full batch waits: {has}",
        "queue.batch": f"{batch}: {has}",
        "crawl.concurrency": f"{concurrency}: {has}",
    }
    asked = {
        "queue.workers": config.queue.workers, "queue.batch": config.queue.batch,
        "crawl.concurrency": config.crawl.concurrency,
    }  # fmt: skip
    return Tuned(
        asked["queue.workers"] or workers, asked["queue.batch"] or batch, asked["crawl.concurrency"] or concurrency,
        {name: said for name, said in why.items() if not asked[name]},
    )  # fmt: skip


def _quota() -> int | None:
    """The cores a container is limited to; None where it is not."""
    try:
        most, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return None if most == "max" else max(1, int(most) // int(period))
    except (OSError, ValueError):
        return None


def _free_mb() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):  # no Linux: half of what there is
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (2 << 20)
    try:
        most = int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")) >> 20
        used = int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii")) >> 20
        return min(free, max(0, most - used))
    except (OSError, ValueError):
        return free
