"""Makes a run's folder into one page: ``citrate load report DIR`` writes DIR/index.html.

    report_read   the files, line by line, folded     report_html    head, verdict, tables
    report_hist   histograms: percentiles, spectrum   report_plots   columns for the plots
    report_run    the run, and what is doubtful       report.{html,css,js}, report_plot.js   the page

The page needs nothing but itself: style, script and figures are in it, and its content
security policy forbids all else.
"""

from __future__ import annotations

import base64
import hashlib
import os
import sys
from pathlib import Path
from string import Template

from citrate.errors import ConfigError
from citrate.load import report_html
from citrate.load.report_plots import plots_json
from citrate.load.report_run import Run, read_run

HERE = Path(__file__).parent
USAGE = "usage: citrate load report DIR"
MORE = "Writes DIR/index.html out of a run's files; also while the run goes on, or after it was killed."


def write(folder: Path) -> Path:
    """Write ``folder``/index.html from the files of a run there (docs/load-report.md); its path.

    A file that is missing or cut makes the page poorer and is told on it.  Raises ConfigError
    when none is there, OSError when the page can't be written.
    """
    page = page_of(read_run(folder))
    path = folder / "index.html"
    fresh = folder / f".index.html.{os.getpid()}"
    try:
        fresh.write_bytes(page.encode("utf-8", "xmlcharrefreplace"))  # half a surrogate pair is possible in JSON
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    return path


def page_of(run: Run) -> str:
    style = part("report.css")
    script = f"(() => {{\n{part('report_plot.js')}{part('report.js')}}})();"
    return Template(part("report.html")).substitute(
        policy=policy(style, script),
        style=style,
        script=script,
        data=plots_json(run),
        title=report_html.e(run.title),
        verdict=report_html.verdict(run),
        alerts=report_html.alerts(run),
        figures=report_html.key_figures(run),
        how=report_html.how(run),
        thresholds=report_html.thresholds_table(run),
        steps=report_html.both_tables(run),
        errors=report_html.errors_section(run),
    )


def part(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def policy(style: str, script: str) -> str:
    """What the page may do: its own style and script, nothing else."""
    own = f"style-src {digest(style)}; script-src {digest(script)}"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'"


def digest(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def main(argv: list[str]) -> int:
    """``citrate load report DIR``: the exit status, 1 when the page can't be written.  ConfigError as of ``write``."""
    if argv in (["--help"], ["-h"]):
        print(f"{USAGE}\n\n{MORE}")
        return 0
    if len(argv) != 1 or argv[0].startswith("-"):
        raise ConfigError(USAGE)
    folder = Path(argv[0])
    try:
        print(write(folder))
    except OSError as exc:
        print(f"citrate: {exc.filename2 or exc.filename or folder}: {exc.strerror}", file=sys.stderr)
        return 1
    return 0
