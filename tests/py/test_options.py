"""The option table: it holds together with the server's settings, the manual and the package."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from cit_cli import ROOT, run
from citrate import _native, config, gunicorn, kinds, manual, options
from citrate.errors import ConfigError

DERIVED = {"user_name"}  # looked up by the server


def one(**values: object) -> config.Config:
    """The options after these keywords."""
    return config.merge([config.from_keywords(values, "test")])


def refused(**values: object) -> str:
    with pytest.raises(ConfigError) as caught:
        one(**values)
    return str(caught.value)


# ---- the table ----


def test_every_setting_of_the_server_has_an_option_and_every_option_a_setting_that_exists() -> None:
    named = [option.setting for option in options.OPTIONS.values() if option.setting]
    assert len(named) == len(set(named))
    assert set(named) | DERIVED == set(_native.settings())


def test_defaults_are_values_that_are_allowed() -> None:
    for option in options.OPTIONS.values():
        if option.setting and option.default() not in (None, -1):
            shown = option.kind.show(option, option.default())
            assert option.kind.read(option, shown) == option.default(), option.name


def test_no_two_options_share_a_name_or_a_letter() -> None:
    members = [option for group in options.TABLE.values() for option in group]
    names = [name for option in members for name in (option.name, *option.aliases)]
    letters = [option.short for option in members if option.short]
    assert len(names) == len(set(names))
    assert len(letters) == len(set(letters))


def test_the_manual_is_made_from_the_table() -> None:
    made = run("--markdown", command=[sys.executable, "-m", "citrate.options"])
    assert made.returncode == 0
    assert (ROOT / "docs/options.md").read_text() == made.stdout, (
        "python -m citrate.options --markdown > docs/options.md"
    )


def test_the_manual_has_every_option() -> None:
    text = manual.markdown()
    for option in options.OPTIONS.values():
        if option.group and option.name != "app":
            assert f"`{option.flag}" in text


# benchmarks.md has the options of bench/run, therapy.md those of the example's own commands; what stands on the
# pages of the load tester is held against it in test_load_command.py
OTHERS = ("benchmarks.md", "therapy.md")
LOAD = ("load*.md", "measuring.md", "plans.md", "journey*.md", "moving-from-wrk.md", "moving-from-locust.md",
        "moving-from-jmeter.md")  # fmt: skip
DOCS = [
    ROOT / "README.md",
    *(
        page
        for page in sorted((ROOT / "docs").glob("*.md"))
        if page.name not in OTHERS and not any(page.match(pattern) for pattern in LOAD)
    ),
]


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_the_pages_name_only_options_there_are(page: Path) -> None:
    text = re.sub(r"`bench/run[^`]*`|citrate load .*", "", page.read_text())  # they have options of their own
    others = {"no", "kill-whom", "nostatic", "daemon-reload", "now", "signal", "markdown"}
    for name in set(re.findall(r"(?<![\w-])--([a-z][a-z_-]*[a-z])(?![*_])", text)) - others:
        assert options.find(name)[0] or gunicorn.advice(name), name


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_the_files_of_options_on_the_pages_can_be_read(page: Path, tmp_path: Path) -> None:
    for block in re.findall(r"```toml\n(.*?)```", page.read_text(), re.S):
        (tmp_path / "x.toml").write_text(block)
        assert config.merge([config.from_toml(str(tmp_path / "x.toml"))])["workers"] >= 1


def test_help_names_every_option_with_its_default_in_lines_of_100() -> None:
    text = manual.help_text()
    for option in options.OPTIONS.values():
        if option.group and option.name != "app":
            assert option.flag[2:] in text
    assert "[16]" in text
    assert "[1g]" in text
    assert max(map(len, text.splitlines())) <= 100


def test_another_word_than_markdown_gets_the_usage() -> None:
    assert options.main([]) == 2


def test_the_build_installs_every_file_of_the_package() -> None:
    package = ROOT / "python/citrate"
    listed = set(re.findall(r"^  '([\w/.]+)',$", (package / "meson.build").read_text(), re.M))
    kinds = (".py", ".pyi", ".typed", ".html", ".css", ".js")
    there = {str(p.relative_to(package)) for p in package.rglob("*") if p.suffix in kinds}
    assert listed == there


def test_every_setting_of_gunicorn_is_known_or_gets_advice() -> None:
    settings = pytest.importorskip("gunicorn.config").KNOWN_SETTINGS
    for setting in settings:
        names = [setting.name, *(flag.lstrip("-") for flag in setting.cli or ())]
        for name in names:
            short = [option for option in options.OPTIONS.values() if option.short == name]
            assert short or options.find(name)[0] or gunicorn.advice(name), name


# ---- kinds ----


@pytest.mark.parametrize(
    ("text", "ms"), [("30", 30000), ("2.5", 2500), (0, 0), (0.25, 250), ("0.0001", 1), ("1e1", 10000)]
)
def test_seconds_become_milliseconds(text: object, ms: int) -> None:
    assert one(timeout=text)["timeout"] == ms


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "soon", "", True, "86401", [1]])
def test_times_that_make_no_sense_are_refused(text: object) -> None:
    assert "allowed: 0 to 86400; 0: no limit" in refused(timeout=text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("64k", 65536), ("10m", 10 << 20), ("1G", 1 << 30), ("10MiB", 10 << 20), ("2MB", 2 << 20), (7, 7)],
)
def test_sizes_take_k_m_and_g(text: object, size: int) -> None:
    assert one(limit_request_body=text)["limit_request_body"] == size


@pytest.mark.parametrize("text", ["10x", "k", "", "-1", "1.5m", True, None])
def test_sizes_that_make_no_sense_are_refused(text: object) -> None:
    assert refused(limit_request_body=text).startswith(f"test: limit_request_body: {text!r} is ")


@pytest.mark.parametrize(("text", "mode"), [("022", 0o22), ("0o27", 0o27), (0o27, 0o27), ("777", 0o777), ("", -1)])
def test_umask_is_octal(text: object, mode: int) -> None:
    assert one(umask=text)["umask"] == mode


@pytest.mark.parametrize("text", ["1000", "8", "rwx"])
def test_umasks_out_of_range_are_refused(text: str) -> None:
    assert "allowed: 000 to 777" in refused(umask=text)


@pytest.mark.parametrize(("text", "value"), [("yes", 1), ("Off", 0), ("1", 1), (0, 0), (True, 1), ("false", 0)])
def test_switches_take_words_and_numbers(text: object, value: int) -> None:
    assert one(preload=text)["preload"] == value


def test_a_switch_that_is_neither_is_refused() -> None:
    assert refused(preload="maybe") == (
        "test: preload: 'maybe' is not yes or no; allowed: true or false (also yes, no, on, off, 1, 0)"
    )


def test_no_turns_a_switch_round() -> None:
    assert one(no_server_header=True)["server_header"] == 0
    assert one(no_server_header="no")["server_header"] == 1


def test_log_levels_go_by_name() -> None:
    assert one(log_level="WARN")["log_level"] == one(log_level="warning")["log_level"] == 3
    assert refused(log_level="loud").endswith("allowed: debug, verbose, info, warning, error, critical")
    assert one(loglevel="critical")["log_level"] == 5


@pytest.mark.parametrize(
    "bind",
    ["127.0.0.1:80", "[::1]:80", "localhost", ":8000", "8000", "unix:/run/x", "unix:@x", "fd://3", "systemd", "[::]"],
)
def test_addresses_in_every_form_are_taken(bind: str) -> None:
    assert one(bind=bind)["bind"] == [bind]


@pytest.mark.parametrize(
    "bind", ["", "::1:80", "localhost:http", ":65536", "unix:", "unix:@", "fd://x", "[::1", "unix://"]
)
def test_addresses_in_no_form_are_refused(bind: str) -> None:
    assert f"test: bind: {bind!r} is not an address; allowed: HOST:PORT" in refused(bind=bind)


def test_binds_are_a_list_a_text_with_commas_or_a_port() -> None:
    assert one(bind=[":80", "unix:/x,:81"])["bind"] == [":80", "unix:/x", ":81"]
    assert one(bind=8000)["bind"] == ["8000"]


@pytest.mark.parametrize("peers", ["*", "10.0.0.1,::1", "10.0.0.0/8", ["::1", "fd00::/8"], ""])
def test_trusted_peers_are_addresses_and_networks(peers: object) -> None:
    expected = ",".join(peers) if isinstance(peers, list) else peers
    assert one(forwarded_allow_ips=peers)["forwarded_allow_ips"] == expected


@pytest.mark.parametrize("peers", ["nginx", "10.0.0.0/33", "10.0.0", "1.2.3.4/x"])
def test_trusted_peers_that_are_neither_are_refused(peers: str) -> None:
    assert "10.0.0.0/8" in refused(forwarded_allow_ips=peers)


def test_environment_pairs_keep_their_commas() -> None:
    assert one(env="A=1,2")["env"] == ["A=1,2"]
    assert one(env={"A": "1", "B": "2"})["env"] == ["A=1", "B=2"]
    assert "allowed: NAME=VALUE" in refused(env="=x")


def test_users_and_groups_go_by_name_or_number() -> None:
    assert one(user="root", group="root").native()["uid"] == 0
    assert one(user="4294967294").native()["uid"] == 4294967294
    assert one(group=0).native()["gid"] == 0
    assert one(user="").native()["uid"] == -1
    assert refused(user="nobody-here") == (
        "test: user: 'nobody-here' is not a user of this system; allowed: the name or number of a user"
    )
    assert "a group of this system" in refused(group="nobody-here")


def test_empty_text_is_none() -> None:
    assert one(access_logfile="")["access_logfile"] is None
    assert "is not a path" in refused(pid="a\0b")
    assert "is not text" in refused(name=3)


def test_paths_may_be_path_objects(tmp_path: Path) -> None:
    assert one(pid=tmp_path)["pid"] == str(tmp_path)


def test_numbers_out_of_bounds_say_the_bounds() -> None:
    assert refused(threads=0) == "test: threads: 0 is out of bounds; allowed: 1 to 1024"
    assert refused(max_requests=-1) == "test: max_requests: -1 is out of bounds; allowed: 0 or more"
    assert refused(workers="many") == (
        "test: workers: 'many' is not a number of workers; allowed: 1 to 1024, or auto (one for each processor)"
    )


@pytest.mark.parametrize(
    "text", ["%(h)s", "%(s)d %%", '"%({user-agent}i)s"', "%({x}o)s%({HOME}e)s", "plain", "%(T)s%(D)d"]
)
def test_access_formats_the_server_knows_are_taken(text: str) -> None:
    assert one(access_logformat=text)["access_logformat"] == text


@pytest.mark.parametrize("text", ["%(z)s", "%", "%h", "%(h)", "%(h)d", "%({}i)s", "%({x}z)s", "%({x}i)d", "100 %"])
def test_access_formats_the_server_does_not_know_are_refused(text: str) -> None:
    assert "is not a format of access lines; allowed: text with %%, %({NAME}i)s" in refused(access_logformat=text)


def test_the_atoms_are_those_of_the_server() -> None:
    rows = re.findall(r"\{ '(\w)', (true|false), put_\w \}", (ROOT / "src/serve/access.c").read_text())
    assert "".join(letter for letter, _ in rows) == kinds.ATOMS
    assert "".join(letter for letter, is_number in rows if is_number == "true") == kinds.NUMBERS


def test_worker_classes_that_mean_what_every_worker_does_are_taken() -> None:
    assert one(worker_class="gthread")["worker_class"] == "gthread"
    assert "--threads" in refused(worker_class="gevent")


def test_every_kind_says_what_is_allowed() -> None:
    for option in options.OPTIONS.values():
        assert option.allowed(), option.name
        assert isinstance(option.kind, kinds.Kind)
