"""An answer that is on its way."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from hourglass.supervision import CallTimeout, LoopGone, Promise


def test_the_first_answer_counts() -> None:
    promise: Promise[int] = Promise()
    assert not promise.answer.done()
    assert promise.resolve(1)
    assert not promise.resolve(2)
    assert not promise.reject(ValueError("late"))
    assert promise.answer.done()
    assert promise.answer.result() == 1


def test_a_failure_is_raised_where_it_is_waited_for() -> None:
    promise: Promise[int] = Promise()
    assert promise.reject(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        promise.answer.result()


def test_waiting_too_long_is_a_call_timeout() -> None:
    with pytest.raises(CallTimeout, match="no answer within 0 s"):
        Promise[int]().answer.result(0)


def test_a_timeout_that_is_the_answer_is_raised_as_it_is() -> None:
    promise: Promise[int] = Promise()
    error = TimeoutError("theirs")
    promise.reject(error)
    with pytest.raises(TimeoutError) as caught:
        promise.answer.result(0)
    assert caught.value is error


async def test_it_can_be_awaited_by_many_at_once_and_survives_the_one_that_gives_up() -> None:
    promise: Promise[str] = Promise()

    async def wait() -> str:
        return await promise.answer

    waiters = [asyncio.create_task(wait()) for _ in range(3)]
    await asyncio.sleep(0)
    waiters[0].cancel()
    threading.Thread(target=promise.resolve, args=("news",)).start()
    assert await asyncio.gather(*waiters[1:]) == ["news", "news"]
    with pytest.raises(asyncio.CancelledError):
        await waiters[0]


def test_a_callback_is_called_once_now_or_then() -> None:
    promise: Promise[int] = Promise()
    calls: list[str] = []
    promise.answer.on_done(lambda: calls.append("then"))
    promise.resolve(1)
    promise.answer.on_done(lambda: calls.append("now"))
    assert calls == ["then", "now"]


def test_in_a_forked_child_every_use_of_the_parents_reply_fails_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    promise: Promise[int] = Promise()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert promise.answer.done()
    with pytest.raises(LoopGone):
        promise.answer.result()
    with pytest.raises(LoopGone):
        promise.answer.on_done(lambda: None)
    with pytest.raises(LoopGone):
        promise.answer.__await__().send(None)
