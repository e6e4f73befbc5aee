"""The copied week is as good as a loaded one."""

from __future__ import annotations

from support.world import FIRST_DAY, TODAY, World


def test_a_copied_week_is_loaded_into_its_own_file_and_folder(week: World, loaded_week: World) -> None:
    assert week.require_truth([FIRST_DAY, TODAY]).fetches == 7
    before = loaded_week.database.read_bytes()
    state = week.machine / week.name / "state.json"
    assert str(loaded_week.folder) not in state.read_text()
    assert str(week.folder) in state.read_text()

    week.write(TODAY)
    week.load(start=None)

    assert week.require_truth([FIRST_DAY, TODAY]).fetches == 14
    assert loaded_week.database.read_bytes() == before
