"""Classes say the module that a program imports them from."""

from __future__ import annotations

import importlib
import pickle
from datetime import datetime, timedelta
from typing import get_type_hints

import pytest

from hourglass import activity, client, common

MODULES = [
    "activity",
    "client",
    "common",
    "converter",
    "exceptions",
    "service",
    "supervision",
    "testing",
    "worker",
    "workflow",
]
NATIVE = "hourglass._bridge"


def public_classes() -> dict[str, type]:
    """Every class that a public module offers, by the name that it has there."""
    found: dict[str, type] = {}
    for name in MODULES:
        module = importlib.import_module(f"hourglass.{name}")
        for public in module.__all__:
            thing = getattr(module, public)
            if isinstance(thing, type) and thing.__module__ != NATIVE:
                found[f"{name}.{public}"] = thing
    return found


@pytest.mark.parametrize("cls", public_classes().values(), ids=public_classes().keys())
def test_a_public_class_says_a_module_that_has_it(cls: type) -> None:
    parts = cls.__module__.split(".")
    assert not any(part.startswith("_") for part in parts), cls
    module = importlib.import_module(cls.__module__)
    assert getattr(module, cls.__qualname__) is cls
    assert pickle.loads(pickle.dumps(cls)) is cls


def test_hints_of_a_class_are_read_with_the_names_of_its_file() -> None:
    """Its public module needn't import what its fields are."""
    assert get_type_hints(activity.Info)["started_time"] is datetime
    assert get_type_hints(client.StartActivityOptions)["start_delay"] == timedelta | None
    assert get_type_hints(common.SearchAttributeKey)["name"] is str
    assert get_type_hints(client.ActivityExecutionOptions)["task_queue"] == str | None
