"""Types of activities that are classes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

P_contra = TypeVar("P_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class AsyncClass0(Protocol[R_co]):
    """``__call__`` is async, without arguments."""

    def __call__(self) -> Awaitable[R_co]: ...


class SyncClass0(Protocol[R_co]):
    """``__call__`` is sync, without arguments."""

    def __call__(self) -> R_co: ...


class AsyncClass1(Protocol[P_contra, R_co]):
    """``__call__`` is async, with one argument."""

    def __call__(self, arg: P_contra, /) -> Awaitable[R_co]: ...


class SyncClass1(Protocol[P_contra, R_co]):
    """``__call__`` is sync, with one argument."""

    def __call__(self, arg: P_contra, /) -> R_co: ...


class AsyncClass(Protocol[R_co]):
    """``__call__`` is async, with any arguments."""

    @property
    def __call__(self) -> Callable[..., Awaitable[R_co]]: ...


class SyncClass(Protocol[R_co]):
    """``__call__`` is sync, with any arguments."""

    @property
    def __call__(self) -> Callable[..., R_co]: ...
