"""`workflow.logger`: says everything once, although workflow code runs again on every replay."""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from hourglass.workflow._api.current import current_or_none
from hourglass.workflow._api.run import unsafe
from hourglass.workflow._runtime.update_handlers import current_update

if TYPE_CHECKING:
    _Adapter = logging.LoggerAdapter[logging.Logger]
else:  # not subscriptable before Python 3.11
    _Adapter = logging.LoggerAdapter


class LoggerAdapter(_Adapter):
    """A logger that is silent during replay and tells which workflow is speaking.

    Attributes:
        workflow_info_on_message: append a few facts about the workflow to each message.
        workflow_info_on_extra: put the same facts on the record, as ``temporal_workflow``.
        full_workflow_info_on_extra: put the `Info` on the record, as ``workflow_info``.
        log_during_replay: don't be silent during replay.
    """

    def __init__(self, logger: logging.Logger, extra: Mapping[str, Any] | None) -> None:
        super().__init__(logger, extra or {})
        self.workflow_info_on_message = True
        self.workflow_info_on_extra = True
        self.full_workflow_info_on_extra = False
        self.log_during_replay = False

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Add what is known about the workflow."""
        extra: dict[str, Any] = dict(self.extra or {})
        instance = current_or_none()
        if instance is not None:
            details = instance.log_details
            if (update := current_update.get(None)) is not None:
                details = {**details, "update_id": update.id, "update_name": update.name}
            if self.workflow_info_on_message:
                msg = f"{msg} ({details})"
            if self.workflow_info_on_extra:
                extra["temporal_workflow"] = details
            if self.full_workflow_info_on_extra:
                extra["workflow_info"] = instance.info
        kwargs["extra"] = {**extra, **(kwargs.get("extra") or {})}
        return msg, kwargs

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name
        """Not during replay, and not while the run leaves the cache; always in a query."""
        instance = current_or_none()
        if instance is None or self.log_during_replay:
            return super().isEnabledFor(level)
        silent = unsafe.is_replaying_history_events()
        return not silent and super().isEnabledFor(level)

    @property
    def base_logger(self) -> logging.Logger:
        """The logger below, which knows nothing of replay."""
        return self.logger


logger = LoggerAdapter(logging.getLogger("hourglass.workflow"), None)
"""The logger for workflow code."""
