"""The script behind the two commands of the README: what it installs, when, and how it ends."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import dev

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with both locks and an environment that looks finished."""
    (tmp_path / "requirements").mkdir()
    for name in dev.LOCKS:
        (tmp_path / "requirements" / f"{name}.txt").write_text(f"{name}==1 \\\n    --hash=sha256:0\n")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    return tmp_path


def test_an_environment_without_a_stamp_is_not_trusted(checkout: Path) -> None:
    assert not dev.Installation(checkout).holds("sandbox")


def test_the_larger_lock_covers_the_smaller(checkout: Path) -> None:
    installation = dev.Installation(checkout)

    installation.record("sandbox")
    assert installation.holds("sandbox")
    assert not installation.holds("development")

    installation.record("development")
    assert installation.holds("sandbox")
    assert installation.holds("development")


def test_a_changed_lock_is_installed_again(checkout: Path) -> None:
    installation = dev.Installation(checkout)
    installation.record("development")

    (checkout / "requirements" / "sandbox.txt").write_text("sandbox==2\n")

    assert not installation.holds("sandbox")
    assert installation.holds("development")


def test_an_interrupted_installation_is_made_again_from_nothing(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = dev.Installation(checkout)
    installation.record("sandbox")
    (checkout / ".venv" / ".unfinished").touch()
    (checkout / ".venv" / "half-a-package").touch()
    made: list[Path] = []
    monkeypatch.setattr(dev.venv, "create", lambda directory, **_: made.append(directory))
    monkeypatch.setattr(dev, "run_showing_progress", lambda *_, **__: None)

    assert not installation.holds("sandbox")
    installation.ensure("sandbox")

    assert made == [checkout / ".venv"]
    assert not (checkout / ".venv" / "half-a-package").exists()
    assert not (checkout / ".venv" / ".unfinished").exists()


def test_a_failed_installation_stays_unfinished(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise dev.Failed("no network")

    installation = dev.Installation(checkout)
    monkeypatch.setattr(dev.venv, "create", lambda *_, **__: None)
    monkeypatch.setattr(dev, "run_showing_progress", fail)

    with pytest.raises(dev.Failed):
        installation.ensure("sandbox")

    assert (checkout / ".venv" / ".unfinished").exists()
    assert not installation.holds("sandbox")


def test_an_environment_that_fits_is_extended_and_not_made_again(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = ".".join(str(part) for part in sys.version_info[:2])
    (checkout / ".venv" / "pyvenv.cfg").write_text(f"home = /somewhere\nversion = {version}.0\n")
    installed: list[str] = []
    monkeypatch.setattr(dev, "run_showing_progress", lambda command, *_, **__: installed.append(command[-1]))

    dev.Installation(checkout).ensure("development")

    assert [Path(lock).name for lock in installed] == ["development.txt"]
    assert (checkout / ".venv" / "pyvenv.cfg").exists()


def test_the_installer_of_a_killed_script_keeps_the_next_one_waiting(tmp_path: Path) -> None:
    """The installer goes on alone after SIGKILL; it holds the lock that the next start asks for."""
    script = (
        "import dev, pathlib, sys\n"
        f"with dev.Installation(pathlib.Path({str(tmp_path)!r}))._locked() as held:\n"
        "    dev.run_showing_progress(['sh', '-c', f'echo $$ >{sys.argv[1]}; exec sleep 60'], 'x', keep_open=[held])\n"
    )
    number = tmp_path / "number"
    process = subprocess.Popen([sys.executable, "-c", script, str(number)], cwd=ROOT, stdout=subprocess.DEVNULL)
    while not (number.exists() and number.read_text()) and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    installer = int(number.read_text())

    try:
        with (tmp_path / ".venv.lock").open("a") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.kill(installer, signal.SIGKILL)


def test_progress_is_shown_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "SECONDS_BEFORE_PROGRESS", 0.0)
    program = "import sys, time; print('\\nCollecting a\\nCollecting b', flush=True); time.sleep(0.5)"

    dev.run_showing_progress([sys.executable, "-c", program], "Installing", counting=b"Collecting ")

    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("Installing: ")
    assert last.startswith("Installing: done in ")


def test_a_failing_program_ends_with_what_it_said() -> None:
    with pytest.raises(dev.Failed, match=r"(?s)Installing failed:.*no such package"):
        dev.run_showing_progress([sys.executable, "-c", "import sys; sys.exit('no such package')"], "Installing")


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["dance"], 2)])
def test_help_names_the_commands(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(arguments) == code
    assert "python3 dev.py test" in capsys.readouterr().out


def test_ctrl_c_lets_the_program_clean_up_and_prints_no_traceback(tmp_path: Path) -> None:
    """The signal goes to the whole foreground group, as a terminal sends it."""
    ready, cleaned = tmp_path / "ready", tmp_path / "cleaned"
    program = (
        "import pathlib, sys, time\n"
        f"pathlib.Path({str(ready)!r}).touch()\n"
        "try:\n    time.sleep(60)\n"
        f"except KeyboardInterrupt:\n    pathlib.Path({str(cleaned)!r}).touch(); sys.exit(7)\n"
    )
    script = f"import dev, os, sys; sys.exit(dev.run_to_its_end([sys.executable, '-c', {program!r}], os.environ))"
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not ready.exists() and process.poll() is None:
        time.sleep(0.01)

    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate()

    assert process.returncode == 7
    assert errors == ""
    assert cleaned.exists()


def test_locks_have_hashes_and_no_addresses() -> None:
    for name in ("production", "sandbox", "development"):
        lock = (ROOT / "requirements" / f"{name}.txt").read_text()
        assert "://" not in lock
        entries = [line for line in lock.splitlines() if line and not line.startswith(" ")]
        assert all(line.endswith("\\") for line in entries)


def test_what_runs_in_production_is_tested_in_the_same_versions() -> None:
    def versions(name: str) -> set[str]:
        lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
        return {line.split(" ")[0] for line in lines if "==" in line}

    assert versions("production") <= versions("sandbox") <= versions("development")
