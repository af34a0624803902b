"""Time, injected."""

from __future__ import annotations

import asyncio
import time

from hourglass.supervision import VirtualClock, WallClock


async def test_a_virtual_clock_calls_what_is_due_in_order_and_no_more() -> None:
    clock, loop, calls = VirtualClock(), asyncio.get_running_loop(), list[str]()
    clock.call_later(loop, 2.0, lambda: calls.append("two"))
    clock.call_later(loop, 1.0, lambda: calls.append("one"))
    clock.call_later(loop, 1.0, lambda: calls.append("one more"))
    clock.call_later(loop, 1.5, lambda: calls.append("never")).cancel()
    clock.call_later(loop, 0.0, lambda: calls.append("at once"))
    clock.advance(1.9)
    await asyncio.sleep(0)
    assert calls == ["at once", "one", "one more"]
    clock.advance(0.1)
    await asyncio.sleep(0)
    assert calls == ["at once", "one", "one more", "two"]
    assert clock.now() == 2.0


async def test_a_timer_that_is_cancelled_on_its_way_is_not_called() -> None:
    clock, calls = VirtualClock(), list[str]()
    timer = clock.call_later(asyncio.get_running_loop(), 1.0, lambda: calls.append("late"))
    clock.advance(1.0)
    timer.cancel()
    await asyncio.sleep(0)
    assert calls == []


async def test_the_wall_clock_is_the_monotonic_one_and_calls_back() -> None:
    clock, loop = WallClock(), asyncio.get_running_loop()
    before = time.monotonic()
    assert before <= clock.now() <= time.monotonic()
    called = asyncio.Event()
    clock.call_later(loop, 0.0, called.set)
    await asyncio.wait_for(called.wait(), 10)
