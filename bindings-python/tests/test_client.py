"""Each method of `Client`, and what it is given."""

from __future__ import annotations

import asyncio
import io
import threading
from typing import TYPE_CHECKING, Any

import pytest

import xiezhen
from conftest import PHOTOS, Space, options

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_the_five_calls(client: xiezhen.Client, tmp_path: Path) -> None:
    paths = [client.upload_file(photo) for photo in PHOTOS[:8]]
    created = client.create_user_model(paths)
    training = client.wait_task(created.task_id, timeout=20)
    assert (training.kind, training.state) == ("training", xiezhen.TaskState.SUCCEEDED)

    styles = client.list_styles()
    started = client.create_task(created.user_id, styles[0].style, callback_url="https://example.com/done")
    task = client.wait_task(started.task_id)
    assert client.query_task(started.task_id) == task
    assert task.kind is xiezhen.TaskKind.GENERATION

    files = client.save_results(task, tmp_path / "out", name="portrait of a friend")
    assert len(files) == len(task.result_paths) == 3
    assert all(file.exists() and file.name.startswith("portrait of a friend") for file in files)


@pytest.mark.parametrize("kind", ["str", "path", "bytes", "bytearray", "memoryview", "file", "stream"])
def test_photos(client: xiezhen.Client, space: Space, kind: str) -> None:
    path = PHOTOS[0]
    content = path.read_bytes()
    with path.open("rb") as file:
        photos: dict[str, Any] = {
            "str": str(path),
            "path": path,
            "bytes": content,
            "bytearray": bytearray(content),
            "memoryview": memoryview(content),
            "file": file,
            "stream": io.BytesIO(content),
        }
        assert client.upload_file(photos[kind])
    (entry,) = (entry for entry in space.control("GET", "journal") if entry["call"] == "upload_file")
    assert entry["body"]["bytes"] == len(content)


@pytest.mark.parametrize("convert", [bytes, bytearray, memoryview])
def test_what_a_file_reads(space: Space, client: xiezhen.Client, convert: Callable[[bytes], object]) -> None:
    class File:
        def read(self) -> object:
            return convert(PHOTOS[0].read_bytes())

    file: Any = File()
    assert client.upload_file(file)
    assert asyncio.run(xiezhen.AsyncClient(space.url, **options()).upload_file(file))


@pytest.mark.parametrize("number", [10**400, -(10**400), 10**9000], ids=["large", "negative", "huge"])
def test_numbers_beyond_all_range_are_invalid(client: xiezhen.Client, space: Space, number: int) -> None:
    with pytest.raises(xiezhen.InvalidArgumentError, match="timeout"):
        client.list_styles(timeout=number)
    every = {"timeout": number, "requests_per_second": number, "max_retries": number}
    with pytest.raises(xiezhen.InvalidArgumentError) as raised:
        xiezhen.Client(space.url, **options(**every))
    assert all(any(name in problem for problem in raised.value.problems) for name in every)


def test_photos_of_a_wrong_type_are_refused(client: xiezhen.Client, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no photo")
    with pytest.raises(TypeError), (tmp_path / "text").open() as file:
        client.upload_file(file)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        client.upload_file(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        xiezhen.Job("photo.jpg")
    with pytest.raises(TypeError):
        xiezhen.Job(PHOTOS, "style")


def test_run(client: xiezhen.Client, space: Space, tmp_path: Path) -> None:
    style = client.list_styles()[0]
    job = xiezhen.Job([*PHOTOS[:7], PHOTOS[7].read_bytes()], [style.name])
    events: list[xiezhen.Event] = []
    main = threading.current_thread()

    def on_event(event: xiezhen.Event) -> None:
        assert threading.current_thread() is main
        events.append(event)

    done = client.run(job, save_to=tmp_path, checkpoint=tmp_path / "job.json", on_event=on_event, timeout=60)
    assert done is job
    assert job.stage is xiezhen.Stage.DONE
    (portrait,) = job.portraits
    assert portrait.style_id == style.style
    assert portrait.state == "succeeded"
    assert len(portrait.files) == 3
    assert job.photos[0].path == PHOTOS[0]
    assert job.photos[7].path is None
    assert all(photo.uploaded for photo in job.photos)

    types = [event.type for event in events]
    for expected in ("photo_uploaded", "training", "trained", "generating", "generated", "saved", "finished"):
        assert expected in types
    assert events[-1] == xiezhen.events.Finished(job)
    assert types.count("saved") == 3

    # A finished job makes no call; a process that only has its JSON knows the same.
    before = space.control("GET", "counts")["requests"]
    again = client.run(xiezhen.Job.from_json(job.to_json()), save_to=tmp_path)
    assert again.portraits == job.portraits
    assert space.control("GET", "counts")["requests"] == before


def test_run_draws_progress(client: xiezhen.Client, trained: str) -> None:
    job = xiezhen.Job(styles=[client.list_styles()[0].style], user_id=trained)
    assert client.run(job, progress=True).stage == "done"


def test_advance(client: xiezhen.Client, space: Space, tmp_path: Path) -> None:
    job = xiezhen.Job(PHOTOS[:8], [client.list_styles()[0].style])
    saved: list[str] = []

    def save(given: xiezhen.Job) -> None:
        assert given is job
        saved.append(given.to_json())

    delay = client.advance(job, save, save_to=tmp_path)
    assert delay is not None
    assert 0 <= delay < 5
    # Before the create, and after its answer.
    assert len(saved) >= 2
    assert space.count("create_user_model") == 1
    while (delay := client.advance(job, save, save_to=tmp_path)) is not None:
        threading.Event().wait(delay)
    assert job.stage == "done"
    assert len(job.portraits[0].files) == 3


def test_a_save_that_fails_sends_nothing(client: xiezhen.Client, space: Space) -> None:
    job = xiezhen.Job(PHOTOS[:8])

    def save(_job: xiezhen.Job) -> None:
        raise KeyError("no store")

    with pytest.raises(KeyError, match="no store"):
        client.advance(job, save)
    assert space.count("create_user_model") == 0
    # The intent is cleared: the same job can go on.
    assert client.run(job).stage == "done"


def test_a_callback_that_raises_ends_the_run(client: xiezhen.Client, tmp_path: Path) -> None:
    job = xiezhen.Job(PHOTOS[:8])

    def on_event(event: xiezhen.Event) -> None:
        if event.type == "photo_uploaded":
            raise ZeroDivisionError(event.type)

    with pytest.raises(ZeroDivisionError, match="photo_uploaded"):
        client.run(job, on_event=on_event, checkpoint=tmp_path / "job.json")
    # The checkpoint is free again at once.
    assert client.run(job, checkpoint=tmp_path / "job.json").stage == "done"


def test_a_callback_may_use_the_client(client: xiezhen.Client) -> None:
    styles: list[int] = []
    client.run(xiezhen.Job(PHOTOS[:8]), on_event=lambda _event: styles.append(len(client.list_styles())))
    assert styles


def test_callbacks_are_plain_functions(client: xiezhen.Client) -> None:
    async def on_event(_event: object) -> None: ...

    with pytest.raises(TypeError, match="coroutine"):
        client.run(xiezhen.Job(), on_event=on_event)
    with pytest.raises(TypeError, match="coroutine"):
        client.advance(xiezhen.Job(), on_event)
    with pytest.raises(TypeError, match="function"):
        client.run(xiezhen.Job(), on_event=3)  # type: ignore[arg-type]


def test_wait_many(client: xiezhen.Client, trained: str) -> None:
    style = client.list_styles()[0].style
    task_ids = [client.create_task(trained, style).task_id for _ in range(20)]
    ended: list[int] = []

    def on_end(index: int, outcome: xiezhen.Task | xiezhen.XiezhenError) -> None:
        assert isinstance(outcome, xiezhen.Task)
        assert outcome.id == task_ids[index]
        ended.append(index)

    outcomes = client.wait_many(iter([*task_ids]), on_end, timeout=30)
    assert [outcome.id for outcome in outcomes if isinstance(outcome, xiezhen.Task)] == task_ids
    assert sorted(ended) == list(range(20))
    (unknown,) = client.wait_many(["nobody"])
    assert isinstance(unknown, xiezhen.ApiError)
    assert unknown.task_id == "nobody"


def test_notify(space: Space, trained: str) -> None:
    slow = xiezhen.PollSchedule(60, 1, 60)
    client = xiezhen.Client(space.url, **options(generation_schedule=slow))
    task_id = client.create_task(trained, client.list_styles()[0].style).task_id
    client.notify("nobody")
    threading.Timer(1.0, client.notify, [task_id]).start()
    assert client.wait_task(task_id, timeout=30).state == "succeeded"


def test_adopt(client: xiezhen.Client, aclient: xiezhen.AsyncClient, space: Space) -> None:
    space.fault(call="create_user_model", times=1, work=True, reply={"status": 504})
    job = xiezhen.Job(PHOTOS[:8])
    with pytest.raises(xiezhen.OutcomeUnknownError) as lost:
        client.run(job)
    assert lost.value.sent is not None
    with pytest.raises(xiezhen.OutcomeUnknownError):
        client.run(job)
    assert space.count("create_user_model") == 1
    (task,) = space.tasks()
    copies = [xiezhen.Job.from_json(job.to_json()) for _ in range(2)]
    job.adopt(task["id"], user_id=task["user_id"])
    client.adopt(copies[0], task["id"], task["user_id"])
    asyncio.run(aclient.adopt(copies[1], task["id"], task["user_id"]))
    for adopted in (job, *copies):
        assert (adopted.training_task_id, adopted.adoptable) == (task["id"], [])
        assert client.run(adopted).user_id == task["user_id"]

    space.fault(call="create_user_model", times=1, reply={"status": 504})
    second = xiezhen.Job(PHOTOS[:8])
    with pytest.raises(xiezhen.OutcomeUnknownError):
        client.run(second)
    assert client.run(second, recreate=True).stage == "done"


def test_fifty_threads(client: xiezhen.Client) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(5):
                assert client.list_styles()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_close_ends_what_is_under_way(space: Space, client: xiezhen.Client, endless: str) -> None:
    threading.Timer(0.3, client.close).start()
    with pytest.raises(xiezhen.CancelledError):
        client.wait_task(endless)
    with pytest.raises(xiezhen.InvalidArgumentError, match="closed"):
        client.list_styles()


def test_options(monkeypatch: pytest.MonkeyPatch, space: Space, tmp_path: Path) -> None:
    monkeypatch.setenv("XIEZHEN_BASE_URL", space.url)
    monkeypatch.setenv("XIEZHEN_APP_CODE", "simulator-app-code")
    assert xiezhen.Client().list_styles()
    with pytest.raises(xiezhen.AuthenticationError):
        xiezhen.Client(app_code="another").list_styles()
    signing = xiezhen.Client(app_key="simulator-app-key", app_secret="simulator-app-secret")
    assert signing.list_styles()
    assert "secret" not in repr(signing)
    assert repr(xiezhen.AsyncClient()).startswith("<xiezhen.AsyncClient")

    wrong: dict[str, Any] = {
        "timeout": -1,
        "max_retries": -1,
        "requests_per_second": 0.0,
        "upload_concurrency": 0,
        "training_schedule": xiezhen.PollSchedule(5, 0.5, 1),
        "ca_file": tmp_path / "none.pem",
        "proxy": "no proxy",
        "app_key": "key without secret",
    }
    for name, value in wrong.items():
        with pytest.raises(xiezhen.InvalidArgumentError):
            xiezhen.Client(**{name: value})
    with pytest.raises(TypeError):
        xiezhen.Client(timeout="60")  # type: ignore[arg-type]
