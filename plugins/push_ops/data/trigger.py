"""What waits for a dataset while no worker does? A trigger, in Airflow's triggerer."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from push_ops.data.waiting import Watch

# Often enough for a file that is waited for by the hour.
_LONGEST_PAUSE_S = 15.0


class DatasetTrigger(BaseTrigger):
    """Fires once a dataset is whole, or once it was waited for long enough."""

    def __init__(self, *, uri: str, settle_s: float, since: float, wait_s: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow's
        self.uri, self.settle_s, self.since, self.wait_s = uri, settle_s, since, wait_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Say how to make this trigger again, in another process."""
        arguments = ("uri", "settle_s", "since", "wait_s")
        path = f"{__name__}.{type(self).__name__}"
        return path, {name: getattr(self, name) for name in arguments}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until the dataset is whole or the time is up."""
        watch = Watch(self.uri, self.settle_s)
        said = None
        # In a thread: a mount that hangs, or a gzip to unpack, would hold up every other trigger.
        while reason := await asyncio.to_thread(watch.look):
            if time.time() >= self.since + self.wait_s:
                break
            if reason != said:
                said = reason
                self.log.info("%s %s.", self.uri, reason)
            await asyncio.sleep(min(self.settle_s, _LONGEST_PAUSE_S))
        seen = {"reason": reason, "waited_s": round(time.time() - self.since)}
        yield TriggerEvent(seen)  # type: ignore[no-untyped-call] # Airflow's
