"""Made-up folders of load runs, in the documented formats, with percentiles that are those of their histograms."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

Row = dict[str, Any]

STEPS = [
    "front page",
    "log in: form",
    "log in: send",
    "overview",
    "step 1 (heavy)",
    "step 2",
    "step 3: questionnaire",
    "upload picture",
    "search",
    "log out",
]
MEDIANS_MS = [4.0, 6.0, 45.0, 12.0, 80.0, 18.0, 22.0, 130.0, 31.0, 3.0]


def cell_of(us: int) -> int:
    shift = max(0, us.bit_length() - 11)
    return us >> shift << shift


def times_of(samples: list[int]) -> Row:
    """The object of times of microseconds."""
    if not samples:
        return dict.fromkeys(("mean", "p50", "p90", "p95", "p99", "p999", "max"), 0)
    ordered = sorted(samples)
    shares = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}
    out = {name: ordered[min(int(share * len(ordered)), len(ordered) - 1)] / 1000 for name, share in shares.items()}
    return {"mean": sum(ordered) / len(ordered) / 1000, **out, "max": ordered[-1] / 1000}


class Tally:
    """What one row counts."""

    def __init__(self) -> None:
        self.latency: list[int] = []
        self.service: list[int] = []
        self.codes: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.requests = self.bytes_in = self.bytes_out = 0

    def add(self, latency: int, service: int, code: str = "200", kind: str = "") -> None:
        self.requests += 1
        self.bytes_out += 420
        if kind:
            self.kinds[kind] += 1
        if code:
            self.latency.append(latency)
            self.service.append(service)
            self.codes[code] += 1
            self.bytes_in += 15000

    def merge(self, other: Tally) -> None:
        self.latency += other.latency
        self.service += other.service
        self.codes += other.codes
        self.kinds += other.kinds
        self.requests += other.requests
        self.bytes_in += other.bytes_in
        self.bytes_out += other.bytes_out

    def row(self) -> Row:
        return {
            "requests": self.requests,
            "errors": sum(self.kinds.values()),
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "codes": dict(sorted(self.codes.items())),
            "errors_by_kind": dict(self.kinds),
            "latency_ms": times_of(self.latency),
            "service_ms": times_of(self.service),
        }

    def cells(self) -> Row:
        return {
            "latency_us": [list(x) for x in sorted(Counter(map(cell_of, self.latency)).items())],
            "service_us": [list(x) for x in sorted(Counter(map(cell_of, self.service)).items())],
        }


def line(value: object) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"


class Made:
    """A run that is walked second by second: ``write`` leaves its files in a folder."""

    def __init__(self, steps: list[str] = STEPS, seconds: int = 30, users: int = 10, warm: int = 0, seed: int = 1):
        self.steps, self.seconds, self.users, self.warm = steps, seconds, users, warm
        self.random = random.Random(seed)
        self.stall = range(seconds // 2, seconds // 2 + 4)
        self.error_share = 0.004
        self.model = "users"
        self.title = "Therapy, one more user every 30 seconds"
        self.threads = 2
        self.totals = {name: Tally() for name in steps}
        self.seconds_lines: list[str] = []
        self.histogram_lines: list[str] = []
        self.server_lines: list[str] = []
        self.summary: Row = {}
        self.plan: Row = {
            "title": self.title,
            "target": "http://127.0.0.1:8000",
            "journeys": [{"file": "therapy.hurl", "weight": 3}, "reader.hurl"],
            "stages": [{"users": 1, "for": "30s"}, {"users": users, "step": 1, "every": "30s"}],
            "threads": 2,
            "seed": 42,
            "think": "1s..3s",
        }

    def write(self, folder: Path) -> Path:
        self.walk()
        self.summarize()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "seconds.jsonl").write_text("".join(self.seconds_lines), encoding="utf-8")
        (folder / "histograms.jsonl").write_text("".join(self.histogram_lines), encoding="utf-8")
        (folder / "server.jsonl").write_text("".join(self.server_lines), encoding="utf-8")
        (folder / "summary.json").write_text(json.dumps(self.summary), encoding="utf-8")
        (folder / "plan.json").write_text(json.dumps(self.plan), encoding="utf-8")
        return folder

    def walk(self) -> None:
        cpu = 3.0
        for second in range(self.seconds):
            users = min(1 + second * self.users // max(self.seconds, 1), self.users)
            rows = self.rows_of(second, users)
            cpu += sum(row.requests for row in rows.values()) * self.random.uniform(700e-6, 900e-6)
            self.keep(second, users, rows)
            self.server_lines.append(line(self.sample(second, cpu)))
        totals = {name: tally for name, tally in self.totals.items() if tally.latency}
        self.histogram_lines += [line({"second": None, "step": name, **t.cells()}) for name, t in totals.items()]

    def rows_of(self, second: int, users: int) -> dict[str, Tally]:
        rows = {}
        stalled = second in self.stall
        for i, name in enumerate(self.steps):
            tally = rows[name] = Tally()
            for _ in range(self.random.randint(1, 3) if stalled else self.random.randint(users, 3 * users)):
                self.request(tally, MEDIANS_MS[i % len(MEDIANS_MS)] * (1 + users / 20), stalled)
        return rows

    def request(self, tally: Tally, median_ms: float, stalled: bool) -> None:
        service = int(median_ms * 1000 * self.random.lognormvariate(0, 0.35))
        if self.random.random() < 0.01:
            service *= 6
        latency = service + (self.random.randint(200_000, 3_900_000) if stalled else self.random.randint(0, 300))
        if self.random.random() > self.error_share * (20 if stalled else 1):
            tally.add(latency, service, "302" if self.random.random() < 0.1 else "200")
        elif self.random.random() < 0.5:
            tally.add(latency, service, "503" if stalled else "500", "status")
        else:
            tally.add(0, 0, "", "timeout")

    def keep(self, second: int, users: int, rows: dict[str, Tally]) -> None:
        everything = Tally()
        for name, tally in rows.items():
            everything.merge(tally)
            if second >= self.warm:
                self.totals[name].merge(tally)
            if tally.latency:
                self.histogram_lines.append(line({"second": second, "step": name, **tally.cells()}))
        self.seconds_lines.append(
            line(
                {
                    "second": second,
                    "warm": second < self.warm,
                    "start": float(second),
                    "end": float(second + 1),
                    "wanted": users,
                    "users": users,
                    "waiting": 0,
                    "connects": 1 + second % 3,
                    "rounds": everything.requests // max(len(self.steps), 1),
                    "late": 0,
                    "cpu": everything.requests * 9e-6 + 0.01,
                    "rss": 9_000_000 + second * 1000,
                    "all": everything.row(),
                    "steps": {name: tally.row() for name, tally in rows.items()},
                }
            )
        )

    def sample(self, second: int, cpu: float) -> Row:
        return {
            "second": second,
            "at": second + 1.0,
            "cpu": round(cpu, 4),
            "rss": 120_000_000 + second * 40_000,
            "pss": 90_000_000 + second * 30_000,
            "processes": 3,
            "threads": 19,
            "queue": 40 if second in self.stall else self.random.randint(0, 1),
            "name": "citrate therapy.wsgi:application",
            "citrate": True,
        }

    def summarize(self) -> None:
        everything = Tally()
        for tally in self.totals.values():
            everything.merge(tally)
        measured = float(self.seconds - self.warm)
        steps = {name: {**t.row(), "rate": t.requests / max(measured, 1)} for name, t in self.totals.items()}
        row = everything.row()
        self.summary = {
            "citrate": "0.1.0",
            "title": self.title,
            "target": "http://127.0.0.1:8000",
            "state": "finished",
            "end": "time",
            "started": "2026-11-21T17:57:36Z",
            "model": self.model,
            "threads": self.threads,
            **row,
            "seconds": measured,
            "rate": everything.requests / max(measured, 1),
            "connects": 2 * self.seconds,
            "rounds": everything.requests // max(len(self.steps), 1),
            "late": 0,
            "unfinished": 3,
            "not_begun": 0,
            "steps": steps,
            "examples": [
                {
                    "step": name,
                    "kind": kind,
                    "text": f"GET /{i} HTTP/1.1: what was wrong with {kind}, <b>as it came</b>",
                }
                for i, (name, t) in enumerate(self.totals.items())
                for kind in t.kinds
            ],
            "thresholds": [
                {"step": None, "measure": "p95", "limit": 500, "actual": row["latency_ms"]["p95"], "holds": True},
                {
                    "step": self.steps[0] if self.steps else None,
                    "measure": "p99",
                    "limit": 20,
                    "actual": 31.25,
                    "holds": False,
                },
                {"step": None, "measure": "errors", "limit": 0.01, "actual": 0.0045, "holds": True},
                {"step": None, "measure": "rate", "limit": 100, "actual": 118.4, "holds": True},
            ],
            "generator": {
                "cpu_seconds": 4.1,
                "share": 0.006,
                "cpu_us_per_request": 9.2,
                "threads": self.threads,
                "rss": 9_360_000,
            },
        }
