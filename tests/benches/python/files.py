"""Photos from disk and pictures to disk, by the libraries as their documentation shows it."""

import asyncio
import atexit
import importlib
import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sides import AUTHORIZATION, HEADERS, TASK, body, xiezhen_client

# As the SDK does.
PICTURES_AT_ONCE = 4
CHUNK = 64 << 10


def upload(side: str, url: str, times: int, path: str) -> Callable[[], None]:
    """One photo, one after the other."""
    address = f"{url}/cloud/upload_file"
    if side == "xiezhen":
        send: Callable[[str], object] = xiezhen_client("Client", url).upload_file
    elif side == "urllib3":
        pool = importlib.import_module("urllib3").PoolManager(headers=AUTHORIZATION)

        def send(path: str) -> object:
            fields = {"file": ("photo.jpg", Path(path).read_bytes(), "image/jpeg")}
            answer = pool.request("POST", address, fields=fields)
            return body(answer.status, answer.data)
    elif side == "aiohttp":
        send = aiohttp_upload(address)
    else:
        client = importlib.import_module("httpx").Client(headers=AUTHORIZATION, timeout=60)

        def send(path: str) -> object:
            with open(path, "rb") as photo:
                answer = client.post(address, files={"file": ("photo.jpg", photo, "image/jpeg")})
            return body(answer.status_code, answer.content)

    send(path)

    def run() -> None:
        for _ in range(times):
            send(path)

    return run


def aiohttp_upload(address: str) -> Callable[[str], object]:
    aiohttp = importlib.import_module("aiohttp")
    loop = asyncio.new_event_loop()

    async def begin() -> Any:
        return aiohttp.ClientSession(headers=AUTHORIZATION)

    session = loop.run_until_complete(begin())
    atexit.register(lambda: loop.run_until_complete(session.close()))

    async def send(path: str) -> object:
        with open(path, "rb") as photo:
            form = aiohttp.FormData()
            form.add_field("file", photo, filename="photo.jpg", content_type="image/jpeg")
            async with session.post(address, data=form) as answer:
                return body(answer.status, await answer.read())

    return lambda path: loop.run_until_complete(send(path))


def download(side: str, url: str, times: int, folder: str) -> Callable[[], None]:
    """The pictures of one task."""
    url += f"/album/{times}"
    address = f"{url}/cloud/aigc_task_query"
    asked = json.dumps({"task_id": TASK})
    if side == "aiohttp":
        return lambda: asyncio.run(download_by_aiohttp(address, asked, folder))
    if side == "xiezhen":
        client = xiezhen_client("Client", url)
        return lambda: client.save_results(client.query_task(TASK), folder)
    if side == "urllib3":
        pool = importlib.import_module("urllib3").PoolManager()

        def by_urllib3() -> None:
            answer = pool.request("POST", address, body=asked, headers=HEADERS)
            for number, picture in enumerate(body(answer.status, answer.data)["result_paths"]):
                came = pool.request("GET", picture, preload_content=False)
                with open(f"{folder}/{number}.jpg", "wb") as file:
                    shutil.copyfileobj(came, file, CHUNK)
                came.release_conn()

        return by_urllib3
    return lambda: download_by_httpx(address, asked, folder)


def download_by_httpx(address: str, asked: str, folder: str) -> None:
    with importlib.import_module("httpx").Client(timeout=60) as client:
        answer = client.post(address, content=asked, headers=HEADERS)
        for number, picture in enumerate(body(answer.status_code, answer.content)["result_paths"]):
            with client.stream("GET", picture) as came:
                write(f"{folder}/{number}.jpg", came.iter_bytes())


def write(path: str, chunks: Iterable[bytes]) -> None:
    with open(path, "wb") as file:
        file.writelines(chunks)


async def download_by_aiohttp(address: str, asked: str, folder: str) -> None:
    aiohttp = importlib.import_module("aiohttp")
    async with aiohttp.ClientSession() as session:
        async with session.post(address, data=asked, headers=HEADERS) as answer:
            pictures = body(answer.status, await answer.read())["result_paths"]
        at_once = asyncio.Semaphore(PICTURES_AT_ONCE)

        async def fetch(number: int, picture: str) -> None:
            async with at_once, session.get(picture) as came:
                await save(came, f"{folder}/{number}.jpg")

        await asyncio.gather(*(fetch(number, picture) for number, picture in enumerate(pictures)))


async def save(came: Any, path: str) -> None:
    with open(path, "wb") as file:
        async for chunk in came.content.iter_chunked(CHUNK):
            file.write(chunk)
