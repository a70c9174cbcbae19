"""`citrate load`: words, plans, files, signals, and the same from code; the generator itself is tested elsewhere."""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cit_cli import environment, fetch, free_port, run, serving
from citrate import load as load_api
from citrate.errors import ConfigError
from citrate.load import command, compare, native, options, plan, sweep
from load_tool import GENERATOR, lines, load, load_process, site, summary, write_site
from server import children_of, wait_for

Begin = Callable[..., subprocess.Popen[bytes]]
REPORTED = "citrate load: the report is {}/index.html"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> object:
    """The small site, served for all tests of the module."""
    with site(tmp_path_factory.mktemp("site"), "--workers", "2") as (address, _):
        yield address


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts runs in tmp_path with the report in "out", and ends those that go on after the test."""
    processes = []

    def start(*args: str, **popen: Any) -> subprocess.Popen[bytes]:
        processes.append(load_process(*args, "--report", "out", cwd=tmp_path, **popen))
        return processes[-1]

    yield start
    for process in processes:
        if process.poll() is None:
            process.terminate()
            process.wait(20)


# ---- words ----


def test_help_tells_of_the_generators_options_and_of_this_commands() -> None:
    told = load("--help")
    assert told.returncode == 0
    assert told.stderr == ""
    for word in ("--users", "--rate", "--report", "--watch-pid", "--locust-worker", "compare", "sweep"):
        assert word in told.stdout


def test_citrate_help_mentions_it() -> None:
    assert "citrate load" in run("--help").stdout


def test_generator_and_command_know_the_same_options() -> None:
    told = subprocess.run([native.find(), "--help"], capture_output=True, text=True, check=True).stdout
    theirs = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", told))
    known = {*options.VALUES, *options.SWITCHES}
    assert theirs - known == set()
    assert known - theirs - {"--folder", "--plan-name"} == set()
    for name, short in {**options.VALUES, **options.SWITCHES}.items():
        if short:
            assert re.search(rf"{short}, {name}\b", told), f"{short} is {name}"


def test_version_is_that_of_citrate() -> None:
    assert load("--version").stdout.split()[-1] == run("--version").stdout.split()[-1]


@pytest.mark.parametrize(
    "argv, message",
    [
        (["--usrs", "3", "x"], "--usrs: no such option of citrate load; did you mean --users?"),
        (["--users"], "--users: needs a value"),
        (["--poisson=1", "x"], "--poisson: takes no value"),
        (["-Z"], "-Z: no such option of citrate load; citrate load --help lists them"),
        (["--watch-pid", "me", "x"], "--watch-pid: 'me' is not a whole number from 1 on"),
        (["no-such.toml"], "no-such.toml: No such file or directory"),
    ],
)
def test_what_is_wrong_with_the_words_is_told_in_one_line(argv: list[str], message: str) -> None:
    told = load(*argv)
    assert (told.returncode, told.stdout, told.stderr) == (2, "", f"citrate: {message}\n")


@pytest.mark.parametrize("argv", [[], ["a", "b"], ["a", "--", "b"]])
def test_one_address_or_plan_is_wanted(argv: list[str]) -> None:
    told = load(*argv)
    assert told.returncode == 2
    assert "usage: citrate load [options] URL | PLAN.toml" in told.stderr


ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "examples/load/README.md"]


@pytest.mark.parametrize("page", [page for page in PAGES if page.exists()], ids=lambda page: page.name)
def test_commands_on_the_pages_have_only_options_there_are(page: Path) -> None:
    text = page.read_text().replace("\\\n", " ")
    for line in re.findall(r"^(?:\$ |    |# +)citrate load (.*)$", text, re.M):
        words = shlex.split(line.partition("    #")[0].replace("…", "").replace("; echo $?", ""))
        if words[0] in ("import", "report"):
            continue
        own = {"compare": compare.OWN, "sweep": sweep.OWN}.get(words[0], command.OWN)
        options.split(words[1:] if words[0] in command.WORDS else words, own)


def test_plans_on_the_tutorials_page_can_be_read(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/load.md").read_text(), re.S)
    assert blocks
    for block in blocks:
        (tmp_path / "plan.toml").write_text(block)
        assert plan.target_of(plan.read(str(tmp_path / "plan.toml")))


def test_options_are_passed_on_as_they_were_given() -> None:
    given = options.split(["-c5", "-Lk", "--header", "A: b", "-H", "C: d", "--time=3s", "u", "--watch-pid", "7"],
                          {"--watch-pid": True})  # fmt: skip
    passed = ["--users", "5", "--follow", "--insecure", "--header", "A: b", "--header", "C: d", "--time", "3s"]
    assert given.native() == passed
    assert (given.operands, given.all("--watch-pid"), given.last("--users", "1")) == (["u"], ["7"], "5")


def test_the_executable_is_named_when_it_is_missing(tmp_path: Path) -> None:
    told = load("http://127.0.0.1:1/", env={"CITRATE_LOAD": str(tmp_path / "nothing")})
    assert told.returncode == 2
    assert told.stderr == f"citrate: the load generator is not at {tmp_path}/nothing (CITRATE_LOAD names it)\n"


def test_citrate_load_with_a_dash_is_the_generator_itself() -> None:
    code = "from citrate.load.native import main; main()"
    told = run("-c", code, "--version", command=[sys.executable], env=GENERATOR)
    assert told.stdout == subprocess.run([native.find(), "--version"], capture_output=True, text=True).stdout


def test_a_module_called_load_can_be_served(tmp_path: Path) -> None:
    write_site(tmp_path)
    (tmp_path / "site_under_load.py").rename(tmp_path / "load.py")
    port = free_port()
    bind = ["--bind", f"127.0.0.1:{port}"]
    with serving("load:application", *bind, log=tmp_path / "log", url=f"http://127.0.0.1:{port}/", cwd=tmp_path):
        assert fetch(f"http://127.0.0.1:{port}/")[1] == b"somebody says hello\n"


def test_a_server_does_not_mind_where_the_generator_is(tmp_path: Path) -> None:
    write_site(tmp_path)
    told = run("--check-config", "site_under_load", cwd=tmp_path, env={"CITRATE_LOAD": "/somewhere"})
    assert (told.returncode, told.stderr) == (0, "")


def test_starting_it_imports_nothing_heavy() -> None:
    code = "import sys, citrate.cli, citrate.load.command, citrate.load.native; print(*sys.modules)"
    modules = set(run("-c", code, command=[sys.executable]).stdout.split())
    assert "citrate.load.command" in modules
    heavy = {"argparse", "subprocess", "tempfile", "json", "socket", "statistics", "tomllib", "asyncio", "http.client"}
    assert modules & heavy == set()


# ---- runs ----


def test_a_run_of_an_address_leaves_its_files_and_a_page(url: str, tmp_path: Path) -> None:
    told = load(url + "/", "--users", "2", "--requests", "50", "--report", "out", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert REPORTED.format("out") in told.stderr
    found = summary(tmp_path / "out")
    assert (found["requests"], found["errors"], found["state"]) == (50, 0, "finished")
    for name in ("plan.json", "seconds.jsonl", "histograms.jsonl", "steps.csv", "server.jsonl", "index.html"):
        assert (tmp_path / "out" / name).stat().st_size > 0, name


def test_without_a_report_nothing_is_left(url: str, tmp_path: Path) -> None:
    told = load(url + "/", "--requests", "5", "--report", "none", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_server_is_sampled_each_second(url: str, tmp_path: Path) -> None:
    assert load(url + "/", "--users", "2", "--time", "2500ms", "--report", "out", cwd=tmp_path).returncode == 0
    rows = lines(tmp_path / "out" / "server.jsonl")
    assert [row["second"] for row in rows] == list(range(len(rows)))
    assert len(rows) >= 3
    cpu = [row["cpu"] for row in rows]
    assert cpu == sorted(cpu)
    assert cpu[-1] > cpu[0]
    at = [row["at"] for row in rows]
    assert at == sorted(at)
    assert {row["citrate"] for row in rows} == {True}
    assert {row["processes"] for row in rows} == {3}


def test_a_watched_process_takes_the_place_of_the_sockets_owners(url: str, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        told = load(url + "/", "-n", "5", "--report", "out", "--watch-pid", str(other.pid), cwd=tmp_path)
        assert told.returncode == 0, told.stderr
        other.communicate()
    row = lines(tmp_path / "out" / "server.jsonl")[0]
    assert (row["processes"], row["citrate"]) == (1, False)
    assert row["name"].endswith("-c input()")


def test_a_second_run_takes_the_place_of_the_first(url: str, tmp_path: Path) -> None:
    for count in ("20", "7"):
        assert load(url + "/", "-n", count, "--report", "out", cwd=tmp_path).returncode == 0
    assert summary(tmp_path / "out")["requests"] == 7
    assert lines(tmp_path / "out" / "server.jsonl")[0]["second"] == 0


def test_a_folder_with_other_things_is_left_alone(url: str, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("dear")
    told = load(url + "/", "-n", "5", "--report", "out", cwd=tmp_path)
    assert told.returncode == 2
    assert "out" in told.stderr
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["letter.txt"]


def test_nobody_listening_is_status_1(tmp_path: Path) -> None:
    told = load(f"http://127.0.0.1:{free_port()}/", "--time", "300ms", "--report", "out", cwd=tmp_path)
    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    assert summary(tmp_path / "out")["errors_by_kind"]["connect"] > 0


def test_samples_of_an_earlier_run_are_not_taken_for_this_ones(url: str, tmp_path: Path) -> None:
    assert load(url + "/", "-n", "5", "--report", "out", cwd=tmp_path).returncode == 0
    assert lines(tmp_path / "out" / "server.jsonl")
    nobody = f"http://127.0.0.1:{free_port()}/"
    assert load(nobody, "--time", "200ms", "--report", "out", cwd=tmp_path).returncode == 1
    assert lines(tmp_path / "out" / "server.jsonl") == []


@pytest.mark.slow  # memory: a sanitizer's own would count
def test_the_command_itself_takes_little_memory_and_time(url: str, tmp_path: Path, begin: Begin) -> None:
    process = begin(url + "/", "--users", "1", "--time", "3s")
    peaks = []
    used = 0
    while process.poll() is None:
        text = Path(f"/proc/{process.pid}/status").read_text()
        peaks += [int(m) for m in re.findall(r"VmHWM:\s+(\d+)", text)]
        used = sum(map(int, Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
        time.sleep(0.1)
    assert max(peaks) < 40 * 1024, "KiB"
    assert used / os.sysconf("SC_CLK_TCK") < 1.5, "half of its time at most"


# ---- plans ----


def test_a_plan_is_run_and_its_files_are_looked_for_beside_it(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "plans"
    folder.mkdir()
    (folder / "walk.hurl").write_text("GET /\nX-Name: {{name}}\nHTTP 200\n")
    (folder / "users.csv").write_text("name\nada\ngrace\n")
    (folder / "plan.toml").write_text(
        f'target = "{url}"\njourneys = ["walk.hurl"]\nusers = 2\ntime = "1s"\n[data]\ncsv = "users.csv"\nwhen_out = "again"\n'
    )
    told = load("plans/plan.toml", "--requests", "20", "--report", "out", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert summary(tmp_path / "out")["requests"] == 20
    assert lines(tmp_path / "out" / "server.jsonl")[0]["citrate"] is True


def test_a_plan_as_json_is_the_same(url: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(f'{{"url": "{url}/", "users": 1, "requests": 9}}')
    told = load("plan.json", "--report", "out", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert summary(tmp_path / "out")["requests"] == 9


@pytest.mark.parametrize(
    "text, message",
    [
        ('target = "x\n', "plan.toml:1:12: illegal character '\\n'"),
        ('users = 1\n\n  time = \n', "plan.toml:3:10: invalid value"),
        ("users = [1,\n", "plan.toml:2:1: "),
        ('a = "', "plan.toml:1:6: "),
        ("a = 1\na = 2\n", "plan.toml:2:6: cannot overwrite a value"),
        ("started = 2026-01-01\n", "plan.toml: started: 2026-01-01 is a date or a time of day"),
        ("[[stages]]\nfor = 10:00:00\n", "plan.toml: stages[0].for: 10:00:00 is a date or a time of day"),
        ("rate = inf\n", "plan.toml: rate: inf is no number of a plan"),
        ("[variables]\nx = [1, nan]\n", "plan.toml: variables.x[1]: nan is no number of a plan"),
        ("\x80", "plan.toml:1: this is no UTF-8 text"),
    ],
)  # fmt: skip
def test_what_is_no_toml_or_no_json_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "plan.toml").write_bytes(text.encode("latin-1"))
    told = load("plan.toml", cwd=tmp_path)
    assert told.returncode == 2
    assert told.stderr.startswith(f"citrate: {message}")
    assert told.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "text, member",
    [
        ("[[stages]]\nusers = 1\nfor = '1s'\n[[stages]]\nusers = 'ten'\nfor = '1s'\n", "stages[1].users"),
        ("usrs = 3\n", "usrs"),
        ("[data]\ncsv = 'no-such.csv'\n", "no-such.csv"),
        ("journeys = ['no-such.hurl']\n", "no-such.hurl"),
    ],
)
def test_what_is_wrong_in_a_plan_is_told_with_the_names_of_file_and_member(
    tmp_path: Path, text: str, member: str
) -> None:
    (tmp_path / "plan.toml").write_text(f"target = 'http://127.0.0.1:9'\n{text}")
    told = load("plan.toml", cwd=tmp_path)
    assert told.returncode == 2
    assert "plan.toml" in told.stderr
    assert member in told.stderr
    assert "/dev/fd" not in told.stderr
    assert not (tmp_path / "report").exists()


def test_a_threshold_that_does_not_hold_is_status_99(url: str, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(f'url = "{url}/wait"\nrequests = 5\n[[thresholds]]\nmax = "1ms"\n')
    told = load("plan.toml", "--report", "out", cwd=tmp_path)
    assert told.returncode == 99
    assert summary(tmp_path / "out")["thresholds"][0]["holds"] is False
    assert (tmp_path / "out" / "index.html").exists()


def test_the_plan_against_another_server_keeps_its_path() -> None:
    assert plan.aimed({"url": "http://a:1/x/y?z"}, "http://b:2") == {"url": "http://b:2/x/y?z"}
    assert plan.aimed({"target": "http://a:1", "users": 3}, "http://b:2") == {"target": "http://b:2", "users": 3}


# ---- signals ----


def started(folder: Path) -> bool:
    """The first second is written."""
    path = folder / "seconds.jsonl"
    return path.exists() and path.stat().st_size > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on_and_what_was_measured_is_kept(
    url: str, tmp_path: Path, begin: Begin, number: int
) -> None:
    process = begin(url + "/", "--time", "60s")
    assert wait_for(lambda: started(tmp_path / "out"), 10)
    process.send_signal(number)
    assert process.wait(20) == 0
    found = summary(tmp_path / "out")
    assert (found["state"], found["end"]) == ("stopped", "stopped")
    assert found["requests"] > 0
    assert (tmp_path / "out" / "index.html").exists()


def test_ctrl_c_at_a_terminal_counts_once(url: str, tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        argv = [sys.executable, "-m", "citrate", "load", url + "/wait", "--time", "60s", "--live", "lines"]
        os.execve(sys.executable, [*argv, "--report", "out"], environment(**GENERATOR))
    try:
        assert wait_for(lambda: started(tmp_path / "out"), 10)
        os.write(terminal, b"\x03")
        said = b""
        while True:
            try:
                said += os.read(terminal, 65536)
            except OSError:
                break
    finally:
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
    # Twice would have ended it at once, and left the requests on their way uncounted.
    assert os.waitstatus_to_exitcode(status) == 0
    assert summary(tmp_path / "out")["unfinished"] == 0
    assert REPORTED.format("out").encode() in said


def test_a_generator_that_dies_leaves_a_report_of_what_there_is(url: str, tmp_path: Path, begin: Begin) -> None:
    process = begin(url + "/", "--time", "60s", stderr=subprocess.PIPE)
    assert wait_for(lambda: started(tmp_path / "out"), 10)
    os.kill(children_of(process.pid)[0], signal.SIGKILL)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGKILL
    assert b"the generator was ended by signal 9; what it had measured is in out" in said
    assert (tmp_path / "out" / "index.html").exists()


# ---- trouble ----


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_is_full_ends_the_samples_and_not_the_run(url: str, tmp_path: Path, begin: Begin) -> None:
    samples, log = tmp_path / "out" / "server.jsonl", tmp_path / "log"
    with log.open("wb") as stderr:
        process = begin(url + "/", "--time", "4s", stderr=stderr)
    assert wait_for(samples.exists, 10)
    (tmp_path / "full").symlink_to("/dev/full")
    (tmp_path / "full").rename(samples)
    try:
        assert wait_for(lambda: "No space" in log.read_text(), 10)
    finally:
        samples.unlink()  # what reads it would never come to its end
    assert process.wait(30) == 0
    assert log.read_text().count("citrate load: out/server.jsonl: No space left on device") == 1
    assert "Traceback" not in log.read_text()
    assert summary(tmp_path / "out")["state"] == "finished"


def test_a_parent_that_ignores_its_children_does_not_hide_the_exit_status(tmp_path: Path, begin: Begin) -> None:
    process = begin("no-such-option", preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert process.wait(20) == 2


# ---- from code ----


def test_a_run_from_code_returns_its_summary(url: str) -> None:
    found = load_api.run(url + "/", users=2, requests=30, header=["X-Name: ada", "X-Other: b"])
    assert (found["requests"], found["errors"], found["codes"]) == (30, 0, {"200": 30})
    assert 0 < found["latency_ms"]["p50"] <= found["latency_ms"]["max"]


def test_a_plan_from_code_is_a_mapping_and_leaves_a_report_when_asked(url: str, tmp_path: Path) -> None:
    found = load_api.run({"url": url + "/", "requests": 3}, report=tmp_path / "out")
    assert found["requests"] == 3
    assert (tmp_path / "out" / "index.html").exists()


@pytest.mark.parametrize("keywords, message", [({"usrs": 3}, "did you mean --users"), ({"users": "ten"}, "ten")])
def test_from_code_what_is_wrong_is_a_config_error(url: str, keywords: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_api.run(url + "/", **keywords)


def test_from_code_a_missing_server_is_in_the_summary() -> None:
    found = load_api.run(f"http://127.0.0.1:{free_port()}/", time="200ms")
    assert found["errors"] == found["requests"] > 0
