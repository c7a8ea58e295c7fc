"""The happy path in Python: `driver.py sync|async`. The environment says where the service is and who is asking."""

import asyncio
import os
import sys

import xiezhen

PHOTOS = [f"{os.environ['PHOTOS']}/{n:02}.jpg" for n in range(1, 9)]
OFTEN = xiezhen.PollSchedule(0.05, 1.0, 0.05)
OPTIONS = {"training_schedule": OFTEN, "generation_schedule": OFTEN, "max_retries": 0}
CALLBACK = "https://example.com/callback"


def sync() -> None:
    with xiezhen.Client(**OPTIONS) as client:
        paths = [client.upload_file(photo) for photo in PHOTOS]
        training = client.create_user_model(paths, callback_url=CALLBACK)
        client.wait_task(training.task_id, timeout=20)
        style = client.list_styles()[0].style
        task = client.create_task(training.user_id, style)
        client.wait_task(task.task_id, timeout=20)
        print(client.query_task(task.task_id).state)


async def awaited() -> None:
    async with xiezhen.AsyncClient(**OPTIONS) as client:
        paths = [await client.upload_file(photo) for photo in PHOTOS]
        training = await client.create_user_model(paths)
        await client.wait_task(training.task_id, timeout=20)
        style = (await client.list_styles())[0].style
        task = await client.create_task(training.user_id, style, callback_url=CALLBACK)
        await client.wait_task(task.task_id, timeout=20)
        print((await client.query_task(task.task_id)).state)


if sys.argv[1] == "sync":
    sync()
else:
    asyncio.run(awaited())
