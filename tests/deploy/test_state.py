"""The state folder is ours, whole, and in one command's hands."""

from pathlib import Path

import pytest

from deploy.embedded import state
from deploy.problems import Problem


def test_a_folder_with_someone_elses_files_is_neither_used_nor_wiped(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    for use in (state.prepare, state.wipe):
        with pytest.raises(Problem, match="not this platform's"):
            use(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Problem, match="Nothing can be written"):
        state.prepare(tmp_path / "file" / "state")


@pytest.mark.parametrize("mark", ["State of the I2PCC platform, layout 2.", ""])
def test_a_folder_of_another_version_is_not_used_but_can_be_wiped(tmp_path: Path, mark: str) -> None:
    (tmp_path / state.MARK).write_text(mark)
    with pytest.raises(Problem, match="another version") as caught:
        state.prepare(tmp_path)
    assert "i2pcc down --wipe" in caught.value.hint
    state.wipe(tmp_path)
    assert not tmp_path.exists()


def test_wipe_removes_what_was_made(tmp_path: Path) -> None:
    state.prepare(tmp_path / "state")
    state.wipe(tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_two_commands_never_start_and_stop_at_once(tmp_path: Path) -> None:
    with state.alone(tmp_path), pytest.raises(Problem, match="Another i2pcc command"), state.alone(tmp_path):
        pass
    with state.alone(tmp_path):
        pass
