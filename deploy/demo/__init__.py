"""The demo: the sample, and what plays it."""
