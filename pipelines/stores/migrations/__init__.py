"""Alembic's steps from one version of the tables to the next; they run at start."""
