"""Which database was used last, while another process writes to one of them."""

from __future__ import annotations

import threading
from pathlib import Path

from crawler.databases import used_last
from pipelines.config import load


def test_a_log_may_be_taken_away_while_it_is_looked_at(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert config.database_file is not None
    config.database_file.touch()
    log, done = tmp_path / f"{config.database_file.name}-wal", threading.Event()

    def write() -> None:
        while not done.is_set():
            log.touch()
            log.unlink()

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for _ in range(2_000):
            assert used_last(config) == config.database
    finally:
        done.set()
        writing.join()
