"""Types of update methods, which a client infers from ``Class.method``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

P = ParamSpec("P")
Self_contra = TypeVar("Self_contra", contravariant=True)
SelfT = TypeVar("SelfT")
ValidatorT = TypeVar("ValidatorT", bound=Callable[..., None])
Call_co = TypeVar("Call_co", covariant=True)
Result_co = TypeVar("Result_co", covariant=True)
R = TypeVar("R")


class UpdateMethod(Generic[Self_contra, P, Call_co, Result_co]):
    """A method decorated with `workflow.update`; at run time it is the plain function.

    `Call_co` is what calling it gives, `Result_co` what the caller of the update gets: they differ
    by the ``await`` if it is async.
    """

    if TYPE_CHECKING:

        def __call__(
            self, workflow: Self_contra, /, *args: P.args, **kwargs: P.kwargs
        ) -> Call_co: ...

        @overload
        def __get__(
            self, instance: None, owner: type[Any], /
        ) -> UpdateMethod[Self_contra, P, Call_co, Result_co]: ...
        @overload
        def __get__(
            self, instance: Self_contra, owner: type[Any] | None = None, /
        ) -> Callable[P, Call_co]: ...
        def __get__(self, instance: Any, owner: Any = None, /) -> Any: ...

        def validator(
            self, fn: Callable[Concatenate[SelfT, P], None], /
        ) -> Callable[Concatenate[SelfT, P], None]:
            """Have `fn`, with the same parameters, look at the arguments before anything is
            recorded. It may only look, and refuses the update by raising."""
            ...


class UpdateDecorator(Protocol):
    """The decorator that ``workflow.update(name=…)`` gives."""

    @overload
    def __call__(
        self, fn: Callable[Concatenate[SelfT, P], Coroutine[Any, Any, R]], /
    ) -> UpdateMethod[SelfT, P, Coroutine[Any, Any, R], R]: ...
    @overload
    def __call__(
        self, fn: Callable[Concatenate[SelfT, P], R], /
    ) -> UpdateMethod[SelfT, P, R, R]: ...
