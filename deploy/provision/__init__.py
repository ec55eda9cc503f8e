"""Bring Kafka and PostgreSQL to what the manifest says, as often as one likes."""
