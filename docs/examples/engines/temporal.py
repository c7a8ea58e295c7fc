"""A worker of Temporal: the workflow is the timer, a turn of a job the activity."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    import redis

    import xiezhen
    from xiezhen.stores import RedisStore


class Turns:
    def __init__(self, client: xiezhen.Client, store: RedisStore) -> None:
        self.client, self.store = client, store

    @activity.defn
    def turn(self, key: str) -> float | None:
        """Seconds until the job wants another turn; None once it is over."""
        turn = self.client.step(self.store, key, save_to="portraits")
        return turn if isinstance(turn, float) else getattr(turn, "seconds", None)


@workflow.defn
class Portrait:
    @workflow.run
    async def run(self, key: str) -> None:
        limit = timedelta(minutes=10)
        while True:
            seconds = await workflow.execute_activity_method(Turns.turn, key, start_to_close_timeout=limit)
            if seconds is None:
                return
            await workflow.sleep(seconds)


async def main() -> None:
    turns = Turns(xiezhen.Client(), RedisStore(redis.Redis()))
    temporal = await Client.connect("localhost:7233")
    with ThreadPoolExecutor(8) as threads:
        await Worker(
            temporal, task_queue="portraits", workflows=[Portrait], activities=[turns.turn], activity_executor=threads
        ).run()


if __name__ == "__main__":
    asyncio.run(main())
