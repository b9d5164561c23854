"""Whether we may write to a database that somebody else keeps."""

from __future__ import annotations

from sqlalchemy import Connection, text

_READ_ONLY = text("SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'")
_CLOSED = text(
    """
    SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND NOT CASE relkind
        WHEN 'r' THEN has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
            AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')
        WHEN 'S' THEN has_sequence_privilege(oid, 'USAGE')
        ELSE true END
    ORDER BY relkind DESC, relname
    """
)
_NAMED = 3


def complaint(connection: Connection) -> str:
    """Why nothing, or not all, can be written to this PostgreSQL database; empty where all can."""
    standby, read_only = connection.execute(_READ_ONLY).one()
    if standby:
        return "it is a standby"
    if read_only:
        return "it takes no writes (default_transaction_read_only)"
    closed = list(connection.execute(_CLOSED).scalars())
    if not closed:
        return ""
    named = ", ".join(closed[:_NAMED]) + (" …" if len(closed) > _NAMED else "")
    return f"its role has no rights to write to {named}; let the role own the database"
