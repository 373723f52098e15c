"""Alembic migrations, run by `connector.store.migrate`."""
