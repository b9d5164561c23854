"""What alembic runs to apply the steps, on the connection the store opened."""

from alembic import context

from pipelines.stores.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
