"""Alembic's common part: one environment for all services, and the tables that each of them has."""
