"""The command ``citrate load``.

    citrate load [options] URL | PLAN            a run
    citrate load compare|sweep|report|import …   what the modules of these names do

Exit status: the generator's (docs/load.md); 2 for options and plans that are wrong.
"""

from __future__ import annotations

import sys

from citrate.load import options, runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from citrate.load.options import Given

OWN = {"--watch-pid": True, "--locust-worker": True}

USAGE = "usage: citrate load [options] URL | PLAN.toml    (citrate load --help tells more)"

MORE = """
Of the command citrate load, beside those of the generator:
      --watch-pid PID           measure this process and those below it as the server (repeatable)
      --locust-worker HOST:PORT join a Locust master as a worker

citrate load compare A.toml B.toml                 which is faster, and is it sure?
citrate load compare [options] -- 'SERVER A' 'SERVER B'
citrate load sweep --workers 1..4 --clients 2,10 -- SERVER COMMAND
citrate load report DIR                            write DIR/index.html anew
citrate load import FILE.jmx|FILE.har              make a plan of one of JMeter, or of a browser's record

A plan is TOML (or the same as JSON).  To serve a module named load: citrate load:application
"""


def main(argv: list[str]) -> int:
    """``citrate load argv``; the exit status.  ConfigError for what is wrong with the words."""
    if argv and argv[0] in WORDS:
        return WORDS[argv[0]](argv[1:])
    given = options.split(argv, OWN)
    if "--locust-worker" in given:
        from citrate.load import locust

        return int(locust.main(argv))
    if "--help" in given or "--version" in given:
        return _tell(given)
    if len(given.operands) != 1 or given.rest is not None:
        return _usage(given)
    return _run(given)


def _compare(argv: list[str]) -> int:
    from citrate.load import compare

    return compare.main(argv)


def _sweep(argv: list[str]) -> int:
    from citrate.load import sweep

    return sweep.main(argv)


def _report(argv: list[str]) -> int:
    from citrate.load import report

    return int(report.main(argv))


def _import(argv: list[str]) -> int:
    from citrate.load import importers

    return int(importers.main(argv))


WORDS = {"compare": _compare, "sweep": _sweep, "report": _report, "import": _import}


def _tell(given: Given) -> int:
    """--help and --version are the generator's, with what this command adds."""
    from citrate.load import native

    status = native.Generator(given.native()).wait(lambda started: None)
    if "--help" in given:
        print(MORE, end="", flush=True)
    return status


def _usage(given: Given) -> int:
    if not given.operands:
        what = "name an address or a plan"
    else:
        what = f"one address or plan can be run, not {' and '.join(map(repr, given.operands + (given.rest or [])))}"
    print(f"citrate load: {what}\n{USAGE}", file=sys.stderr)
    return 2


def _run(given: Given) -> int:
    from citrate.load import native

    pids = [options.count(text, "--watch-pid") for text in given.all("--watch-pid")]
    job = runs.Job(given, given.operands[0])
    watch = runs.Watch(job, pids, reports=True)
    is_quiet = given.last("--live", "auto") == "off"
    if (hint := watch.hint()) and not is_quiet:
        runs.tell(hint)
    with native.signals_held():
        generator = job.start()
        status = generator.supervise(watch.tick)
        page = watch.end(generator.started)
    if generator.killed_by:
        runs.tell(f"the generator was ended by signal {generator.killed_by}; what it had measured is in {job.report}")
    if page and not is_quiet:
        runs.tell(f"the report is {page}")
    return status
