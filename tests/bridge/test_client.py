"""Clients: connecting, calling by name, waiting for the end of a run."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hourglass._bridge import (
    BridgeError,
    Client,
    Engine,
    Payload,
    Runtime,
    status_name,
)
from tests.support import unique

NOT_FOUND, ALREADY_EXISTS, UNIMPLEMENTED, UNAVAILABLE = 5, 6, 12, 14


def start(client: Client, workflow_id: str, **more: Any) -> str:
    request = {
        "workflow_id": workflow_id,
        "workflow_type": {"name": "T"},
        "task_queue": {"name": unique("nobody")},
    }
    return client.start_workflow(request | more).wait(30)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("ftp://localhost", "unknown scheme"),
        ("localhost", "relative URL"),
        ("http://", "host"),
        ("", "relative URL"),
    ],
)
def test_a_target_that_is_none_is_refused_with_a_hint(
    runtime: Runtime, target: str, why: str
) -> None:
    with pytest.raises(BridgeError, match=why) as raised:
        Client.connect(runtime, target_url=target).wait(10)
    assert raised.value.kind == "bad_target"
    assert "http://localhost:7233" in raised.value.message


def test_an_unreachable_cluster_is_named_at_once(runtime: Runtime) -> None:
    start = time.monotonic()
    with pytest.raises(BridgeError, match=r"http://127\.0\.0\.1:1.*refused") as raised:
        Client.connect(runtime, target_url="http://127.0.0.1:1").wait(30)
    assert raised.value.kind == "connect"
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"target_url": "http://localhost:1", "tls": {"domian": "x"}},
        {"target_url": "http://localhost:1", "tls": {"client_cert": b"x"}},
        {"target_url": "http://localhost:1", "connect_timeout": 0.0},
        {"target_url": "http://localhost:1", "namespace": ""},
        {"target_url": "http://localhost:1", "rpc_metadata": {"not a name": "x"}},
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    runtime: Runtime, keywords: dict[str, Any]
) -> None:
    with pytest.raises(BridgeError) as raised:
        Client.connect(runtime, **keywords).wait(10)
    assert raised.value.kind == "bad_argument"


def test_a_file_that_is_no_database_is_named(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear Sir or Madam, " * 100)
    with pytest.raises(BridgeError, match=r"letter\.db") as raised:
        Engine.open(runtime, str(path)).wait(30)
    assert raised.value.kind == "database"


def test_an_engine_refuses_an_option_it_does_not_know(runtime: Runtime) -> None:
    with pytest.raises(BridgeError, match="synchronous"):
        Engine.open(runtime, None, synchronous="sometimes")  # type: ignore[arg-type]


def test_closing_an_engine_twice_is_fine(runtime: Runtime, tmp_path: Path) -> None:
    engine = Engine.open(runtime, str(tmp_path / "a.db")).wait(30)
    engine.close().wait(30)
    engine.close().wait(30)


def test_a_closed_engine_says_so_at_once(runtime: Runtime) -> None:
    engine = Engine.open(runtime, None).wait(30)
    client = Client.connect(runtime, engine=engine).wait(30)
    engine.close().wait(30)
    begin = time.monotonic()
    with pytest.raises(BridgeError, match="closed") as raised:
        client.call("GetSystemInfo", {}).wait(30)
    assert (raised.value.kind, raised.value.status) == ("rpc", UNAVAILABLE)
    assert time.monotonic() - begin < 5


def test_any_rpc_goes_by_name(native: Client) -> None:
    answer = native.call("DescribeNamespace", {"namespace": "default"}).wait(30)
    assert answer["namespace_info"]["name"] == "default"


@pytest.mark.parametrize(
    ("rpc", "request_", "service", "why"),
    [
        ("Surprise", {}, None, "has no Surprise"),
        ("GetSystemInfo", {"surprise": 1}, None, r"GetSystemInfoRequest\.surprise: unknown field"),
        ("GetSystemInfo", {}, "no.such.Service", "no such.Service|no service"),
    ],
)
def test_a_call_that_cannot_be_made_is_refused_before_it_is_sent(
    embedded_native: Client, rpc: str, request_: dict[str, Any], service: str | None, why: str
) -> None:
    more: dict[str, Any] = {} if service is None else {"service": service}
    with pytest.raises(BridgeError, match=why) as raised:
        embedded_native.call(rpc, request_, **more)
    assert raised.value.kind == "bad_argument"


def test_an_rpc_that_the_engine_lacks_is_named(embedded_native: Client) -> None:
    with pytest.raises(BridgeError, match="ListBatchOperations") as raised:
        embedded_native.call("ListBatchOperations", {}).wait(10)
    assert (raised.value.kind, raised.value.status) == ("rpc", UNIMPLEMENTED)


def test_an_unknown_namespace_is_a_status_with_its_details(native: Client) -> None:
    name = unique("nowhere")
    with pytest.raises(BridgeError, match=name) as raised:
        native.describe_namespace(name).wait(30)
    error = raised.value
    assert error.kind == "rpc"
    assert error.status == NOT_FOUND
    assert status_name(error.status) == "NOT_FOUND"
    assert error.details[0]["@type"] == "temporal.api.errordetails.v1.NamespaceNotFoundFailure"


def test_a_namespace_is_registered_once(native: Client) -> None:
    name = unique("namespace")
    native.register_namespace(name, timedelta(days=2)).wait(30)
    with pytest.raises(BridgeError) as raised:
        native.register_namespace(name).wait(30)
    assert (raised.value.kind, raised.value.status) == ("rpc", ALREADY_EXISTS)


def test_a_workflow_that_runs_is_not_started_again(native: Client) -> None:
    workflow_id = unique("twice")
    run_id = start(native, workflow_id)
    with pytest.raises(BridgeError) as raised:
        start(native, workflow_id)
    detail = raised.value.details[0]
    assert raised.value.status == ALREADY_EXISTS
    assert detail["@type"].endswith("WorkflowExecutionAlreadyStartedFailure")
    assert detail["run_id"] == run_id


def test_b12_awaiting_a_running_workflow_ends_when_told(native: Client) -> None:
    """B-12: 200 ms mean 200 ms, and the run goes on."""
    workflow_id = unique("running")
    start(native, workflow_id)
    begin = time.monotonic()
    with pytest.raises(BridgeError, match=workflow_id) as raised:
        native.await_workflow(workflow_id, timeout=0.2).wait(30)
    assert raised.value.kind == "timeout"
    assert 0.2 <= time.monotonic() - begin < 5


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_b12_a_time_that_is_none_is_refused_up_front(
    embedded_native: Client, seconds: float
) -> None:
    """B-12: 0 and negatives never reach the service."""
    with pytest.raises(BridgeError, match="timeout") as raised:
        embedded_native.await_workflow("w", timeout=seconds)
    assert raised.value.kind == "bad_argument"


def test_awaiting_a_workflow_that_never_was_is_not_found(native: Client) -> None:
    with pytest.raises(BridgeError) as raised:
        native.await_workflow(unique("never")).wait(30)
    assert (raised.value.kind, raised.value.status) == ("rpc", NOT_FOUND)


def test_the_end_of_a_run_reaches_who_waits_for_it(native: Client) -> None:
    workflow_id = unique("ends")
    run_id = start(native, workflow_id, input={"payloads": [Payload(data=b"1")]})
    waiting = native.await_workflow(workflow_id)
    execution = {"workflow_id": workflow_id}
    native.signal_workflow({"workflow_execution": execution, "signal_name": "hello"}).wait(30)
    native.call(
        "TerminateWorkflowExecution", {"workflow_execution": execution, "reason": "done"}
    ).wait(30)
    end = waiting.wait(30)
    assert end["run_id"] == run_id
    assert end["event"]["workflow_execution_terminated_event_attributes"]["reason"] == "done"


def test_a_workflow_is_described(native: Client) -> None:
    workflow_id = unique("described")
    run_id = start(native, workflow_id)
    info = native.describe_workflow(workflow_id).wait(30)["workflow_execution_info"]
    assert info["execution"] == {"workflow_id": workflow_id, "run_id": run_id}
    assert info["type"] == {"name": "T"}
