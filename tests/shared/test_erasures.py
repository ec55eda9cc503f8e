"""The ledgers of erasures: what was noted is there, whatever became of a link or of a note that was cut short."""

from pathlib import Path
from uuid import uuid4

import pytest

from shared.erasures import OWN, note, read


def test_a_note_is_in_every_ledger_and_names_nothing_but_an_id(tmp_path: Path) -> None:
    folder, other = tmp_path / "erasures", tmp_path / "elsewhere.jsonl"
    first, second = uuid4(), uuid4()
    note(folder, first)
    (folder / "linked.jsonl").symlink_to(other)
    note(folder, second)
    assert [each.contact_id for each in read(folder / OWN)] == [first, second]
    assert [each.contact_id for each in read(other)] == [second]
    assert (folder / OWN).stat().st_mode & 0o777 == 0o600
    assert set(read(other)[0].model_dump()) == {"at", "contact_id"}


def test_a_link_that_leads_nowhere_keeps_nobody_from_being_erased(tmp_path: Path) -> None:
    contact_id = uuid4()
    note(tmp_path, uuid4())
    (tmp_path / "linked.jsonl").symlink_to(tmp_path / "unmounted" / "erasures.jsonl")
    note(tmp_path, contact_id)
    assert read(tmp_path / OWN)[-1].contact_id == contact_id


def test_a_note_that_was_cut_short_spoils_no_other(tmp_path: Path) -> None:
    whole, after = uuid4(), uuid4()
    note(tmp_path, whole)
    with (tmp_path / OWN).open("ab") as stream:
        stream.write(b'\n{"at":"2019-03-01T00:00')
    note(tmp_path, after)
    assert [each.contact_id for each in read(tmp_path / OWN)] == [whole, after]


def test_a_file_of_something_else_is_not_taken_for_an_empty_ledger(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("Call Mieke.\n")
    with pytest.raises(ValueError, match="Invalid JSON"):
        read(file)
