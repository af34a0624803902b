"""Decorators: what they accept, record and refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hourglass import workflow
from hourglass.converter import DataConverter
from hourglass.exceptions import DefinitionError
from hourglass.workflow._definition.definition import (
    QueryDefinition,
    SignalDefinition,
    WorkflowDefinition,
)
from hourglass.workflow._runtime.runner import WorkflowRunner
from tests.workflow.harness import Run, result_of, signal


class Base:
    @workflow.signal
    def poke(self, times: int = 1) -> None: ...

    @workflow.query(name="state")
    def get_state(self) -> str:
        return "base"


@workflow.defn(name="renamed", failure_exception_types=[KeyError])
class Good(Base):
    @workflow.run
    async def run(self, first: int, second: str = "", third=None) -> dict[str, int]:  # type: ignore[no-untyped-def]
        return {}

    @workflow.query(name="state")
    def get_state(self) -> str:
        return "good"

    @workflow.signal(dynamic=True)
    def rest(self, name: str, args: Any) -> None: ...


def test_a_definition_has_all_that_running_and_calling_need() -> None:
    definition = WorkflowDefinition.of(Good)
    assert definition is WorkflowDefinition.of(Good.run)
    assert definition.name == "renamed"
    assert definition.arg_types == [int, str, Any]
    assert definition.signature.arity == (1, 3)
    assert definition.ret_type == dict[str, int]
    assert definition.failure_exception_types == (KeyError,)
    assert set(definition.signals) == {"poke", None}
    assert definition.queries["state"].fn is Good.get_state


def test_signals_and_queries_are_found_by_their_functions() -> None:
    assert SignalDefinition.of(Good.poke).name == "poke"
    assert SignalDefinition.of(Good.poke).arg_types == [int]
    assert QueryDefinition.of(Good.get_state).name == "state"
    assert QueryDefinition.of(Good.get_state).ret_type is str


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (WorkflowDefinition.of, "decorate the class with @workflow.defn"),
        (SignalDefinition.of, "decorate it with @workflow.signal"),
        (QueryDefinition.of, "decorate it with @workflow.query"),
    ],
)
def test_what_is_not_decorated_is_named(of: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=f"test_definition.*Base.* {message}"):
        of(Base)


def no_run() -> Any:
    @workflow.defn
    class NoRun:
        pass

    return NoRun


def two_runs() -> Any:
    @workflow.defn
    class TwoRuns:
        @workflow.run
        async def one(self) -> None: ...

        @workflow.run
        async def two(self) -> None: ...

    return TwoRuns


def inherited_run() -> Any:
    @workflow.defn
    class Inherited(Good):
        pass

    return Inherited


def sync_run() -> Any:
    class SyncRun:
        @workflow.run
        def run(self) -> None: ...

    return SyncRun


def run_without_self() -> Any:
    @workflow.run
    async def run() -> None: ...

    return run


def keyword_only() -> Any:
    @workflow.query
    def handler(self: Any, *, word: str) -> None: ...

    return handler


def same_signal_twice() -> Any:
    @workflow.defn
    class Twice(Base):
        @workflow.run
        async def run(self) -> None: ...

        @workflow.signal(name="poke")
        def another(self) -> None: ...

    return Twice


def undecorated_override() -> Any:
    @workflow.defn
    class Override(Base):
        @workflow.run
        async def run(self) -> None: ...

        def poke(self, times: int = 1) -> None: ...

    return Override


def init_needs_arguments() -> Any:
    @workflow.defn
    class Needs:
        def __init__(self, value: int) -> None: ...

        @workflow.run
        async def run(self, value: int) -> None: ...

    return Needs


def init_differs() -> Any:
    @workflow.defn
    class Differs:
        @workflow.init
        def __init__(self, value: str) -> None: ...

        @workflow.run
        async def run(self, value: int) -> None: ...

    return Differs


def misplaced_init() -> Any:
    @workflow.init
    def other(self: Any) -> None: ...

    return other


def reserved_name() -> Any:
    @workflow.signal(name="__temporal_x")
    def handler(self: Any) -> None: ...

    return handler


def empty_name() -> Any:
    @workflow.query(name="")
    def handler(self: Any) -> None: ...

    return handler


def dynamic_with_wrong_parameters() -> Any:
    @workflow.signal(dynamic=True)
    def handler(self: Any) -> None: ...

    return handler


def bad_failure_type() -> Any:
    @workflow.defn(failure_exception_types=[int])  # type: ignore[list-item]
    class Bad:
        @workflow.run
        async def run(self) -> None: ...

    return Bad


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (no_run, "NoRun can't be a workflow: it has no method decorated with @workflow.run"),
        (two_runs, "more than one run method: one, two"),
        (inherited_run, "its run method run is only inherited"),
        (sync_run, "SyncRun.run: a run method has to be async"),
        (run_without_self, "a run method needs self"),
        (
            same_signal_twice,
            "signal 'poke' is defined twice, by poke and another",
        ),
        (undecorated_override, "poke overrides the signal of Base"),
        (init_needs_arguments, "its __init__ needs arguments"),
        (init_differs, "does not take the same parameters as its run method"),
        (misplaced_init, "@workflow.init goes on __init__"),
        (reserved_name, "__temporal_ are reserved"),
        (empty_name, "name can't be empty"),
        (dynamic_with_wrong_parameters, "a dynamic handler takes"),
        (bad_failure_type, "<class 'int'> is not an exception class"),
    ],
)
def test_a_bad_definition_says_what_is_wrong(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        make()


def test_b31a_an_option_that_does_not_exist_is_refused_by_name() -> None:
    """B-31a."""
    for decorator in (workflow.defn, workflow.signal, workflow.query):
        with pytest.raises(TypeError, match="'nmae'"):
            decorator(nmae="x")  # type: ignore[call-overload]


@workflow.defn
class BadHint:
    @workflow.run
    async def run(self, value: Unknown) -> None: ...  # type: ignore[name-defined] # noqa: F821


def test_a_hint_that_can_not_be_resolved_is_reported_before_work_is_taken() -> None:
    with pytest.raises(DefinitionError, match=r"BadHint.run: .*'Unknown' is not defined"):
        runner(BadHint)


def runner(*definitions: type) -> WorkflowRunner:
    return WorkflowRunner(
        definitions, task_queue="q", namespace="n", data_converter=DataConverter()
    )


def test_two_workflows_of_one_name_are_refused_with_both_named() -> None:
    @workflow.defn(name="renamed")
    class Other:
        @workflow.run
        async def run(self) -> None: ...

    with pytest.raises(DefinitionError, match=r"'renamed'.*Good and .*Other"):
        runner(Good, Other)


def test_a_class_without_the_decorator_of_its_own_can_not_be_registered() -> None:
    class Child(Good):
        pass

    with pytest.raises(DefinitionError, match=r"Child inherits from the workflow .*Good"):
        runner(Child)


def test_the_parameters_of_init_have_the_types_of_run_and_names_of_their_own() -> None:
    @workflow.defn
    class Named:
        @workflow.init
        def __init__(self, first: int, second: str) -> None:
            self.seen = f"{first} {second}"

        @workflow.run
        async def run(self, number: int, text: str) -> str:
            return self.seen

    assert result_of(Run(Named, 1, "a").start()) == "1 a"


def test_dynamic_handlers_of_the_older_form_get_values_and_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="a dynamic handler with .args is deprecated"):

        @workflow.defn
        class Older:
            def __init__(self) -> None:
                self.seen: list[Any] = []

            @workflow.signal(dynamic=True)
            def any_signal(self, name: str, *args: Any) -> None:
                self.seen.append([name, *args])

            @workflow.query(dynamic=True)
            def any_query(self, name: str, *args: Any) -> list[Any]:
                return [*self.seen, [name, *args]]

            @workflow.run
            async def run(self) -> None:
                await workflow.wait_condition(lambda: False)

    run = Run(Older)
    run.start(signal("hello", 1, {"a": 2}))
    assert run.ask("what", "x") == [["hello", 1, {"a": 2}], ["what", "x"]]
