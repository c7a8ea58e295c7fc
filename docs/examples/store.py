import time

import xiezhen

client = xiezhen.Client()
store: dict[str, str] = {}  # any store that keeps a text


def save(job: xiezhen.Job) -> None:
    store["ann"] = job.to_json()


job = xiezhen.Job([f"photos/{n:02}.jpg" for n in range(1, 11)], ["仙气十足"])
while (delay := client.advance(job, save, save_to="out")) is not None:
    time.sleep(delay)
    job = xiezhen.Job.from_json(store["ann"])  # in this process or any other, but in one at a time
print(job.stage)
