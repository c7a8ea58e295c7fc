"""Whole jobs, side by side: ours, and as somebody would write them by hand in an hour with asyncio and httpx."""

import asyncio
import importlib
import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

PHOTOS = sorted((Path(__file__).resolve().parents[2] / "photos").glob("*.jpg"))
STYLES = ("仙气十足", "花好月圆")
CODE = "simulator-app-code"
# How often tasks are polled, on both sides.
PAUSE = 0.5
# Photos at the service from which waiting jobs take ten each, so that no two are the same.
UPLOADED = 20


class ByHand:
    """Nothing of it outlasts the process."""

    TRIES = 4
    AT_ONCE = 4

    def __init__(self, url: str, folder: Path) -> None:
        self.httpx = importlib.import_module("httpx")
        self.url = url
        self.folder = folder
        self.uploads = asyncio.Semaphore(self.AT_ONCE)
        self.downloads = asyncio.Semaphore(self.AT_ONCE)
        self.client: Any = None
        self.ids: dict[str, str] = {}

    async def run(self, times: int) -> None:
        headers = {"authorization": f"APPCODE {CODE}"}
        async with self.httpx.AsyncClient(base_url=f"{self.url}/cloud/", headers=headers, timeout=60) as self.client:
            styles = await self.ask("GET", "aigc_product_brief_query")
            self.ids = {style["name"]: style["style"] for style in styles}
            async with asyncio.TaskGroup() as group:
                for number in range(times):
                    group.create_task(self.job(self.folder / str(number)))

    async def send(self, method: str, call: str, **sent: Any) -> Any:
        """Sends it once: what is billed must not be sent twice."""
        answer = await self.client.request(method, call, **sent)
        answer.raise_for_status()
        said = answer.json()
        if said["ret"] != 0:
            raise RuntimeError(f"{call}: {said}")
        return said["body"]

    async def ask(self, method: str, call: str, **sent: Any) -> Any:
        """Sends it again after a failure."""
        for attempt in itertools.count(1):
            try:
                return await self.send(method, call, **sent)
            except self.httpx.HTTPError:
                if attempt == self.TRIES:
                    raise
            await asyncio.sleep(2**attempt)

    async def job(self, folder: Path) -> None:
        uploaded = await asyncio.gather(*map(self.upload, PHOTOS))
        training = await self.send("POST", "aigc_user_model_create", json={"img_set": uploaded})
        await self.wait(training["task_id"])
        folder.mkdir(parents=True, exist_ok=True)
        await asyncio.gather(*(self.portrait(training["user_id"], style, folder) for style in STYLES))

    async def upload(self, photo: Path) -> Any:
        async with self.uploads:
            file = ("photo.jpg", photo.read_bytes(), "image/jpeg")
            return await self.ask("POST", "upload_file", files={"file": file})

    async def portrait(self, user: str, style: str, folder: Path) -> None:
        created = await self.send("POST", "aigc_task_create", json={"user_id": user, "style": self.ids[style]})
        done = await self.wait(created["task_id"])
        pictures = enumerate(done["result_paths"])
        await asyncio.gather(*(self.fetch(picture, folder / f"{style}-{n}.jpg") for n, picture in pictures))

    async def wait(self, task: str) -> Any:
        while True:
            await asyncio.sleep(PAUSE)
            seen = await self.ask("POST", "aigc_task_query", json={"task_id": task})
            if seen["state"] in (3, 4):
                return seen
            if seen["state"] == 5:
                raise RuntimeError(f"task {task} failed")

    async def fetch(self, picture: str, path: Path) -> None:
        async with self.downloads, self.client.stream("GET", picture) as answer:
            answer.raise_for_status()
            with path.open("wb") as file:
                async for chunk in answer.aiter_bytes():
                    file.write(chunk)


def client(kind: str, url: str, **options: Any) -> Any:
    import xiezhen

    return getattr(xiezhen, kind)(url, app_code=CODE, requests_per_second=math.inf, **options)


async def by_us(url: str, times: int, folder: Path) -> None:
    """With a checkpoint each."""
    import xiezhen

    often = xiezhen.PollSchedule(PAUSE, 1, PAUSE)
    async with client("AsyncClient", url, training_schedule=often, generation_schedule=often) as service:

        async def one(number: int) -> None:
            into = folder / str(number)
            await service.run(xiezhen.Job(PHOTOS, STYLES), save_to=into, checkpoint=into / "job.json")

        await asyncio.gather(*map(one, range(times)))


def whole(side: str, url: str, times: int, folder: str) -> Callable[[], None]:
    if side == "check":
        return lambda: check(times)
    if side == "xiezhen":
        importlib.import_module("xiezhen")
        return lambda: asyncio.run(by_us(url, times, Path(folder)))
    importlib.import_module("httpx")
    return lambda: asyncio.run(ByHand(url, Path(folder)).run(times))


def check(times: int) -> None:
    """What of these jobs is the look at their photos, which nothing written by hand takes."""
    import xiezhen

    for _ in range(times):
        xiezhen.check_photos(PHOTOS)


def waiting(side: str, url: str, times: int, folder: str) -> None:
    """Jobs that wait for their training until this process is ended. Says when it begins to measure, and waits for a
    word."""
    import xiezhen

    service = client("Client", url)
    uploaded = [service.upload_file(photo) for _, photo in zip(range(UPLOADED), itertools.cycle(PHOTOS), strict=False)]

    async def each() -> None:
        async with client("AsyncClient", url) as service:
            jobs = enumerate(xiezhen.Job([], STYLES, uploaded=paths) for paths in sets)
            await asyncio.gather(
                *(service.run(job, save_to=folder, checkpoint=f"{folder}/{n}.json") for n, job in jobs)
            )

    print("ready", flush=True)
    input()
    sets = itertools.islice(itertools.combinations(uploaded, 10), times)
    if side == "run":
        asyncio.run(each())
    else:
        jobs = [xiezhen.Job([], STYLES, uploaded=paths) for paths in sets]
        service.run_many(jobs, save_to=folder, checkpoints=folder, concurrency=times)
    raise SystemExit(json.dumps("these jobs never end"))
