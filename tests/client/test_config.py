"""What clients and workers were made with can be asked, and used again."""

from __future__ import annotations

from hourglass import activity
from hourglass.client import (
    Client,
    RPCError,
    RPCStatusCode,
    RPCTimeoutOrCancelledError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from hourglass.common import QueryRejectCondition
from hourglass.exceptions import OperationTimeoutError
from hourglass.worker import Worker


@activity.defn
async def nothing() -> None: ...


async def test_a_client_tells_what_it_was_made_with() -> None:
    client = await Client.connect(
        "localhost:7233",
        lazy=True,
        api_key="key",
        rpc_metadata={"a": "b"},
        default_workflow_query_reject_condition=QueryRejectCondition.NOT_OPEN,
    )
    assert (client.api_key, client.rpc_metadata) == ("key", {"a": "b"})
    again = Client(**client.config())
    assert again.config() == client.config()
    assert again.connection is client.connection
    embedded = await Client.connect("sqlite://", lazy=True)
    assert (embedded.api_key, embedded.rpc_metadata) == (None, {})


async def test_a_worker_tells_what_it_was_made_with() -> None:
    client = await Client.connect("sqlite://", lazy=True)
    worker = Worker(client, task_queue="q", activities=[nothing], max_concurrent_activities=7)
    config = worker.config()
    assert (config["client"], config["task_queue"], config["activities"]) == (
        client,
        "q",
        [nothing],
    )
    assert config["max_concurrent_activities"] == 7
    assert Worker(**config).config() == config


def test_errors_of_calls_say_what_they_are() -> None:
    refused = RPCError("no", RPCStatusCode.NOT_FOUND, [{"@type": "x"}])
    assert refused.grpc_status == {"code": 5, "message": "no", "details": [{"@type": "x"}]}
    assert issubclass(WorkflowUpdateRPCTimeoutOrCancelledError, RPCTimeoutOrCancelledError)
    assert issubclass(RPCTimeoutOrCancelledError, OperationTimeoutError)
