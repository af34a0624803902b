"""Types of workflow methods, which start, signal and query infer from."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol, TypeVar

SelfT = TypeVar("SelfT")
"""The workflow class."""
ResultT = TypeVar("ResultT")
"""What the workflow or the query returns."""
ParamT = TypeVar("ParamT")
_Self_contra = TypeVar("_Self_contra", contravariant=True)
_Param_contra = TypeVar("_Param_contra", contravariant=True)
_Result_co = TypeVar("_Result_co", covariant=True)


class RunNoParam(Protocol[_Self_contra, _Result_co]):
    """``async def run(self) -> Result``"""

    def __call__(self, workflow: _Self_contra, /) -> Awaitable[_Result_co]: ...


class RunOneParam(Protocol[_Self_contra, _Param_contra, _Result_co]):
    """``async def run(self, arg: Param) -> Result``"""

    def __call__(self, workflow: _Self_contra, arg: _Param_contra, /) -> Awaitable[_Result_co]: ...


class RunAnyParams(Protocol[_Self_contra, _Result_co]):
    """``async def run(self, a, b, …) -> Result``"""

    def __call__(
        self, workflow: _Self_contra, /, *args: Any, **kwargs: Any
    ) -> Awaitable[_Result_co]: ...


class HandlerNoParam(Protocol[_Self_contra, _Result_co]):
    """A signal or query handler without arguments."""

    def __call__(self, workflow: _Self_contra, /) -> _Result_co: ...


class HandlerOneParam(Protocol[_Self_contra, _Param_contra, _Result_co]):
    """A signal or query handler with one argument."""

    def __call__(self, workflow: _Self_contra, arg: _Param_contra, /) -> _Result_co: ...


class HandlerAnyParams(Protocol[_Self_contra, _Result_co]):
    """A signal or query handler with any arguments."""

    def __call__(self, workflow: _Self_contra, /, *args: Any, **kwargs: Any) -> _Result_co: ...
