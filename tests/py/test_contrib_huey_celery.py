"""Delayed calls through real Huey (in this process, and with Redis and a consumer) and real Celery."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cit_cli import environment

huey_module = pytest.importorskip("huey")

from citrate.contrib.huey import HueyKeys, HueyScheduler, Key  # noqa: E402
from citrate.contrib.scheduler import LATE, Call, CallbackScheduler, local_naive  # noqa: E402

UTC = timezone.utc


def now() -> datetime:
    return datetime.now(UTC)


def wait_for(what: Callable[[], object], seconds: float = 20) -> object:
    end = time.monotonic() + seconds
    while not (value := what()) and time.monotonic() < end:
        time.sleep(0.02)
    return value


# ---- Huey in this process ----


class Immediate:
    """A Huey in immediate mode with one task that notes its arguments."""

    def __init__(self) -> None:
        self.huey = huey_module.MemoryHuey(immediate=True)
        self.ran: list[tuple[object, ...]] = []

        @self.huey.task()
        def note(*args: object) -> None:
            self.ran.append(args)

        self.note = note
        self.scheduler = HueyScheduler(self.huey)

    def scheduled(self) -> dict[str, datetime]:
        """Ids and UTC moments of what waits."""
        return {task.id: task.eta.replace(tzinfo=UTC) for task in self.huey.scheduled()}

    def run_due(self, at: datetime) -> None:
        """What a consumer does with its schedule at this moment."""
        for task in self.huey.read_schedule(at.astimezone(UTC).replace(tzinfo=None)):
            self.huey.execute(task, at.astimezone(UTC).replace(tzinfo=None))


@pytest.fixture
def immediate() -> Immediate:
    return Immediate()


def test_a_call_without_an_eta_is_made_at_once(immediate: Immediate) -> None:
    immediate.scheduler.schedule(immediate.note, (1, [2, (3,)]))
    assert immediate.ran == [(1, [2, (3,)])]


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("America/Santiago"), ZoneInfo("Asia/Kathmandu")])
def test_huey_waits_until_the_same_moment_whatever_the_zone_of_the_eta(immediate: Immediate, zone: timezone) -> None:
    eta = (now() + timedelta(hours=5)).replace(microsecond=0)
    task_id = immediate.scheduler.schedule(immediate.note, ("later",), eta.astimezone(zone))
    assert immediate.scheduled() == {task_id: eta}
    immediate.run_due(eta - timedelta(seconds=1))
    assert immediate.ran == []
    immediate.run_due(eta)
    assert immediate.ran == [("later",)]


def test_a_naive_eta_is_local_time(immediate: Immediate) -> None:
    eta = datetime.now().replace(microsecond=0) + timedelta(days=1)
    task_id = immediate.scheduler.schedule(immediate.note, (), eta)
    assert immediate.scheduled() == {task_id: eta.astimezone(UTC)}


def test_the_id_may_be_chosen_and_takes_the_call_back(immediate: Immediate) -> None:
    eta = now() + timedelta(minutes=1)
    assert immediate.scheduler.schedule(immediate.note, ("no",), eta, task_id="mine") == "mine"
    immediate.scheduler.schedule(immediate.note, ("yes",), eta)
    immediate.scheduler.revoke("mine", "unknown")
    immediate.run_due(eta + timedelta(seconds=1))
    assert immediate.ran == [("yes",)]


def test_of_two_calls_with_one_key_the_second_is_made(immediate: Immediate) -> None:
    eta = now() + timedelta(minutes=1)
    key = Key("delay", 7, 3, 42)
    for word in ("first", "second"):
        immediate.scheduler.schedule(immediate.note, (word,), eta, key=key)
    immediate.scheduler.schedule(immediate.note, ("other user",), eta, key=key._replace(user=43))
    immediate.run_due(eta + timedelta(seconds=1))
    assert immediate.ran == [("second",), ("other user",)]


def test_a_key_is_known_to_every_scheduler_of_the_same_store(immediate: Immediate) -> None:
    eta = now() + timedelta(minutes=1)
    immediate.scheduler.schedule(immediate.note, ("first",), eta, key="weekly")
    HueyScheduler(immediate.huey).schedule(immediate.note, ("second",), eta, key="weekly")
    HueyScheduler(immediate.huey).revoke_key("weekly")
    immediate.run_due(eta + timedelta(seconds=1))
    assert immediate.ran == []
    assert "weekly" not in HueyKeys(immediate.huey)


def test_a_call_that_was_due_long_ago_is_not_taken_back_for_the_next(immediate: Immediate) -> None:
    immediate.scheduler.schedule(immediate.note, ("ran",), now() - 2 * LATE, key="again")
    immediate.scheduler.schedule(immediate.note, ("runs",), now(), key="again")
    assert immediate.ran == [("ran",), ("runs",)]
    assert not [key for key in immediate.huey.all_results() if key.startswith("r:")], "a mark nobody would remove"


def test_many_calls_keep_their_order_and_get_their_own_ids(immediate: Immediate) -> None:
    calls = [Call(immediate.note, (number,), now()) for number in range(50)]
    ids = immediate.scheduler.schedule_many(calls)
    assert len(set(ids)) == 50
    assert immediate.ran == [(number,) for number in range(50)]
    assert immediate.scheduler.schedule_many([]) == []


def test_local_naive_follows_the_clock_on_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/Santiago")
    time.tzset()
    try:
        assert local_naive(datetime(2026, 7, 1, 12, tzinfo=UTC)) == datetime(2026, 7, 1, 8)
        assert local_naive(datetime(2026, 1, 1, 12, tzinfo=UTC)) == datetime(2026, 1, 1, 9)
        assert local_naive(datetime(2026, 7, 1, 8)) == datetime(2026, 7, 1, 8)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_queue_of_ones_own_is_two_functions() -> None:
    sent: list[tuple[object, ...]] = []
    cancelled: list[str] = []
    scheduler = CallbackScheduler(lambda *call: sent.append(call), cancelled.append)
    eta = now() + timedelta(days=1)
    first = scheduler.schedule(print, (1,), eta, key=Key("init", 1, 0, 2))
    second = scheduler.schedule(print, (2,), eta, key=Key("init", 1, 0, 2))
    assert sent == [(print, (1,), eta, first), (print, (2,), eta, second)]
    assert cancelled == [first]


# ---- Huey with Redis and a consumer of its own ----

CONSUMER = """
import sys
from huey import RedisHuey

huey = RedisHuey("citrate-tests", url="unix://" + sys.argv[1])

@huey.task(name="note")
def note(path, word):
    with open(path, "a") as file:
        file.write(word + "\\n")

if __name__ == "__main__":
    huey.create_consumer(workers=1, scheduler_interval=1).run()
"""


@pytest.fixture(scope="module")
def redis_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    pytest.importorskip("redis")
    folder = tmp_path_factory.mktemp("redis")
    path = str(folder / "s")
    command = [program, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        assert wait_for(lambda: Path(path).exists() or process.poll() is not None), "redis did not start"
        yield path
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.slow
def test_a_consumer_makes_the_calls_that_were_not_taken_back(redis_socket: str, tmp_path: Path) -> None:
    (tmp_path / "consumer.py").write_text(CONSUMER)
    consumer = subprocess.Popen(
        [sys.executable, "consumer.py", redis_socket], cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL
    )
    try:
        huey = huey_module.RedisHuey("citrate-tests", url="unix://" + redis_socket)
        note = huey.task(name="note")(lambda path, word: None)
        # The consumer finds a task by module and name.
        note.task_class.__module__ = "__main__"
        huey._registry.register(note.task_class)
        scheduler = HueyScheduler(huey)
        out = str(tmp_path / "out")
        soon = now() + timedelta(seconds=3)
        scheduler.schedule(note, (out, "replaced"), soon, key=Key("delay", 1, 2, 3))
        scheduler.schedule(note, (out, "soon"), soon, key=Key("delay", 1, 2, 3))
        scheduler.revoke(scheduler.schedule(note, (out, "taken back"), soon))
        scheduler.schedule(note, (out, "at once"))
        scheduler.schedule(note, (out, "tomorrow"), now() + timedelta(days=1))
        assert wait_for(lambda: Path(out).exists() and "soon" in Path(out).read_text())
        time.sleep(1.5)  # the others, if they came, would come with it
        assert Path(out).read_text().split("\n") == ["at once", "soon", ""]
        assert now() >= soon
    finally:
        consumer.terminate()
        consumer.wait(20)


# ---- Celery ----


@pytest.fixture(scope="module")
def celery_worker() -> Iterator[tuple[object, object, list[tuple[object, ...]]]]:
    """An application with a broker in memory, its task, and what the task was called with."""
    pytest.importorskip("celery")
    from celery import Celery
    from celery.contrib.testing.worker import start_worker

    app = Celery("citrate-tests", broker="memory://", backend="cache+memory://")
    app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)
    ran: list[tuple[object, ...]] = []

    @app.task(name="citrate_tests.note", bind=True)
    def note(self: object, *args: object) -> None:
        ran.append((self.request.id, *args))  # type: ignore[attr-defined]

    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=20):
        yield app, note, ran


@pytest.mark.slow
def test_celery_makes_the_calls_that_were_not_taken_back(
    celery_worker: tuple[object, object, list[tuple[object, ...]]],
) -> None:
    from citrate.contrib.celery import CeleryScheduler

    app, note, ran = celery_worker
    scheduler = CeleryScheduler(app)
    soon = now() + timedelta(seconds=4)
    zone = ZoneInfo("Asia/Kathmandu")
    replaced = scheduler.schedule(note, ("replaced",), soon, key=Key("delay", 1, 2, 3))
    kept = scheduler.schedule(note, ("soon",), soon.astimezone(zone), key=Key("delay", 1, 2, 3))
    assert replaced != kept
    scheduler.schedule(note, (["a", 1],), task_id="chosen")
    scheduler.schedule(note, ("tomorrow",), now() + timedelta(days=1))
    assert wait_for(lambda: (kept, "soon") in ran)
    assert now() >= soon - timedelta(milliseconds=50)
    time.sleep(1)
    assert sorted(ran, key=str) == sorted([("chosen", ["a", 1]), (kept, "soon")], key=str)
