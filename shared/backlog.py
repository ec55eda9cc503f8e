"""What waits in the tables that every service has: queries for the service's own schema."""

OUTBOX = """
    select case when error is not null then 'parked' when not_before > now() then 'waiting' else 'due' end as state,
           count(*) as number, extract(epoch from now() - min(greatest(created_at, not_before)))::float as age
    from outbox group by 1
"""
ROW_STATES = ("due", "waiting", "parked")
"""To be published; not yet to be; refused by the broker, and tried again each 30 seconds."""
LETTERS = """
    select topic, case when next_try is null then 'left' else 'retrying' end as state, count(*) as number
    from dead_letter group by 1, 2
"""
LETTER_STATES = ("retrying", "left")
"""To be tried again by itself; left to an operator."""


def oldest(ages: list[float]) -> float:
    """Seconds that the oldest row of the outbox is late: an age below zero is of rows that are not due yet."""
    return max([0.0, *ages])
