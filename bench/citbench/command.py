"""What bench/run and bench/flow are as commands: shared options, endings, results and what is published."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .prepare import ROOT, Unprepared, say
from .servers import BENCH

# The options a result of bench/flow or bench/load depends on.
_TOLD = ("quick", "work", "rows", "rounds", "seconds")


@dataclass(frozen=True)
class Tables:
    """How a file of results is read and shown."""

    load: Callable[[Path], Any]
    markdown: Callable[[Any], str]
    summary: Callable[[Any, str], str]
    """What the README quotes, of results and the name of the file with all tables."""
    mark: str
    """The README has it between <!-- MARK:begin ... --> and <!-- MARK:end -->."""
    prefix: str = ""
    """Of the names of files."""


def add_options(p: argparse.ArgumentParser, tables: Tables, ports: str, no_setup: str = "") -> None:
    """Those about where things are and what becomes of results."""
    p.add_argument("--ports", default=ports, help="range to use (%(default)s)")
    p.add_argument("--citrate-python", help="a Python that has Citrate, instead of installing it")
    p.add_argument("--no-setup", action="store_true", help=f"install nothing{no_setup}")
    p.add_argument("--build", type=Path, default=ROOT / "build", help="where environments live")
    p.add_argument("--output", type=Path, help=f"the file of results (bench/results/{tables.prefix}DATE.jsonl)")
    p.add_argument("--report", type=Path, metavar="FILE", help="print the tables of a results file")
    p.add_argument("--publish", action="store_true", help="keep the results and quote them in the README")


def run(args: argparse.Namespace, tables: Tables, listing: Callable[[], None], compare: Callable[[], int]) -> int:
    """What was asked for; the exit status."""
    try:
        if args.list:
            listing()
            return 0
        if args.report:
            print(tables.markdown(tables.load(args.report)))
            if args.publish:
                _publish(tables, args.report)
            return 0
        return compare()
    except (Unprepared, argparse.ArgumentTypeError) as e:
        say(f"bench: {e}")
        return 2
    except KeyboardInterrupt:
        say("bench: interrupted; what was measured is in the results file")
        return 130


def chosen(text: str | None, known: Iterable[str], what: str) -> list[str]:
    """The names of a list with commas, all without one; raises ArgumentTypeError for one that is not known."""
    known = list(known)
    names = known if text is None else [n.strip() for n in text.split(",") if n.strip()]
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"unknown {what} {name!r}; known: {', '.join(known)}")
    return names


def told(name: str, args: argparse.Namespace, rounds: int, seconds: float) -> dict[str, Any]:
    """The beginning of the first line of results: when, and by which command."""
    # As --option=value; where Python is says nothing about what was measured.
    given = {k: v for k, v in vars(args).items() if v not in (None, False) and k in _TOLD}
    shown = [f"--{k}" + ("" if v is True else f"={v}") for k, v in given.items()]
    return {
        "kind": "machine",
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
        "command": shlex.join([name, *shown]),
        "rounds": rounds,
        "seconds": seconds,
    }


def output_of(args: argparse.Namespace, tables: Tables) -> Path:
    """The file that results go to."""
    if args.output:
        return Path(args.output)
    folder = BENCH / "results"
    folder.mkdir(exist_ok=True)
    return folder / f"{tables.prefix}{datetime.now(timezone.utc):%Y-%m-%d-%H%M%S}.jsonl"


def show(args: argparse.Namespace, tables: Tables, results: Any, output: Path) -> None:
    """The tables, beside the results and printed; published when that was asked for."""
    text = tables.markdown(results)
    path = output.with_suffix(".md")
    path.write_text(text)
    print(text)
    say(f"bench: results in {output}, tables in {path}")
    if args.publish:
        _publish(tables, output)


def _publish(tables: Tables, source: Path) -> None:
    """Copy a results file and its tables to bench/published, and the main ones to the README."""
    results = tables.load(source)
    kept = BENCH / "published" / (tables.prefix + source.name.removeprefix(tables.prefix))
    if kept != source:
        kept.write_text(source.read_text())
    path = kept.with_suffix(".md")
    path.write_text(tables.markdown(results))
    readme = ROOT / "README.md"
    where = path.relative_to(ROOT)
    readme.write_text(quote(readme.read_text(), tables.summary(results, str(where)), tables.mark))
    say(f"bench: published as {where}, quoted in {readme.name}")


def quote(readme: str, text: str, mark: str) -> str:
    """The README with the tables between its two marks; raises ValueError without them."""
    begin = readme.index("-->", readme.index(f"<!-- {mark}:begin")) + len("-->")
    end = readme.index(f"<!-- {mark}:end -->", begin)
    return f"{readme[:begin]}\n\n{text}\n\n{readme[end:]}"
