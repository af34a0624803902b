"""asyncio's own tools on the deterministic loop, and what the loop refuses."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import CancelTimer, CompleteWorkflowExecution, StartTimer
from tests.workflow.harness import EPOCH, Run, fire, names, signal, value

Scenario = Callable[[], Awaitable[Any]]
SCENARIOS: dict[str, Scenario] = {}


def scenario(fn: Scenario) -> Scenario:
    """Make a function a workflow body that a test names."""
    SCENARIOS[fn.__name__] = fn
    return fn


@workflow.defn
class Plays:
    """Runs the scenario it is told."""

    @workflow.run
    async def run(self, name: str) -> Any:
        return await SCENARIOS[name]()


def play(name: str, *activations: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    """Run a scenario to its end; its result and all commands before."""
    run = Run(Plays, name)
    completion = run.start()
    commands = list(completion.commands)
    for jobs in activations:
        assert completion.failure is None, completion.failure
        completion = run.send(*jobs)
        commands += completion.commands
    assert completion.failure is None, completion.failure
    last = commands.pop()
    assert isinstance(last, CompleteWorkflowExecution), last
    assert last.result is not None
    return value(last.result), commands


def timers(commands: list[Any]) -> list[str]:
    """Spell timer commands: ``+1`` started, ``-1`` cancelled."""
    return [
        f"+{command.seq}" if isinstance(command, StartTimer) else f"-{command.seq}"
        for command in commands
        if isinstance(command, (StartTimer, CancelTimer))
    ]


@scenario
async def fifo() -> list[int]:
    seen: list[int] = []
    loop = asyncio.get_running_loop()
    for number in range(5):
        loop.call_soon(seen.append, number)
    loop.call_soon(seen.append, 99).cancel()
    await asyncio.sleep(0)
    return seen


def test_callbacks_run_in_the_order_they_were_queued() -> None:
    assert play("fifo") == ([0, 1, 2, 3, 4], [])


@scenario
async def gathers() -> list[int]:
    async def after(seconds: float, number: int) -> int:
        await asyncio.sleep(seconds)
        return number

    return list(await asyncio.gather(after(3, 0), after(1, 1), after(2, 2)))


def test_gather_gives_results_in_input_order_whatever_fires_first() -> None:
    result, commands = play("gathers", (fire(2),), (fire(3),), (fire(1),))
    assert result == [0, 1, 2]
    assert [command.start_to_fire_timeout.total_seconds() for command in commands] == [3, 1, 2]


@scenario
async def waits_for() -> str:
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 5)
    except asyncio.TimeoutError:
        return "timed out"
    return "set"


def test_wait_for_is_a_durable_timer() -> None:
    result, commands = play("waits_for", (fire(1),))
    assert result == "timed out"
    assert timers(commands) == ["+1"]


@scenario
async def waits_in_time() -> str:
    event = asyncio.Event()
    asyncio.get_running_loop().call_later(1, event.set)
    await asyncio.wait_for(event.wait(), 5)
    return "set"


def test_the_timer_of_a_bounded_wait_is_cancelled_when_it_loses() -> None:
    """S-20."""
    result, commands = play("waits_in_time", (fire(1),))
    assert result == "set"
    assert timers(commands) == ["+1", "+2", "-2"]


@scenario
async def queue() -> list[int]:
    items: asyncio.Queue[int] = asyncio.Queue(maxsize=2)

    async def produce() -> None:
        for number in range(5):
            await items.put(number)

    producer = asyncio.create_task(produce())
    got = [await items.get() for _ in range(5)]
    await producer
    return got


@scenario
async def locks() -> list[str]:
    lock, semaphore, log = asyncio.Lock(), asyncio.Semaphore(2), list[str]()

    async def work(name: str) -> None:
        async with semaphore, lock:
            log.append(f"{name} in")
            await asyncio.sleep(0)
            log.append(f"{name} out")

    await asyncio.gather(*map(work, "abc"))
    return log


@scenario
async def conditions() -> int:
    condition, number = asyncio.Condition(), 0

    async def count() -> None:
        nonlocal number
        async with condition:
            number = 7
            condition.notify_all()

    task = asyncio.create_task(count())
    async with condition:
        await condition.wait_for(lambda: number == 7)
    await task
    return number


@scenario
async def shields() -> str:
    inner = asyncio.ensure_future(asyncio.sleep(1, "inner"))
    outer = asyncio.ensure_future(_through(asyncio.shield(inner)))
    await asyncio.sleep(0)
    outer.cancel()
    await asyncio.wait([outer])
    return await inner


async def _through(future: Awaitable[Any]) -> Any:
    return await future


@scenario
async def context_variables() -> list[str]:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("v", default="unset")

    async def child() -> str:
        variable.set("child")
        await asyncio.sleep(0)
        return variable.get()

    variable.set("parent")
    return [await asyncio.create_task(child()), variable.get()]


@scenario
async def call_at_the_time() -> float:
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_at(loop.time() + 2.5, future.set_result, None)
    await future
    return loop.time() - EPOCH


@scenario
async def streams() -> list[int]:
    async def count() -> Any:
        for number in range(3):
            await asyncio.sleep(0)
            yield number

    return [number async for number in count()]


@pytest.mark.parametrize(
    ("name", "activations", "result"),
    [
        ("queue", [], [0, 1, 2, 3, 4]),
        ("locks", [], ["a in", "a out", "b in", "b out", "c in", "c out"]),
        ("conditions", [], 7),
        ("shields", [(fire(1),)], "inner"),
        ("context_variables", [], ["child", "parent"]),
        ("call_at_the_time", [(fire(1),)], 2.0),
        ("streams", [], [0, 1, 2]),
    ],
)
def test_asyncio_works_unchanged(name: str, activations: list[Any], result: Any) -> None:
    assert play(name, *activations)[0] == result


if sys.version_info >= (3, 11):

    @scenario
    async def task_group() -> list[int]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(asyncio.sleep(3 - n, n)) for n in range(3)]
        return [task.result() for task in tasks]

    @scenario
    async def group_that_fails() -> str:
        async def fail() -> None:
            raise ValueError("first")

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(20):
                    group.create_task(asyncio.sleep(1))
                await asyncio.sleep(0)
                group.create_task(fail())
        except BaseException as error:
            exceptions: Any = getattr(error, "exceptions")  # noqa: B009 - Python 3.11
            return str(exceptions[0])
        return "no error"

    @scenario
    async def timeout_scope() -> str:
        try:
            async with asyncio.timeout(5):
                async with asyncio.timeout(1):
                    await asyncio.sleep(60)
        except TimeoutError:
            return "inner or outer"
        return "none"

    def test_a_task_group_waits_for_its_tasks() -> None:
        assert play("task_group", (fire(3),), (fire(1),), (fire(2),))[0] == [0, 1, 2]

    def test_a_task_group_cancels_in_the_order_of_creation() -> None:
        result, commands = play("group_that_fails")
        assert result == "first"
        cancelled = [name for name in timers(commands) if name.startswith("-")]
        assert timers(commands)[:20] == [f"+{n}" for n in range(1, 21)]
        assert len(cancelled) == 20
        assert cancelled == [
            name for name in timers(play("group_that_fails")[1]) if name.startswith("-")
        ]

    def test_b61_a_timeout_scope_is_a_durable_timer_and_leaves_none_behind() -> None:
        """B-61: the outer scope ends the inner waits, every timer gets one end."""
        result, commands = play("timeout_scope", (fire(2),))
        assert result == "inner or outer"
        assert sorted(timers(commands)) == ["+1", "+2", "+3", "-1", "-3"]


@scenario
async def computes() -> str:
    await asyncio.wait_for(_compute(), 1)
    return "computed"


async def _compute() -> int:
    return sum(range(1000))


def test_b62_a_limit_does_not_interrupt_a_computation() -> None:
    """B-62: the limit is looked at where the body waits or returns; its timer is taken back."""
    result, commands = play("computes")
    assert result == "computed"
    assert timers(commands) in ([], ["+1", "-1"])  # Python 3.12 starts no task of its own


@scenario
async def sleeps_again() -> list[str]:
    seen: list[str] = []
    for _ in range(2):
        await asyncio.sleep(1)
        seen.append("fired")
        nap = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        nap.cancel()
        await asyncio.wait([nap])
        seen.append("cancelled")
    return seen


def test_b65_the_same_sleep_fires_and_is_cancelled_again() -> None:
    """B-65."""
    result, commands = play("sleeps_again", (fire(1),), (fire(3),))
    assert result == ["fired", "cancelled"] * 2
    assert timers(commands) == ["+1", "+2", "-2", "+3", "+4", "-4"]


@scenario
async def ordered_wait() -> list[list[str]]:
    tasks = [asyncio.create_task(asyncio.sleep(n, str(n)), name=str(n)) for n in (3, 1, 2)]
    done, pending = await workflow.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    return [[task.get_name() for task in part] for part in (done, pending)]


def test_wait_keeps_the_order_it_was_given() -> None:
    assert play("ordered_wait", (fire(3), fire(1)))[0] == [["3", "2"], ["1"]]


@scenario
async def ordered_completion() -> list[str]:
    coros = [asyncio.sleep(n, str(n)) for n in (3, 1, 2)]
    return [await item for item in workflow.as_completed(coros)]


def test_as_completed_starts_in_order_and_gives_the_first_done_first() -> None:
    result, commands = play("ordered_completion", (fire(2),), (fire(3), fire(1)))
    assert result == ["1", "2", "3"]
    assert [command.start_to_fire_timeout.total_seconds() for command in commands] == [3, 1, 2]


@scenario
async def completion_times_out() -> list[str]:
    got: list[str] = []
    for item in workflow.as_completed(
        [asyncio.sleep(1, "one"), asyncio.sleep(9, "nine")], timeout=5
    ):
        try:
            got.append(await item)
        except asyncio.TimeoutError:
            got.append("timeout")
    return got


def test_as_completed_times_out_for_what_is_not_done() -> None:
    # The timeout is the first timer: the coroutines start with the loop's next turn.
    assert play("completion_times_out", (fire(2),), (fire(1),))[0] == ["one", "timeout"]


@scenario
async def sets_of_tasks() -> list[str]:
    tasks = {asyncio.create_task(asyncio.sleep(0), name=str(n)) for n in range(50)}
    await asyncio.wait(tasks)
    return [task.get_name() for task in tasks]


def test_a_set_of_tasks_has_an_order_that_a_replay_repeats() -> None:
    kept = [object() for _ in range(1000)]  # other addresses the second time
    first = play("sets_of_tasks")[0]
    kept.clear()
    assert play("sets_of_tasks")[0] == first


@scenario
async def stdlib_as_completed() -> str:
    tasks = [asyncio.create_task(asyncio.sleep(0, n)) for n in range(3)]
    assert sorted([await item for item in asyncio.as_completed(tasks)]) == [0, 1, 2]
    coros = [asyncio.sleep(0, n) for n in range(3)]
    try:
        for item in asyncio.as_completed(coros):
            await item
    except RuntimeError as error:
        return str(error)
    finally:
        for coro in coros:
            coro.close()
    return "not refused"


def test_as_completed_of_asyncio_takes_tasks_and_refuses_coroutines() -> None:
    """It would start them in the order of their addresses."""
    assert "use workflow.wait and workflow.as_completed" in play("stdlib_as_completed")[0]


REFUSED: dict[str, Callable[[asyncio.AbstractEventLoop], Any]] = {
    "run_in_executor": lambda loop: loop.run_in_executor(None, print),
    "call_soon_threadsafe": lambda loop: loop.call_soon_threadsafe(print),
    "create_connection": lambda loop: loop.create_connection(None, "localhost", 1),  # type: ignore[call-overload]
    "getaddrinfo": lambda loop: loop.getaddrinfo("localhost", 1),
    "add_reader": lambda loop: loop.add_reader(0, print),
    "add_signal_handler": lambda loop: loop.add_signal_handler(2, print),
    "subprocess_exec": lambda loop: loop.subprocess_exec(None, "true"),  # type: ignore[arg-type]
    "run_until_complete": lambda loop: loop.run_until_complete(asyncio.sleep(0)),
    "stop": lambda loop: loop.stop(),
    "close": lambda loop: loop.close(),
    "set_task_factory": lambda loop: loop.set_task_factory(None),
}


@workflow.defn
class Refused:
    @workflow.run
    async def run(self, name: str) -> str:
        try:
            outcome = REFUSED[name](asyncio.get_running_loop())
        except RuntimeError as error:
            return str(error)
        return f"not refused: {outcome!r}"


@pytest.mark.filterwarnings("ignore:coroutine 'sleep' was never awaited")
@pytest.mark.parametrize("name", REFUSED)
def test_what_touches_the_world_is_refused_by_name(name: str) -> None:
    [command] = Run(Refused, name).start().commands
    assert isinstance(command, CompleteWorkflowExecution)
    assert command.result is not None
    assert value(command.result).startswith(f"loop.{name} does not exist in a workflow")


def test_to_thread_fails_the_task_and_not_the_workflow() -> None:
    async def to_thread() -> None:
        await asyncio.to_thread(print)

    scenario(to_thread)
    completion = Run(Plays, "to_thread").start()
    assert completion.failure is not None
    assert "run_in_executor" in completion.failure["message"]


def test_no_method_of_the_loop_is_left_to_a_bare_not_implemented_error() -> None:
    from hourglass.workflow._runtime.loop import WorkflowLoop

    left = [
        name
        for name, member in vars(asyncio.AbstractEventLoop).items()
        if callable(member) and not name.startswith("_") and name not in vars(WorkflowLoop)
    ]
    assert left == []


async def test_the_loop_of_the_caller_is_left_alone() -> None:
    outer, task = asyncio.get_running_loop(), asyncio.current_task()
    hooks = sys.get_asyncgen_hooks()
    assert play("gathers", (fire(2),), (fire(3),), (fire(1),))[0] == [0, 1, 2]
    assert asyncio.get_running_loop() is outer
    assert asyncio.current_task() is task
    assert sys.get_asyncgen_hooks() == hooks


@scenario
async def callback_that_raises() -> None:
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(1)


def test_a_callback_that_raises_fails_the_task() -> None:
    completion = Run(Plays, "callback_that_raises").start()
    assert completion.failure is not None
    assert completion.failure["message"] == "division by zero"


@scenario
async def task_nobody_awaits() -> None:
    async def fail() -> None:
        raise ValueError("unheard")

    asyncio.create_task(fail())  # noqa: RUF006 - the loop keeps it
    for _ in range(40):  # until the loop lets go of tasks that are done
        await asyncio.create_task(asyncio.sleep(0))
    await asyncio.sleep(1)


@pytest.mark.parametrize("replaying", [False, True])
def test_an_error_nobody_looks_at_is_logged_once_with_whose_it_is(
    replaying: bool, caplog: pytest.LogCaptureFixture
) -> None:
    run = Run(Plays, "task_nobody_awaits")
    run.start(replaying=replaying)
    logged = [record.getMessage() for record in caplog.records]
    assert len(logged) == (0 if replaying else 1)
    assert all("never retrieved" in text and "workflow-id" in text for text in logged)


@workflow.defn
class Receives:
    """Takes signals in turn, some with a time limit."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[str] = asyncio.Queue()

    @workflow.signal
    def say(self, word: str) -> None:
        self.inbox.put_nowait(word)

    @workflow.run
    async def run(self, limits: list[float | None]) -> list[str]:
        got: list[str] = []
        for limit in limits:
            try:
                got.append(await asyncio.wait_for(self.inbox.get(), limit))
            except asyncio.TimeoutError:
                got.append("-")
        return got


def test_the_kth_receive_takes_the_kth_arrival_and_a_timed_out_one_takes_nothing() -> None:
    """S-1, S-3."""
    run = Run(Receives, [None, 5, None, None])
    assert names(run.start(signal("say", "a"))) == ["StartTimer"]
    assert names(run.send(fire(1))) == []
    completion = run.send(signal("say", "b"), signal("say", "c"))
    [command] = completion.commands
    assert isinstance(command, CompleteWorkflowExecution)
    assert value(command.result) == ["a", "-", "b", "c"]


def test_b59_b60_a_deadline_that_fired_first_wins_over_a_signal_in_the_same_history() -> None:
    """B-59, B-60: live and replayed, the timeout branch; the signal is there for the next wait."""
    run = Run(Receives, [5, None])
    run.start()
    run.send(fire(1))
    [command] = run.send(signal("say", "late")).commands
    assert isinstance(command, CompleteWorkflowExecution)
    assert value(command.result) == ["-", "late"]
