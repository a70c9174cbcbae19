"""Sources of options: which wins, what a wrong name or value gets told, processors, logging."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from cit_cli import run
from citrate import config, cpus, gunicorn, logs, manual
from citrate.errors import ConfigError


def argv(*words: str) -> dict[str, object]:
    merged = config.merge([config.from_argv(list(words))])
    return {name: merged[name] for name in merged.values if merged.is_given(name)}


def told(*words: str) -> str:
    with pytest.raises(ConfigError) as caught:
        argv(*words)
    return str(caught.value)


# ---- the command line ----


def test_flags_take_values_in_every_usual_form() -> None:
    for words in (["-w", "4"], ["-w4"], ["-w=4"], ["--workers", "4"], ["--workers=4"]):
        assert argv(*words) == {"workers": 4}


def test_names_may_have_dashes_or_underscores() -> None:
    assert argv("--limit-request-field_size", "100") == argv("--limit_request_field_size=100")
    assert argv("--limit-request-field-size", "100") == {"limit_request_field_size": 100}


def test_the_application_stands_by_itself() -> None:
    assert argv("site.wsgi", "-w2") == {"app": "site.wsgi", "workers": 2}
    assert argv("-w2", "--", "site.wsgi")["app"] == "site.wsgi"


def test_a_flag_given_again_counts_last_and_a_list_adds_up() -> None:
    assert argv("-w2", "-w3") == {"workers": 3}
    assert argv("-b:80", "--bind", ":81,:82")["bind"] == [":80", ":81", ":82"]
    assert argv("-eA=1,2", "-e", "B=3")["env"] == ["A=1,2", "B=3"]
    assert argv("--forwarded-allow-ips", "127.0.0.1,::1")["forwarded_allow_ips"] == "127.0.0.1,::1"


def test_switches_need_no_value_and_take_one() -> None:
    assert argv("--preload") == {"preload": 1}
    assert argv("--no-preload") == argv("--preload=no") == {"preload": 0}


def test_a_single_dash_is_a_value() -> None:
    assert argv("--access-logfile", "-") == {"access_logfile": "-"}


def test_gunicorn_s_names_are_understood() -> None:
    assert argv("--log-file", "x") == argv("--error-logfile", "x") == {"error_logfile": "x"}
    assert argv("-k", "gthread") == {"worker_class": "gthread"}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--worker", "4"], "--worker: no such option; did you mean --workers?"),
        (["--zzzzz"], "--zzzzz: no such option; citrate --help lists them"),
        (["-Z"], "-Z: no such option; citrate --help lists them"),
        (["--workers"], "--workers: needs a value"),
        (["--workers", "--preload"], "--workers: needs a value"),
        (["-w"], "-w: needs a value"),
        (["-w", "many"], "-w: 'many' is not a number of workers; allowed: 1 to 1024, or auto (one for each processor)"),
        (["a", "b"], "command line: one application can be served, not 'a' and 'b'"),
        (["--no-workers", "3"], "--no-workers: no such option; did you mean --workers?"),
        (["-D"], "-D: " + gunicorn.ADVICE["daemon"]),
        (["--statsd-host", "x"], "--statsd-host: " + gunicorn.STATSD),
        (["--no-sendfile"], "--no-sendfile: " + gunicorn.ADVICE["sendfile"]),
    ],
)
def test_wrong_words_are_named_with_what_to_do(words: list[str], text: str) -> None:
    assert told(*words) == text


# ---- environment and file ----


def test_variables_are_options() -> None:
    layer = config.from_environ({"CITRATE_KEEP_ALIVE": "2.5", "HOME": "/", "CITRATE_BIND": ":80,:81"})
    merged = config.merge([layer])
    assert merged["keep_alive"] == 2500
    assert merged["bind"] == [":80", ":81"]
    assert merged.origins["bind"] == "CITRATE_BIND"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CITRATE_WORKER", "CITRATE_WORKER: no such option; did you mean CITRATE_WORKERS?"),
        ("CITRATE_HELP", "CITRATE_HELP: no such option; citrate --help lists them"),
        ("CITRATE_CERTFILE", "CITRATE_CERTFILE: " + gunicorn.PROXY),
    ],
)
def test_a_variable_that_is_no_option_is_named(name: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.from_environ({name: "1"})
    assert str(caught.value) == text


def test_platform_variables_bind_and_set_workers() -> None:
    merged = config.merge([config.from_platform({"PORT": "8080", "WEB_CONCURRENCY": "3"})])
    assert (merged["bind"], merged["workers"]) == (["0.0.0.0:8080"], 3)
    with pytest.raises(ConfigError, match=r"^PORT: '0\.0\.0\.0:http' is not an address"):
        config.merge([config.from_platform({"PORT": "http"})])


@pytest.fixture
def toml(tmp_path: Path):
    def write(text: str, name: str = "site.toml") -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize("head", ["", "[citrate]\n", "[other]\nx = 1\n[citrate]\n"])
def test_a_file_is_flat_or_has_its_table(toml, head: str) -> None:
    merged = config.merge([config.from_toml(toml(head + 'keep-alive = 2.5\nbind = [":80"]\nno_preload = true\n'))])
    assert (merged["keep_alive"], merged["bind"], merged["preload"]) == (2500, [":80"], 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("worker = 3", "{}: worker: no such option; did you mean workers?"),
        ("workers = 'many'", "{}: workers: 'many' is not a number of workers; allowed: 1 to 1024, or auto"),
        ("workers = true", "{}: workers: True is not a number of workers"),
        ("workers = 2.0", "{}: workers: 2.0 is not a number of workers"),
        ("certfile = 'x'", "{}: certfile: let nginx"),
        ("workers = 1\n[citrate]\n", "{}: workers: stands outside of the table [citrate]"),
        ("keep_alive = 1\nkeepalive = 2", "{}: keepalive: given twice, also as {}: keep_alive"),
        ("config = 'x'", "{}: config: a file can't name another one"),
        ("help = true", "{}: help: no such option"),
        ("workers = ", "--config: {} is no TOML: "),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_the_file(toml, text: str, message: str) -> None:
    path = toml(text)
    with pytest.raises(ConfigError) as caught:
        config.merge([config.from_toml(path)])
    assert str(caught.value).startswith(message.replace("{}", path))


def test_a_file_that_is_not_there_or_python_is_named(toml) -> None:
    with pytest.raises(ConfigError, match=r"--config: /nowhere\.toml: No such file"):
        config.from_toml("/nowhere.toml")
    with pytest.raises(ConfigError, match="is a Python file; Citrate reads TOML"):
        config.from_toml(toml("workers = 3", "gunicorn.conf.py"))


# ---- precedence ----


def test_command_line_over_variables_over_platform_over_file_over_default(toml) -> None:
    path = toml("workers = 2\nthreads = 2\nbacklog = 2\ntimeout = 2\n")
    env = {"CITRATE_CONFIG": path, "CITRATE_WORKERS": "3", "CITRATE_THREADS": "3", "WEB_CONCURRENCY": "4", "PORT": "80"}
    printed = run("--print-config", "-w", "5", env=env)
    assert printed.returncode == 0, printed.stderr
    values = dict(line.split(" = ", 1) for line in printed.stdout.splitlines())
    told = {name: tuple(part.strip() for part in value.split("  #")) for name, value in values.items()}
    assert told["workers"] == ("5", "-w")
    assert told["threads"] == ("3", "CITRATE_THREADS")
    assert told["bind"] == ('["0.0.0.0:80"]', "PORT")
    assert told["backlog"] == ("2", f"{path}: backlog")
    assert told["umask"] == ('""', "default")
    env = {"CITRATE_CONFIG": path, "WEB_CONCURRENCY": "4"}
    assert "workers = 4 " in run("--print-config", env=env).stdout


def test_what_is_printed_can_be_read_again(toml) -> None:
    words = [
        "-w3",
        "-b:80",
        "-bunix:/x",
        "--umask",
        "027",
        "-eA=1,2",
        "--keep-alive=2.5",
        "--access-logformat",
        '%(h)s "\\é',
    ]
    first = config.merge([config.from_argv(words)])
    again = config.merge([config.from_toml(toml(manual.config_text(first)))])
    assert again.values == first.values


def test_systemd_s_sockets_are_the_default_when_there_are_any() -> None:
    plain, given = config.merge([]), config.merge([config.from_argv(["-b:80"])])
    activated = {"LISTEN_FDS": "2", "LISTEN_PID": "7"}
    assert plain.binds(activated, 7) == ["systemd"]
    assert plain.binds(activated, 8) == plain.binds({}, 7) == ["127.0.0.1:8000"]
    assert plain.binds({"LISTEN_FDS": "0", "LISTEN_PID": "7"}, 7) == ["127.0.0.1:8000"]
    assert given.binds(activated, 7) == [":80"]


# ---- processors ----


def control_groups(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return str(root)


@pytest.mark.parametrize(
    "files",
    [
        {
            "proc/self/cgroup": "0::/a/b\n",
            "sys/fs/cgroup/a/cpu.max": "100000 100000\n",
            "sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
        },
        {"proc/self/cgroup": "0::/not/here\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"},
        {
            "proc/self/cgroup": "3:cpu,cpuacct:/x\n1:memory:/y\n",
            "sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "100000\n",
            "sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000\n",
        },
    ],
)
def test_auto_workers_keep_to_the_quota_of_the_control_group(tmp_path: Path, files: dict[str, str]) -> None:
    assert cpus.available(control_groups(tmp_path, files)) == 1


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "rubbish here\n"},
        {
            "proc/self/cgroup": "3:cpu:/\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        },
    ],
)
def test_without_a_quota_auto_workers_are_the_processors_of_the_process(tmp_path: Path, files: dict[str, str]) -> None:
    counted = getattr(os, "process_cpu_count", lambda: len(os.sched_getaffinity(0)))()
    assert cpus.available(control_groups(tmp_path, files)) == counted


def test_workers_auto_is_a_number() -> None:
    assert argv("-w", "auto") == {"workers": cpus.available()}


# ---- logging ----

SINKS = """
import sys
{setup}
from citrate.logs import sinks
error, access = sinks()
print(error is not None, access is not None)
for sink, text in ((error, "an error"), (access, "a request")):
    if sink is not None:
        sink(2, text)
        sink(0, "only for debugging")
        sink(9, "a level nobody knows")
"""


@pytest.mark.parametrize(
    ("setup", "errors", "access"),
    [
        ("", False, False),
        ("import logging", False, False),
        ("import logging; logging.basicConfig()", True, False),
        ("import logging; logging.getLogger('citrate').addHandler(logging.StreamHandler())", True, True),
        ("import logging; logging.getLogger('citrate.access').addHandler(logging.StreamHandler())", False, True),
        ("import logging; logging.getLogger('django').addHandler(logging.StreamHandler())", False, False),
        (
            "import logging; logging.getLogger('citrate').addHandler(logging.StreamHandler()); "
            "logging.getLogger('citrate.access').propagate = False",
            True,
            False,
        ),
    ],
)
def test_lines_go_to_logging_only_where_it_was_configured_for_them(setup: str, errors: bool, access: bool) -> None:
    told = run("-c", SINKS.format(setup=setup), command=[sys.executable])
    assert told.stdout.split() == [str(errors), str(access)], told.stderr
    assert "for debugging" not in told.stderr


def test_lines_have_the_logger_and_the_level() -> None:
    setup = (
        "import logging; h = logging.StreamHandler();"
        "h.setFormatter(logging.Formatter('%(name)s %(levelname)s %(message)s'));"
        "logging.getLogger('citrate').addHandler(h); logging.getLogger('citrate').setLevel(logging.INFO)"
    )
    told = run("-c", SINKS.format(setup=setup), command=[sys.executable])
    assert told.stderr.splitlines() == [
        "citrate.error INFO an error",
        "citrate.error INFO a level nobody knows",
        "citrate.access INFO a request",
        "citrate.access INFO a level nobody knows",
    ]
    assert tuple(sorted(logs.LEVELS)) == logs.LEVELS
