"""Reads the spans that the services keep, and shows them."""
