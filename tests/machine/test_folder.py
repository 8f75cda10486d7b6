from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from safecheck.machine.folder import PREFIX, sweep, working_folder

WORKS = """
import sys, time
from safecheck.machine.folder import working_folder
with working_folder(sys.argv[1]) as folder:
    open(folder + "/file", "w").close()
    print(folder, flush=True)
    time.sleep(1000)
"""


def test_it_is_gone_afterwards(tmp_path: Path) -> None:
    with working_folder(str(tmp_path)) as folder:
        Path(folder, "file").write_text("")
        assert Path(folder).parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_swept_and_what_others_work_in_is_not(tmp_path: Path) -> None:
    others = [
        subprocess.Popen([sys.executable, "-c", WORKS, tmp_path], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    folders = [Path(other.stdout.readline().strip()) for other in others if other.stdout is not None]
    (tmp_path / f"{PREFIX}file").write_text("")
    (tmp_path / f"{PREFIX}link").symlink_to(folders[1])
    others[0].kill()
    others[0].wait()
    with working_folder(str(tmp_path)) as mine:
        assert not folders[0].exists()
        assert (folders[1] / "file").exists()
        sweep(str(tmp_path))
        assert os.path.isdir(mine)
    assert {path.name for path in tmp_path.iterdir()} == {folders[1].name, f"{PREFIX}file", f"{PREFIX}link"}
    others[1].kill()
    others[1].communicate()
