"""A payload codec around workflow code: before the evaluator and after it, never under it.

A codec may do I/O, so it runs on the worker's event loop. The evaluator hands an activation over to
the loop, gets it back decoded, evaluates it, and hands the completion over to be encoded. Headers
and search attributes are not a codec's business: the service reads those.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hourglass import _bridge
from hourglass.converter.codec import Each, convert_wire
from hourglass.converter.failure import failure_of

if TYPE_CHECKING:
    from hourglass._bridge import WorkflowActivation, WorkflowCompletion
    from hourglass.converter import DataConverter, PayloadCodec

logger = logging.getLogger("hourglass.worker")


def _attributes(native: Any) -> dict[str, Any]:
    """The attributes of a native value: also the keywords that make it."""
    names = [name for name in dir(native) if not name.startswith("_")]
    values = {name: getattr(native, name) for name in names}
    return {name: value for name, value in values.items() if not callable(value)}


async def _convert(native: Any, each: Each) -> Any:
    """Convert the payloads of a job or command; return it unchanged if it has none."""
    attributes = _attributes(native)
    converted = await convert_wire(attributes, each)
    return native if converted == attributes else type(native)(**converted)


async def decode_activation(
    activation: WorkflowActivation, codec: PayloadCodec
) -> WorkflowActivation:
    """Decode an activation's payloads, for workflow code."""
    fields = _attributes(activation)
    fields["jobs"] = [await _convert(job, codec.decode) for job in activation.jobs]
    return _bridge.WorkflowActivation(**fields)


async def encode_completion(
    completion: WorkflowCompletion, codec: PayloadCodec
) -> WorkflowCompletion:
    """Encode a completion's payloads, for the service."""
    if completion.failure is not None:
        failure = await convert_wire(completion.failure, codec.encode)
        return _bridge.WorkflowCompletion.failed(completion.run_id, failure)
    commands = [await _convert(command, codec.encode) for command in completion.commands]
    return _bridge.WorkflowCompletion(completion.run_id, commands)


class CodecSteps:
    """The two steps on the event loop, for one worker."""

    def __init__(self, converter: DataConverter, loop: asyncio.AbstractEventLoop) -> None:
        codec = converter.payload_codec
        assert codec is not None
        self._codec = codec
        self._converter = converter
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()

    def decode(
        self,
        activation: WorkflowActivation,
        then: Callable[[WorkflowActivation], None],
        fail: Callable[[WorkflowCompletion], None],
    ) -> None:
        """Decode on the loop, then call `then` there; `fail` with a failed task if it can't be."""

        async def step() -> None:
            try:
                then(await decode_activation(activation, self._codec))
            except Exception as error:
                logger.exception("run %s: the codec could not decode a task", activation.run_id)
                fail(self._failed(activation.run_id, error))

        self._begin(step)

    def encode(
        self, completion: WorkflowCompletion, then: Callable[[WorkflowCompletion], None]
    ) -> None:
        """Encode on the loop, then call `then` there; with a failed task if it can't be."""

        async def step() -> None:
            try:
                encoded = await encode_completion(completion, self._codec)
            except Exception as error:
                logger.exception("run %s: the codec could not encode a task", completion.run_id)
                encoded = self._failed(completion.run_id, error)
            then(encoded)

        self._begin(step)

    def _failed(self, run_id: str, error: Exception) -> WorkflowCompletion:
        converter = self._converter
        failure = failure_of(error, converter.failure_converter, converter.payload_converter)
        return _bridge.WorkflowCompletion.failed(run_id, failure)

    def _begin(self, step: Callable[[], Any]) -> None:
        def begin() -> None:
            task = self._loop.create_task(step())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self._loop.call_soon_threadsafe(begin)
