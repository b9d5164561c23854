"""The truth: every URL, host, article, signature and run, in SQLite or PostgreSQL through SQLAlchemy Core."""

from sqlalchemy import Connection

from pipelines.stores.store import Store, open_store, require_writes

__all__ = ["Connection", "Store", "open_store", "require_writes"]
