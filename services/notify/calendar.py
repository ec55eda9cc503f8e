"""A meeting as a calendar reads it (RFC 5545 and 5546): a later one of the same match takes its place."""

from datetime import datetime, timedelta
from email.utils import parseaddr
from uuid import UUID

from icalendar import Calendar, Event, vCalAddress, vText

from shared.events import Meeting


def invitation(
    identity: tuple[UUID, int], meeting: Meeting, summary: str, organizer: str, attendees: dict[str, str], now: datetime
) -> str:
    """A request to come, as a file.

    Args:
        identity: the match, and its version; of one match's entries the one with the highest version holds.
        meeting: when and where.
        summary: the entry's title.
        organizer: our own address, with or without a name.
        attendees: names by address.
        now: when this was made.
    """
    match_id, version = identity
    event = Event()
    event.add("uid", f"{match_id}@i2pcc.local")
    event.add("sequence", version)
    event.add("dtstamp", now)
    event.add("dtstart", meeting.starts)
    event.add("dtend", meeting.starts + timedelta(minutes=meeting.minutes))
    event.add("summary", summary)
    event.add("status", "CONFIRMED")
    if meeting.place:
        event.add("location", meeting.place)
    name, mail = parseaddr(organizer)
    event.add("organizer", _person(mail, name), encode=False)
    for address, called in attendees.items():
        event.add("attendee", _attendee(address, called), encode=False)
    return _file(event)


def _attendee(mail: str, name: str) -> vCalAddress:
    person = _person(mail, name)
    person.params |= {"ROLE": vText("REQ-PARTICIPANT"), "PARTSTAT": vText("NEEDS-ACTION")}
    return person


def _person(mail: str, name: str) -> vCalAddress:
    person = vCalAddress(f"mailto:{mail}")
    if name:
        person.params["CN"] = vText(name)
    return person


def _file(event: Event) -> str:
    calendar = Calendar()
    calendar.add("prodid", "-//I2PCC//notify//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "REQUEST")
    calendar.add_component(event)
    return str(calendar.to_ical().decode())
