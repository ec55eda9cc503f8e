"""Faults made to real processes under load, and what must be true when they are over (ADR 12)."""
