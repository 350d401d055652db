"""What can be wrong before anything starts: one sentence names it, nothing is left running."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ops.up.home import HomeProblem, open_home, running, write_run
from ops.up.supervisor import Child, DidNotStart, Spec, stop
from schemas.profile_files import profile_dir
from tests.whole.centre import clean_env


def up(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops.cli", "up", *words],
        capture_output=True, text=True, timeout=60, env=clean_env(),
    )  # fmt: skip


class TestRefusals:
    def test_a_taken_port_is_named_with_a_way_out(self, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = up("--data-dir", str(tmp_path / "d"), "--port", str(port))
        assert done.returncode == 1
        assert str(port) in done.stdout
        assert "--port" in done.stdout

    def test_a_data_directory_of_a_newer_version_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "gridwhistle.json").write_text('{"format": 99}')
        done = up("--data-dir", str(tmp_path), "--port", "0")
        assert done.returncode == 1
        assert "99" in done.stdout
        assert json.loads((tmp_path / "gridwhistle.json").read_text()) == {"format": 99}

    def test_a_broken_profile_names_file_line_and_field(self, tmp_path: Path) -> None:
        broken = tmp_path / "broken"
        shutil.copytree(profile_dir("qinglan"), broken)
        file = broken / "deadlines.tsv"
        lines = file.read_text("utf-8").splitlines()
        cells = lines[1].split("\t")
        cells[lines[0].split("\t").index("clock")] = "no_such_clock"
        lines[1] = "\t".join(cells)
        file.write_text("\n".join(lines) + "\n", "utf-8")
        done = up("--data-dir", str(tmp_path / "d"), "--profile", str(broken))
        assert done.returncode == 2
        assert "deadlines.tsv:2" in done.stdout
        assert "clock" in done.stdout

    def test_a_profile_that_is_not_there_is_said_so(self, tmp_path: Path) -> None:
        done = up("--data-dir", str(tmp_path / "d"), "--profile", "nowhere")
        assert done.returncode == 2
        assert "nowhere" in done.stdout

    def test_commands_without_a_running_system_say_what_to_do(self, tmp_path: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "ops.cli", "ledger", "--data-dir", str(tmp_path)],
            capture_output=True, text=True, timeout=60, env=clean_env(),
        )  # fmt: skip
        assert done.returncode == 1
        assert "gridwhistle up" in done.stderr


class TestHome:
    def test_it_can_be_open_once(self, tmp_path: Path) -> None:
        _, lock = open_home(tmp_path)
        with pytest.raises(HomeProblem, match="另一个"):
            open_home(tmp_path)
        os.close(lock)
        _, again = open_home(tmp_path)
        os.close(again)

    def test_secrets_are_made_once_and_are_private(self, tmp_path: Path) -> None:
        home, lock = open_home(tmp_path)
        os.close(lock)
        before = home.passwords()
        assert len(set(before.values())) == len(before) == 4
        assert stat.S_IMODE(home.store_passwords.stat().st_mode) == 0o600
        assert stat.S_IMODE(home.secrets.stat().st_mode) == 0o700
        home, lock = open_home(tmp_path)
        os.close(lock)
        assert home.passwords() == before

    def test_a_dead_system_is_not_running(self, tmp_path: Path) -> None:
        home, lock = open_home(tmp_path)
        os.close(lock)
        write_run(home, {"pid": os.getpid()})
        assert running(tmp_path) is not None
        gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                              capture_output=True, text=True)  # fmt: skip
        write_run(home, {"pid": int(gone.stdout)})
        assert running(tmp_path) is None


def script(name: str, code: str, ready: str = "ready ") -> Spec:
    return Spec(name, (sys.executable, "-u", "-c", code), {}, ready)


def in_loop(story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await asyncio.wait_for(story(), 40)

    asyncio.run(main())


class TestSupervisor:
    def test_a_child_that_ends_is_started_again(self, tmp_path: Path) -> None:
        marks = tmp_path / "marks"
        code = (
            f"import pathlib, time\np = pathlib.Path({str(marks)!r})\n"
            "n = len(p.read_text()) if p.exists() else 0\np.write_text('x' * (n + 1))\n"
            "print('ready', n)\nn or exit(3)\ntime.sleep(60)"
        )

        async def story() -> None:
            child = Child(script("again", code), tmp_path)
            assert await child.ready(20) == "0"
            while not (marks.exists() and len(marks.read_text()) == 2):
                await asyncio.sleep(0.02)
            assert child.restarts == 1
            await stop([child], 5)

        in_loop(story)

    def test_a_child_that_never_gets_ready_is_quoted(self, tmp_path: Path) -> None:
        async def story() -> None:
            child = Child(script("broken", "print('磁盘满了'); exit(1)"), tmp_path)
            with pytest.raises(DidNotStart, match="磁盘满了"):
                await child.ready(20)

        in_loop(story)
        assert "磁盘满了" in (tmp_path / "broken.log").read_text("utf-8")

    def test_a_stubborn_child_is_killed(self, tmp_path: Path) -> None:
        code = (
            "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "print('ready 1')\ntime.sleep(60)"
        )

        async def story() -> None:
            child = Child(script("stubborn", code), tmp_path)
            await child.ready(20)
            pid = child.pid
            assert pid is not None
            await stop([child], 0.3)
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)

        in_loop(story)

    @pytest.mark.skipif(sys.platform != "linux", reason="children die with us on Linux only")
    def test_children_die_with_a_killed_supervisor(self, tmp_path: Path) -> None:
        code = (
            "import asyncio, pathlib, sys\nfrom ops.up.supervisor import Child, Spec\n"
            "async def main():\n"
            "    c = Child(Spec('c', (sys.executable, '-uc', 'import time; print(\"ready 1\"); "
            f"time.sleep(60)'), {{}}, 'ready '), pathlib.Path({str(tmp_path)!r}))\n"
            "    await c.ready(20)\n    print(c.pid, flush=True)\n    await asyncio.sleep(60)\n"
            "asyncio.run(main())"
        )
        parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
        for _ in range(200):
            if not Path(f"/proc/{pid}").exists():
                return
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            if state == "Z":
                return
            signal.sigtimedwait([], 0.05)
        raise AssertionError(f"child {pid} outlived its supervisor")

    def test_output_is_kept_within_bounds(self, tmp_path: Path) -> None:
        code = (
            "print('ready 1')\nfor i in range(3000): print('x' * 10000)\n"
            "import time\ntime.sleep(60)"
        )

        async def story() -> None:
            child = Child(script("chatty", code), tmp_path)
            await child.ready(20)
            while len(list(tmp_path.glob("chatty.log*"))) < 4:
                await asyncio.sleep(0.05)
            await stop([child], 5)

        in_loop(story)
        assert sum(f.stat().st_size for f in tmp_path.glob("chatty.log*")) < 25 << 20
