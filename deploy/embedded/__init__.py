"""The platform on one machine, without Docker: the real servers, from packages."""
