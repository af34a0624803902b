"""Replaying histories against the code as it is now: the test for a change to a workflow."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hourglass.client import WorkflowHistory
from hourglass.converter import DataConverter
from hourglass.exceptions import InvalidArgumentError, StaleHandleError
from hourglass.subsystem.runtime import process_runtime
from hourglass.subsystem.stale_handle import reload_rescue
from hourglass.worker._codec import decode_activation
from hourglass.worker._definitions import workflow_definitions
from hourglass.worker._interceptor import Interceptor, workflow_interceptors
from hourglass.workflow._runtime.replay import replay
from hourglass.workflow._runtime.runner import WorkflowRunner

if TYPE_CHECKING:
    from hourglass._bridge import Runtime, WorkflowActivation, WorkflowCompletion


@dataclass(frozen=True)
class WorkflowReplayResult:
    """The result of replaying one history."""

    history: WorkflowHistory
    replay_failure: BaseException | None
    """`NondeterminismError` if the code does not fit; another error that failed a workflow task;
    None if it fits."""


@dataclass(frozen=True)
class WorkflowReplayResults:
    """The results of replaying several histories."""

    replay_failures: Mapping[str, BaseException]
    """By run id; those that fit are not in it."""


class _DecodingRunner(WorkflowRunner):
    """Decodes histories that went through a codec. A replay's thread has no event loop."""

    codec_converter: DataConverter

    def evaluate(self, activation: WorkflowActivation) -> WorkflowCompletion:
        codec = self.codec_converter.payload_codec
        assert codec is not None
        return super().evaluate(asyncio.run(decode_activation(activation, codec)))


class Replayer:
    """Runs histories through workflow code without a service; nothing it does has an effect."""

    def __init__(
        self,
        *,
        workflows: Sequence[type],
        namespace: str = "ReplayNamespace",
        data_converter: DataConverter = DataConverter.default,
        workflow_failure_exception_types: Sequence[type[BaseException]] = (),
        interceptors: Sequence[Interceptor] = (),
    ) -> None:
        """`DefinitionError` names what is no workflow or there twice."""
        if not workflows:
            raise InvalidArgumentError("a replayer needs at least one workflow")
        self._classes = [definition.cls for definition in workflow_definitions(workflows)]
        self._namespace = namespace
        self._converter = data_converter
        self._interceptors = workflow_interceptors(interceptors)
        self._failure_types = tuple(workflow_failure_exception_types)

    async def replay_workflow(
        self, history: WorkflowHistory, *, raise_on_replay_failure: bool = True
    ) -> WorkflowReplayResult:
        """Replay one history.

        Raises what did not fit (`NondeterminismError`, …) unless `raise_on_replay_failure` is
        False; `HistoryError` if the history can't be replayed at all.
        """
        result = (await asyncio.to_thread(self._replay, [history]))[0]
        if raise_on_replay_failure and result.replay_failure is not None:
            raise result.replay_failure
        return result

    async def replay_workflows(
        self,
        histories: Iterable[WorkflowHistory] | AsyncIterable[WorkflowHistory],
        *,
        raise_on_replay_failure: bool = True,
    ) -> WorkflowReplayResults:
        """Replay several, one after the other; with `raise_on_replay_failure` up to the first that
        does not fit."""
        failures: dict[str, BaseException] = {}
        async for history in _as_async(histories):
            result = await self.replay_workflow(
                history, raise_on_replay_failure=raise_on_replay_failure
            )
            if result.replay_failure is not None:
                failures[history.run_id] = result.replay_failure
        return WorkflowReplayResults(failures)

    @asynccontextmanager
    async def workflow_replay_iterator(
        self, histories: Iterable[WorkflowHistory] | AsyncIterable[WorkflowHistory]
    ) -> AsyncGenerator[AsyncIterator[WorkflowReplayResult], None]:
        """Replay several, each when its result is asked for; none raises for what does not fit.

        ::

            async with replayer.workflow_replay_iterator(histories) as results:
                async for result in results:
                    ...
        """
        async with aclosing(self._results(histories)) as results:
            yield results

    async def _results(
        self, histories: Iterable[WorkflowHistory] | AsyncIterable[WorkflowHistory]
    ) -> AsyncGenerator[WorkflowReplayResult, None]:
        async for history in _as_async(histories):
            yield await self.replay_workflow(history, raise_on_replay_failure=False)

    def _replay(self, histories: Sequence[WorkflowHistory]) -> list[WorkflowReplayResult]:
        """Replay histories; blocks, so in a thread.

        A runtime that turns out to be stale is reported and replaced, and a fresh one taken once.
        """
        try:
            return self._replay_on(process_runtime(), histories)
        except StaleHandleError:
            return self._replay_on(process_runtime(), histories)

    def _replay_on(
        self, runtime: Runtime, histories: Sequence[WorkflowHistory]
    ) -> list[WorkflowReplayResult]:
        natives = (history.native for history in histories)
        runner = self._runner()
        try:
            with reload_rescue("replay_history"):
                results = list(replay(natives, runner, runtime=runtime, namespace=self._namespace))
        finally:
            runner.evict_all()  # what a replay that failed left in the middle
        return [
            WorkflowReplayResult(history, result.failure)
            for history, result in zip(histories, results, strict=True)
        ]

    def _runner(self) -> WorkflowRunner:
        decoding = self._converter.payload_codec is not None
        runner = (_DecodingRunner if decoding else WorkflowRunner)(
            self._classes,
            task_queue="replay",
            namespace=self._namespace,
            data_converter=self._converter,
            workflow_failure_exception_types=self._failure_types,
            interceptors=self._interceptors.classes,
            extern_functions=self._interceptors.extern_functions,
        )
        if isinstance(runner, _DecodingRunner):
            runner.codec_converter = self._converter
        return runner


async def _as_async(
    histories: Iterable[WorkflowHistory] | AsyncIterable[WorkflowHistory],
) -> AsyncIterable[WorkflowHistory]:
    if isinstance(histories, AsyncIterable):
        async for history in histories:
            yield history
    else:
        for history in histories:
            yield history
