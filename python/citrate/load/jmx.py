"""JMeter's test plans (.jmx), the subset that plans of user journeys consist of.

What is understood, by the names JMeter's own files have: TestPlan, Arguments, ThreadGroup,
CSVDataSet, CookieManager, HeaderManager, ConfigTestElement (HTTP defaults), OnceOnlyController,
LoopController, TransactionController, GenericController, HTTPSamplerProxy, HtmlExtractor,
RegexExtractor, BoundaryExtractor, JSONPostProcessor, ResponseAssertion, DurationAssertion,
ConstantTimer, UniformRandomTimer, GaussianRandomTimer.  Each element that is not, is disabled, or
means something else here has a note with its name and the names of those it stands in.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field, replace

from citrate.errors import ConfigError
from citrate.load import jmx_parts as parts
from citrate.load.drafts import Draft, Journey, Step
from citrate.load.jmx_props import Props, Texts, parse
from citrate.load.jmx_sampler import sampler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

UNROLLED_MAX = 200  # steps of a loop that are written one after another
_LEFT_OUT = "not understood: {}"
_LISTENER = "left out: a listener; the report shows what it would"
_GROUPS = {
    "kg.apc.jmeter.threads.UltimateThreadGroup",
    "kg.apc.jmeter.threads.SteppingThreadGroup",
    "com.blazemeter.jmeter.threads.concurrency.ConcurrencyThreadGroup",
    "com.blazemeter.jmeter.threads.arrivals.ArrivalsThreadGroup",
    "com.blazemeter.jmeter.threads.arrivals.FreeFormArrivalsThreadGroup",
    "SetupThreadGroup",
    "PostThreadGroup",
}
_LISTENERS = {"ResultCollector", "Summariser", "BackendListener", "kg.apc.jmeter.vizualizers.CorrectedResultCollector"}
_TIMERS = {"ConstantTimer", "UniformRandomTimer", "GaussianRandomTimer"}
_EXTRACTORS = {"HtmlExtractor", "RegexExtractor", "BoundaryExtractor", "JSONPostProcessor"}
_ASSERTIONS = {"ResponseAssertion", "DurationAssertion"}
_SCOPED = {"HeaderManager", "ConfigTestElement", *_TIMERS, *_EXTRACTORS, *_ASSERTIONS}


@dataclass
class Scope:
    """What holds for all samplers below an element."""

    place: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    defaults: Props | None = None
    timers: list[Props] = field(default_factory=list)
    posts: list[Props] = field(default_factory=list)
    """Extractors and assertions."""
    is_once: bool = False


@dataclass
class Group:
    """A thread group, as far as a stage can have it."""

    name: str
    threads: int = 1
    ramp: float = 0.0
    seconds: float = 0.0
    """0: no end of its own."""
    loops: int = -1
    journey: Journey | None = None


def read(path: str) -> Draft:
    """The draft of a plan.  ConfigError when the file is no test plan of JMeter."""
    root = parse(path)
    top = root.find("hashTree")
    if root.tag != "jmeterTestPlan" or top is None:
        raise ConfigError(f"{path}: this is no test plan of JMeter (the root is <{root.tag}>)")
    return _Reader(path).read(top)


def children(tree: ET.Element) -> Iterator[tuple[ET.Element, ET.Element]]:
    """The elements of a <hashTree>, each with the <hashTree> that follows it."""
    found = list(tree)
    for number, element in enumerate(found):
        if element.tag != "hashTree":
            follows = found[number + 1] if number + 1 < len(found) else None
            yield element, follows if follows is not None and follows.tag == "hashTree" else ET.Element("hashTree")


class _Reader:
    def __init__(self, path: str) -> None:
        self.draft = Draft(path)
        self.texts = Texts(self.draft)
        self.groups: list[Group] = []
        self.variables: dict[str, object] = {}
        self.targets: list[str] = []
        self.has_cookies = False
        self.waits: list[list[Props]] = []
        """Timers before each step of the journey that is read."""

    def read(self, top: ET.Element) -> Draft:
        for element, below in children(top):
            if element.tag == "TestPlan" and not self._is_off(Scope(), element):
                self._test_plan(element, below)
            elif element.tag != "TestPlan":
                self._left_out(Scope(), element, below)
        if not self.groups:
            raise ConfigError(f"{self.draft.source}: no thread group with a request that is understood")
        if not self.has_cookies:
            self.draft.note("Test Plan", "there is no HTTP Cookie Manager; here users keep cookies in any case")
        self._finish()
        return self.draft

    def _test_plan(self, element: ET.Element, below: ET.Element) -> None:
        props = Props(element, "")
        if element.get("testname"):
            self.draft.members["title"] = element.get("testname")
        self._arguments(props, "TestPlan.user_defined_variables")
        if props.flag("TestPlan.serialize_threadgroups"):
            self.draft.note(props.place, "thread groups one after another: here all walk at once")
        self._container(Scope(props.place), below, None)

    # ---- the tree ----

    def _container(self, outer: Scope, tree: ET.Element, steps: list[Step] | None) -> None:
        """What stands in a plan, a group or a controller.  JMeter applies its settings before it walks."""
        scope = replace(
            outer, headers=list(outer.headers), timers=list(outer.timers), posts=list(outer.posts)
        )  # fmt: skip
        rest = []
        for element, below in children(tree):
            if self._is_off(scope, element):
                continue
            if not self._setting(scope, element, below):
                rest.append((element, below))
        for element, below in rest:
            self._walked(scope, element, below, steps)

    def _is_off(self, scope: Scope, element: ET.Element) -> bool:
        if element.get("enabled") == "false":
            self.draft.note(Props(element, scope.place).place, "left out: it is disabled")
            return True
        return False

    def _setting(self, scope: Scope, element: ET.Element, below: ET.Element) -> bool:
        """Takes an element that holds for those beside and below it; False when it is none."""
        props = Props(element, scope.place)
        if element.tag == "HeaderManager":
            self._headers(scope.headers, props)
        elif element.tag == "ConfigTestElement" and element.get("guiclass") == "HttpDefaultsGui":
            scope.defaults = props
            self.texts.noted(props.place, parts.unused_defaults(props))
        elif element.tag in _TIMERS:
            scope.timers.append(props)
        elif element.tag in _EXTRACTORS | _ASSERTIONS:
            scope.posts.append(props)
        elif element.tag == "Arguments":
            self._arguments(props, "")
        elif element.tag == "CSVDataSet":
            self._csv(props)
        elif element.tag == "CookieManager":
            self._cookies(props)
        else:
            return False
        if len(below):
            self._left_out_below(scope, below)
        return True

    def _walked(self, scope: Scope, element: ET.Element, below: ET.Element, steps: list[Step] | None) -> None:
        """Takes a group, a controller or a sampler."""
        if element.tag == "ThreadGroup" or element.tag in _GROUPS:
            self._group(scope, element, below)
        elif steps is None:
            self._left_out(scope, element, below)
        elif element.tag == "HTTPSamplerProxy":
            self._sampler(scope, element, below, steps)
        elif element.tag in ("GenericController", "TransactionController", "OnceOnlyController"):
            props = Props(element, scope.place)
            if element.tag == "TransactionController":
                self.draft.note(props.place, "its requests are there; their time together is not a row of its own")
            is_once = scope.is_once or element.tag == "OnceOnlyController"
            self._container(replace(scope, place=props.place, is_once=is_once), below, steps)
        elif element.tag == "LoopController":
            self._loop(scope, element, below, steps)
        else:
            self._left_out(scope, element, below)

    def _left_out(self, scope: Scope, element: ET.Element, below: ET.Element) -> None:
        props = Props(element, scope.place)
        known = element.tag.rpartition(".")[2] + (
            f" ({element.get('guiclass')})" if element.tag == "ConfigTestElement" else ""
        )
        self.draft.note(props.place, _LISTENER if element.tag in _LISTENERS else _LEFT_OUT.format(known))
        self._left_out_below(replace(scope, place=props.place), below)

    def _left_out_below(self, scope: Scope, tree: ET.Element) -> None:
        for element, below in children(tree):
            place = Props(element, scope.place).place
            self.draft.note(place, f"left out with what it stands in ({element.tag.rpartition('.')[2]})")
            self._left_out_below(replace(scope, place=place), below)

    # ---- groups and controllers ----

    def _group(self, scope: Scope, element: ET.Element, below: ET.Element) -> None:
        props = Props(element, scope.place)
        name = element.get("testname") or "Thread Group"
        group = Group(self._free_name(name))
        if element.tag == "ThreadGroup":
            self._schedule(group, props)
        else:
            kind = element.tag.rpartition(".")[2]
            self.draft.note(props.place, f"not understood: the schedule of a {kind}; one user walks its requests")
        steps: list[Step] = []
        outer, self.waits = self.waits, []
        self._container(replace(scope, place=props.place), below, steps)
        waits, self.waits = self.waits, outer
        if not steps:
            self.draft.note(props.place, "left out: it has no request that is understood")
            return
        group.journey = Journey(group.name, steps)
        parts.set_thinks(group.journey, waits, self.texts)
        self.groups.append(group)

    def _free_name(self, name: str) -> str:
        taken = {group.name for group in self.groups}
        number = 2
        free = name
        while free in taken:
            free, number = f"{name} {number}", number + 1
        return free

    def _schedule(self, group: Group, props: Props) -> None:
        texts = self.texts
        group.threads = texts.whole(props, "ThreadGroup.num_threads", 1)
        group.ramp = float(texts.whole(props, "ThreadGroup.ramp_time", 0))
        if props.flag("ThreadGroup.scheduler"):
            group.seconds = float(texts.whole(props, "ThreadGroup.duration", 0))
            if texts.whole(props, "ThreadGroup.delay", 0):
                self.draft.note(props.place, "its start-up delay: here all begin at once")
        controller = props.below("ThreadGroup.main_controller")
        if controller is not None:
            group.loops = texts.whole(controller, "LoopController.loops", -1)
        wanted = props.text("ThreadGroup.on_sample_error")
        if wanted not in ("", "continue", "startnextloop"):
            self.draft.note(props.place, f"on an error '{wanted}': here a step that goes wrong ends its round, no more")

    def _loop(self, scope: Scope, element: ET.Element, below: ET.Element, steps: list[Step]) -> None:
        props = Props(element, scope.place)
        count = self.texts.whole(props, "LoopController.loops", 1)
        first = len(steps)
        self._container(replace(scope, place=props.place), below, steps)
        inner, waits = steps[first:], self.waits[first:]
        if count < 0:
            self.draft.note(props.place, "loops for ever: here its requests are walked once a round")
        elif count == 0:
            self.draft.note(props.place, "left out: it loops 0 times")
            del steps[first:], self.waits[first:]
        elif len(inner) == 1:
            inner[0].repeat *= count
        elif len(inner) * count <= UNROLLED_MAX:
            for _ in range(count - 1):
                steps += [replace(step) for step in inner]
                self.waits += waits
        else:
            self.draft.note(props.place, f"loops {count} times over {len(inner)} requests: here they are walked once")

    # ---- what stands in them ----

    def _sampler(self, scope: Scope, element: ET.Element, below: ET.Element, steps: list[Step]) -> None:
        props = Props(element, scope.place)
        inner = replace(
            scope, place=props.place, headers=list(scope.headers), timers=list(scope.timers), posts=list(scope.posts)
        )
        for child, under in children(below):
            if self._is_off(inner, child):
                continue
            if child.tag not in _SCOPED or not self._setting(inner, child, under):
                self._left_out(inner, child, under)
        step, target = sampler(props, inner.defaults, self.texts)
        step.is_once = scope.is_once
        given = {name.lower() for name, _ in step.headers}
        step.headers += [(n, v) for n, v in inner.headers if n.lower() not in given]
        for post in inner.posts:
            parts.post(step, post, self.texts)
        if target and target not in self.targets:
            self.targets.append(target)
        if target and target != self.targets[0]:
            step.url = target + step.url
        steps.append(step)
        self.waits.append(inner.timers)

    def _headers(self, known: list[tuple[str, str]], props: Props) -> None:
        """A closer manager's headers replace those of the same name."""
        for header in props.entries("HeaderManager.headers"):
            name = header.text("Header.name")
            value = self.texts.filled(props.place, header.text("Header.value"))
            known[:] = [(n, v) for n, v in known if n.lower() != name.lower()]
            if name.lower() in ("host", "content-length", "connection", "cookie"):
                self.draft.note(props.place, f"left out: the header {name}, which the generator makes itself")
            elif name:
                known.append((name, value))

    def _arguments(self, props: Props, member: str) -> None:
        """User defined variables."""
        table = props.below(member) if member else props
        for argument in table.entries("Arguments.arguments") if table is not None else ():
            name = argument.text("Argument.name")
            value = self.texts.filled(props.place, argument.text("Argument.value"), is_fixed=True)
            self.texts.fixed[name] = value
            self.variables[self.texts.variable(props.place, name)] = value

    def _cookies(self, props: Props) -> None:
        self.has_cookies = True
        if props.flag("CookieManager.clearEachIteration"):
            self.draft.members["cookies"] = "fresh"
        for cookie in props.entries("CookieManager.cookies"):
            self.draft.note(props.place, f"left out: the cookie {cookie.name}; a step can have [Cookies]")

    def _csv(self, props: Props) -> None:
        if "data" in self.draft.members:
            self.draft.note(props.place, "left out: a second CSV; here users have lines of one")
            return
        self.draft.members["data"] = parts.csv_data(props, self.texts, self.draft)

    # ---- the plan's members ----

    def _finish(self) -> None:
        members: dict[str, object] = {"title": self.draft.members.pop("title", os.path.basename(self.draft.source))}
        members["target"] = self.targets[0] if self.targets else "http://127.0.0.1:8000"
        if not self.targets:
            self.draft.note("Test Plan", "no request names a server: please set target")
        self.draft.journeys = [group.journey for group in self.groups if group.journey is not None]
        if len(self.groups) > 1:
            self._weigh()
        members |= self._amount()
        if "cookies" in self.draft.members:
            members["cookies"] = self.draft.members.pop("cookies")
        if self.variables:
            members["variables"] = self.variables
        self.draft.members = {**members, **self.draft.members}

    def _weigh(self) -> None:
        for group in self.groups:
            assert group.journey is not None
            group.journey.weight = max(group.threads, 1)
        self.draft.note(
            "Test Plan",
            "several thread groups became journeys whose weights are their threads: each user walks any of them",
        )

    def _amount(self) -> dict[str, object]:
        """Stages of the groups together: the longest ramp, the longest time."""
        users = sum(group.threads for group in self.groups)
        ramp = max(group.ramp for group in self.groups)
        seconds = max(group.seconds for group in self.groups)
        found: dict[str, object] = {}
        if not seconds and all(group.loops > 0 for group in self.groups):
            found["requests"] = sum(
                parts.requests_of(group.journey, group.threads, group.loops) for group in self.groups
            )
            seconds = 3600.0
            self.draft.note(
                "Test Plan",
                "loops of thread groups became a number of requests (an hour at most), redirects not counted",
            )
        elif not seconds:
            seconds = 60.0 + ramp
            self.draft.note("Test Plan", f"thread groups without an end: {seconds:g} s are set")
        stages: list[dict[str, object]] = []
        if ramp and users > 1:
            stages.append({"users": users, "over": f"{ramp:g}s"})
        if seconds > ramp or not stages:
            stages.append({"users": users, "for": f"{seconds - (ramp if stages else 0):g}s"})
        found["stages"] = stages
        return found
