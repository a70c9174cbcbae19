"""`citrate load import`: what JMeter's and browsers' files become, and that nothing is lost in silence."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from cit_cli import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from citrate.errors import ConfigError
from citrate.load import drafts, har, importers, jmx, queries
from load_tool import load

VECTORS = ROOT / "tests/vectors/load"


def steps(text: str) -> dict[str, str]:
    """The texts of a journey's steps by name; of those of one name the last."""
    blocks = text.split("# @name ")[1:]
    return {block.partition("\n")[0]: block.partition("\n")[2].strip() for block in blocks}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("import") / "shop"
    assert importers.main([str(VECTORS / "shop.jmx"), "-o", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def customers(shop: Path) -> dict[str, str]:
    return steps((shop / "customers.hurl").read_text())


# ---- JMeter ----


def test_a_test_plan_becomes_a_plan_with_stages_users_and_variables(shop: Path) -> None:
    plan = tomllib.loads((shop / "plan.toml").read_text())
    assert plan == {
        "title": "Shop",
        "target": "https://shop.example.net:8443",
        "stages": [{"users": 11, "over": "30s"}, {"users": 11, "for": "270s"}],
        "variables": {"host": "shop.example.net", "users": "10", "currency": "EUR"},
        "data": {"csv": "shop-users.csv", "when_out": "stop"},
        "journeys": [{"file": "customers.hurl"}, {"file": "peak.hurl"}],
    }


def test_a_table_of_users_is_written_with_commas_names_and_utf_8(shop: Path) -> None:
    assert (shop / "shop-users.csv").read_bytes().decode() == 'username,password\nada,"geheim,1"\nmüller,"p""w"\n'


def test_samplers_keep_their_order_and_loops_are_walked(shop: Path) -> None:
    names = [line[8:] for line in (shop / "customers.hurl").read_text().splitlines() if line.startswith("# @name")]
    twice = ["Article ${article}", "Stock"] * 2
    assert names == ["Log-in page", "Log in", "Shop", *twice, "Buy", "Photo"]


def test_what_is_done_once_stays_once_with_its_extractor_and_its_form(customers: dict[str, str]) -> None:
    page, login = customers["Log-in page"], customers["Log in"]
    assert "# @once" in page and "# @once" in login and "# @once" not in customers["Shop"]
    assert """csrf: xpath "string(//input[@name='csrfmiddlewaretoken']/@value)\"""" in page
    assert (
        "[Form]\nusername: {{username}}\npassword: {{password}}\ncsrfmiddlewaretoken: {{csrf}}\nnext: /shop/?page=1\n"
    ) in login
    assert "Referer: https://{{host}}:8443/login/\n" in login
    assert 'HTTP *\n[Captures]\nwhere: header "Location" regex "(.+)"\n[Asserts]\nstatus == 302' in login
    assert "location: true" in page and "location: true" not in login


def test_headers_reach_down_and_the_closest_wins(customers: dict[str, str]) -> None:
    assert all("Accept-Language: en\nUser-Agent: JMeter {{newUuid}}\n" in step for step in customers.values())
    assert not any("\nHost:" in step for step in customers.values())
    assert "Content-Type: application/json\nAccept: application/json\n" in customers["Buy"]


def test_extractors_and_assertions_become_captures_and_asserts(customers: dict[str, str]) -> None:
    assert '# @capture article: css "ul.articles > li a" "href"\n[Captures]\n' in customers["Shop"]
    assert 'basket: regex "data-basket=\\"(\\\\d+)\\""\n' in customers["Shop"]
    assert 'status < 400\nbody contains "Articles"\nbody contains "Basket #"' in customers["Shop"]
    assert 'body not matches "sold\\\\s+out"' in customers["Article ${article}"]
    assert 'sku: jsonpath "$.items[0].sku"\nprice: jsonpath "$..price" nth 0\n' in customers["Stock"]
    assert "[Asserts]\nstatus == 200\nduration <= 800" in customers["Stock"]
    assert 'order_id: regex "(?s)\\"order\\": (.*?),"' in customers["Buy"]


def test_timers_before_a_sampler_are_the_think_time_after_the_one_before(customers: dict[str, str]) -> None:
    assert "# @think 1500ms..3500ms" in customers["Log in"]  # a pause of 500 ms and 1 to 3 s, before Shop
    assert "# @think normal(3500ms, 500ms)" in customers["Stock"]  # the last one, before Buy
    assert "# @think 1500ms..3500ms" in customers["Photo"]  # after the last step comes Shop, not the log-in


def test_bodies_and_files_are_taken_over(customers: dict[str, str]) -> None:
    assert '```\n{\n  "sku": "{{sku}}",\n  "count": 1\n}\n```\nHTTP *' in customers["Buy"]
    assert "[Multipart]\ntitle: Mine\nphoto: file,cat.png; image/png\n" in customers["Photo"]


def test_the_generator_takes_what_was_imported(shop: Path, tmp_path: Path) -> None:
    assert importers.main([str(VECTORS / "login-chrome.har"), "--all-hosts", "-o", str(tmp_path / "har")]) == 0
    for folder in (shop, tmp_path / "har"):
        (folder / "cat.png").write_bytes(b"cat")
        plan = (folder / "plan.toml").read_text()
        (folder / "here.toml").write_text(re.sub(r"(?m)^target = .*", 'target = "http://127.0.0.1:1"', plan))
        tried = load("--dry-run", "--connect-timeout", "1s", str(folder / "here.toml"))
        assert tried.returncode == 1, tried.stdout + tried.stderr  # 2: a plan or a journey is wrong
        assert "refused" in tried.stdout + tried.stderr


def test_whatever_was_not_taken_over_is_told_with_its_place(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    importers.main([str(VECTORS / "shop.jmx"), "-o", str(tmp_path / "again")])
    told = capsys.readouterr().err
    group = "Shop > Customers"
    for note in (
        f"{group} > If it rains: not understood: IfController",
        f"{group} > If it rains > Umbrella: left out with what it stands in (HTTPSamplerProxy)",
        f"{group} > Look and buy > Buy > Log it: not understood: JSR223PostProcessor",
        f"{group} > Look and buy > Shop > Last article: not understood: the selector li:last-child a",
        f"{group} > Old page: left out: it is disabled",
        f"{group} > View Results Tree: left out: a listener; the report shows what it would",
        "Shop > Peak: not understood: the schedule of a UltimateThreadGroup; one user walks its requests",
        "Shop: the property users has its default, '10'",
        "Shop > Browser: left out: the header Host, which the generator makes itself",
        "Shop > Users: a line for each round: here a user keeps the line he began with",
        f"{group} > Look and buy > Buy > Order: the variable 'order.id' is called 'order_id'",
    ):
        assert f"{VECTORS / 'shop.jmx'}: {note}\n" in told
        assert f"# * {note}\n" in (shop / "plan.toml").read_text()


def test_every_element_of_the_plan_is_a_step_a_setting_or_told(shop: Path) -> None:
    names = {line.split('testname="')[1].split('"')[0] for line in (VECTORS / "shop.jmx").read_text().splitlines() if "enabled=" in line or "testname=" in line}  # fmt: skip
    written = "".join(path.read_text() for path in shop.glob("*.*"))
    understood = {
        *("Shop", "HTTP Request Defaults", "HTTP Cookie Manager", "More variables", "User Defined Variables"),
        *("Customers", "Loop Controller", "Pause", "Log in once", "Twice", "CSRF token", "Referer", "JSON", "Soon"),
        *("Is redirected", "Where to", "Basket", "Has articles", "Looks", "Not sold out", "Answers soon", "Thinks"),
    }
    assert {name for name in names - understood if name not in written} == set()


JMX = """<?xml version="1.0" encoding="UTF-8"?>
<jmeterTestPlan version="1.2" properties="5.0" jmeter="5.6.3"><hashTree>
<TestPlan guiclass="TestPlanGui" testclass="TestPlan" testname="P"/><hashTree>
<CookieManager testname="C"><collectionProp name="CookieManager.cookies"/><boolProp name="CookieManager.clearEachIteration">true</boolProp></CookieManager><hashTree/>
<ThreadGroup testname="G"><stringProp name="ThreadGroup.num_threads">THREADS</stringProp><stringProp name="ThreadGroup.ramp_time">0</stringProp>
<elementProp name="ThreadGroup.main_controller" elementType="LoopController"><stringProp name="LoopController.loops">LOOPS</stringProp></elementProp></ThreadGroup><hashTree>
BODY</hashTree></hashTree></hashTree></jmeterTestPlan>"""
GET = """<HTTPSamplerProxy testname="S"><stringProp name="HTTPSampler.domain">h</stringProp><stringProp name="HTTPSampler.path">/x</stringProp><stringProp name="HTTPSampler.method">GET</stringProp>MORE</HTTPSamplerProxy><hashTree>BELOW</hashTree>"""


def small(tmp_path: Path, body: str = "", threads: str = "2", loops: str = "3", more: str = "", below: str = "") -> drafts.Draft:  # fmt: skip
    """The draft of a plan of one sampler, or of another body."""
    text = JMX.replace("BODY", body or GET).replace("THREADS", threads).replace("LOOPS", loops)
    path = tmp_path / "small.jmx"
    path.write_text(text.replace("MORE", more).replace("BELOW", below))
    return jmx.read(str(path))


def assertion(kind: int, *texts: str, field: str = "response_data") -> str:
    strings = "".join(f'<stringProp name="1">{text}</stringProp>' for text in texts)
    return f"""<ResponseAssertion testname="A"><collectionProp name="Asserion.test_strings">{strings}</collectionProp><stringProp name="Assertion.test_field">Assertion.{field}</stringProp><intProp name="Assertion.test_type">{kind}</intProp></ResponseAssertion><hashTree/>"""


def test_loops_without_an_end_in_time_become_a_number_of_requests(tmp_path: Path) -> None:
    draft = small(tmp_path)
    assert draft.members["requests"] == 6
    assert draft.members["stages"] == [{"users": 2, "for": "3600s"}]
    assert draft.members["cookies"] == "fresh"


def test_a_number_that_is_none_is_told_and_replaced(tmp_path: Path) -> None:
    draft = small(tmp_path, threads="many", loops="-1")
    assert draft.members["stages"] == [{"users": 1, "for": "60s"}]
    assert "P > G: num_threads 'many' is no number: 1 is taken" in map(str, draft.notes)


@pytest.mark.parametrize(
    ("kind", "texts", "expected"),
    [
        (16, ["a"], ['body contains "a"']),
        (16 | 4, ["a"], ['body not contains "a"']),
        (8, ["a"], ['body == "a"']),
        (8 | 4, ["a"], ['body != "a"']),
        (2, ["a+"], ['body matches "a+"']),
        (1, ["a+"], ['body matches "^(?s:a+)$"']),
        (16 | 32, ["a.b", "c"], ['body matches "(?:a\\\\.b|c)"']),
        (8 | 32, ["a", "b"], ['body matches "^(?s:(?:a|b))$"']),
    ],
)
def test_assertions_of_every_kind_say_the_same(
    tmp_path: Path, kind: int, texts: list[str], expected: list[str]
) -> None:
    step = small(tmp_path, below=assertion(kind, *texts)).journeys[0].steps[0]
    assert step.asserts == expected


@pytest.mark.parametrize(
    ("below", "note"),
    [
        (assertion(16 | 32 | 4, "a", "b"), "P > G > S > A: not understood: response data against 'a', 'b'"),
        (assertion(2, "2..", field="response_code"), "P > G > S > A: not understood: response code against '2..'"),
        (assertion(16, "OK", field="response_message"), "P > G > S > A: not understood: response message against 'OK'"),
        (assertion(2, "${x}"), "P > G > S > A: not understood: response data against '{{x}}'"),
        ('<XPathExtractor testname="X"/><hashTree/>', "P > G > S > X: not understood: XPathExtractor"),
        ('<PoissonRandomTimer testname="T"/><hashTree/>', "P > G > S > T: not understood: PoissonRandomTimer"),
        (
            '<RegexExtractor testname="R"><stringProp name="RegexExtractor.template">$2$</stringProp></RegexExtractor><hashTree/>',
            "P > G > S > R: not understood: the template $2$",
        ),
    ],
)
def test_what_cannot_be_said_is_told_and_not_guessed(tmp_path: Path, below: str, note: str) -> None:
    draft = small(tmp_path, below=below)
    assert note in map(str, draft.notes)
    assert draft.journeys[0].steps[0].asserts == draft.journeys[0].steps[0].captures == []


def test_functions_that_are_not_understood_are_told_and_stay(tmp_path: Path) -> None:
    draft = small(tmp_path, GET.replace("/x", "/${__time(yyyy)}/${__threadNum}/${a b}"))
    assert draft.journeys[0].steps[0].url == "/${__time(yyyy)}/{{userNumber}}/{{a_b}}"
    notes = [note.text for note in draft.notes]
    assert "not understood: the function ${__time(yyyy)}, which stands as it is" in notes
    assert "the variable 'a b' is called 'a_b'" in notes


def test_a_single_request_in_a_loop_is_repeated(tmp_path: Path) -> None:
    loop = f'<LoopController testname="L"><stringProp name="LoopController.loops">500</stringProp></LoopController><hashTree>{GET}</hashTree>'
    assert [step.repeat for step in small(tmp_path, loop).journeys[0].steps] == [500]


BOMB = '<?xml version="1.0" encoding="{}"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY b "&lol;&lol;">]><jmeterTestPlan><hashTree>&b;</hashTree></jmeterTestPlan>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "bomb.jmx"
    path.write_bytes(BOMB.format(encoding).encode(encoding))
    with pytest.raises(ConfigError, match=r"bomb\.jmx: a document type .*lolz.* is not read"):
        jmx.read(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<jmeterTestPlan>\n  <hashTree>", r"x\.jmx:2:13: no element found"),
        ("<html/>", r"x\.jmx: this is no test plan of JMeter \(the root is <html>\)"),
        ("<jmeterTestPlan><hashTree/></jmeterTestPlan>", r"x\.jmx: no thread group with a request"),
        ("", r"x\.jmx:1:1: no element found"),
    ],
)
def test_files_that_are_no_test_plans_are_refused_with_their_place(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.jmx").write_text(text)
    with pytest.raises(ConfigError, match=message):
        jmx.read(str(tmp_path / "x.jmx"))


# ---- recordings ----


def test_a_recording_of_chrome_becomes_a_journey(tmp_path: Path) -> None:
    assert importers.main([str(VECTORS / "login-chrome.har"), "--no-static", "-o", str(tmp_path / "o")]) == 0
    plan = tomllib.loads((tmp_path / "o/plan.toml").read_text())
    assert plan["target"] == "http://127.0.0.1:8000"
    assert plan["journeys"] == [{"file": "login-chrome.hurl"}]
    found = steps((tmp_path / "o/login-chrome.hurl").read_text())
    assert list(found) == ["GET /login/", "POST /login/", "GET /", "POST /api/note", "GET /missing", "POST /upload/"]
    assert "GET {{base}}/login/?next=/\n" in found["GET /login/"]
    assert "# @think 7.5s" in found["GET /login/"] and "# @think" not in found["POST /login/"]
    form = "csrfmiddlewaretoken: {{csrfmiddlewaretoken}}\nusername: ada@example.net\npassword: p&w 1\nnext:\nHTTP 302"
    assert f"Origin: {{{{base}}}}\nReferer: {{{{base}}}}/login/?next=/\n[Form]\n{form}" in found["POST /login/"]
    assert '`{"text":"Kaffee ☕ \\# 1"}`\nHTTP 200' in found["POST /api/note"]


def test_tokens_that_an_answer_brought_are_captured_from_it(tmp_path: Path) -> None:
    draft = har.read(str(VECTORS / "login-chrome.har"), with_static=False)
    by_name = {step.name: step for step in draft.journeys[0].steps}
    token = "csrfmiddlewaretoken: xpath \"string(//input[@name='csrfmiddlewaretoken']/@value)\""
    assert by_name["GET /login/"].captures == [token, 'csrftoken: cookie "csrftoken"']
    assert by_name["GET /"].captures == [token]
    assert ("X-CSRFToken", "{{csrftoken}}") in by_name["POST /api/note"].headers
    assert [(p.name, p.value, p.is_file) for p in by_name["POST /upload/"].parts] == [
        ("csrfmiddlewaretoken", "{{csrfmiddlewaretoken}}", False),
        ("file", "cat.png", True),
    ]


def test_cookies_and_the_browsers_own_headers_are_left_to_the_generator() -> None:
    draft = har.read(str(VECTORS / "login-chrome.har"))
    names = {name.lower() for step in draft.journeys[0].steps for name, _ in step.headers}
    assert names == {"accept", "origin", "referer", "content-type", "x-csrftoken", "authorization"}
    assert any("the cookie theme, which the recording began with" in note.text for note in draft.notes)
    assert any("has the header Authorization" in note.text for note in draft.notes)


def test_other_hosts_and_unanswered_requests_are_told_and_left_out() -> None:
    draft = har.read(str(VECTORS / "login-chrome.har"))
    notes = list(map(str, draft.notes))
    assert "https://statistics.example.org: left out: 1 requests to another host (--all-hosts takes them)" in notes
    assert "GET http://127.0.0.1:8000/blocked: left out: it had no answer" in notes
    assert "OPTIONS http://127.0.0.1:8000/api/note: left out: a browser's own question (CORS)" in notes
    assert "GET /static/site.js" in [step.name for step in draft.journeys[0].steps]
    every = har.read(str(VECTORS / "login-chrome.har"), all_hosts=True).journeys[0].steps
    assert "https://statistics.example.org/collect?v=1" in [step.url for step in every]


def test_an_answer_from_the_browsers_cache_expects_no_status_and_an_error_expects_itself() -> None:
    draft = har.read(str(VECTORS / "login-chrome.har"))
    expected = {step.name: step.status for step in draft.journeys[0].steps}
    assert expected["GET /static/site.js"] == ""
    assert expected["GET /missing"] == "404"


def test_a_recording_of_firefox_gives_the_same_form(tmp_path: Path) -> None:
    draft = har.read(str(VECTORS / "book-firefox.har"), with_static=False)
    assert [step.name for step in draft.journeys[0].steps] == ["GET /book/", "POST /book/", "GET /book/"]
    assert draft.journeys[0].steps[1].form[1:] == [("name", "Ada"), ("text", "two words & more")]
    assert [step.think for step in draft.journeys[0].steps] == ["5s", "", ""]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"x\.har:1:2: Expecting property name"),
        ("[]", r"x\.har: this is no HTTP Archive"),
        ('{"log": {"entries": [{"request": 1}]}}', r"x\.har: log\.entries\[0\]: KeyError"),
        ('{"log": {"entries": []}}', r"x\.har: no request that can be walked"),
    ],
)
def test_files_that_are_no_recordings_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.har").write_text(text)
    with pytest.raises(ConfigError, match=message):
        har.read(str(tmp_path / "x.har"))


def test_a_recording_with_members_of_another_kind_is_refused(tmp_path: Path) -> None:
    recording = json.loads((VECTORS / "book-firefox.har").read_text())
    recording["log"]["entries"][0]["request"]["headers"] = [17]
    (tmp_path / "x.har").write_text(json.dumps(recording))
    with pytest.raises(ConfigError, match=r"x\.har: the recording is not as HAR 1\.2 has it"):
        har.read(str(tmp_path / "x.har"))


# ---- the command and the texts ----


def test_files_that_are_there_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("mine")
    with pytest.raises(ConfigError, match="is there already; name another folder"):
        importers.main([str(VECTORS / "book-firefox.har"), "-o", str(tmp_path)])
    assert (tmp_path / "plan.toml").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x.txt"], "ends neither in .jmx nor in .har"),
        (["a.har", "b.har"], "name one file, not 2"),
        (["a.jmx", "--no-static"], "--no-static: is for recordings"),
        (["a.har", "--fast"], "--fast: no such option"),
        (["a.har", "-o"], "-o: needs a value"),
        (["missing.har"], "missing.har: No such file"),
    ],
)
def test_words_that_are_wrong_are_told(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        importers.main(words)


@pytest.mark.parametrize(
    ("selector", "attribute", "query"),
    [
        ("input[name=token]", "value", "xpath \"string(//input[@name='token']/@value)\""),
        ('meta[name="csrf-token"]', "content", "xpath \"string(//meta[@name='csrf-token']/@content)\""),
        ("#login", "action", "xpath \"string(//*[@id='login']/@action)\""),
        ("form input[name=a]", "value", 'css "form input[name=a]" "value"'),
        ("h1", "", 'css "h1"'),
        ("a", "href", 'css "a" "href"'),
        ("ul > li.x, a[href^='/x:']", "", "css \"ul > li.x, a[href^='/x:']\""),
        ("li:first-child", "", ""),
        ("h1 + p", "", ""),
        ("", "value", ""),
    ],
)
def test_simple_selectors_become_queries_that_stock_hurl_has(selector: str, attribute: str, query: str) -> None:
    assert queries.of_selector(selector, attribute) == query


def test_texts_that_look_like_syntax_are_escaped() -> None:
    step = drafts.Step("a\nb", "POST", "/x#y é?{{q}}=%20", form=[("a b:c", " # \\ é\t"), ("{{n}}", ""), ("[x]", "1")])
    lines = drafts.journey_text(drafts.Journey("j", [step])).splitlines()
    assert lines[2:] == [
        "# @name a b",
        "POST {{base}}/x%23y%20%C3%A9?{{q}}=%20",
        "[Form]",
        "a\\u{20}b\\u{3a}c: \\u{20}\\# \\\\ é\\t",
        "{{n}}:",
        "\\u{5b}x]: 1",
    ]


def test_names_of_variables_are_what_hurl_takes() -> None:
    assert [drafts.variable_name(name) for name in ("a-b_1", "order.id", "1st", "")] == [
        "a-b_1",
        "order_id",
        "v1st",
        "v",
    ]


def test_strings_of_plans_are_read_back_as_they_were() -> None:
    for text in ('a"b\\c', "é\n\t\x7f\x01", "{{x}}"):
        assert tomllib.loads(f"a = {drafts.toml(text)}")["a"] == text
