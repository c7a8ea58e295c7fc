"""Portraits on a Celery that you have: jobs are rows in a store, and Celery carries the keys of those that are due.

    portraits = Portraits(app, RedisStore(redis.Redis()), client=make_client, save_to="out", on_done=tell_the_customer)
    portraits.submit("order-1842", xiezhen.Job(photos, styles))

Nothing waits in the broker: no ETA, no countdown, no `acks_late`. A thread of each worker hands due keys to the task; a
message that is lost or comes twice means nothing.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, Any

from celery.signals import worker_process_init, worker_ready, worker_shutting_down

from ._xiezhen import Job, _share_rate
from .stores._contract import Claim, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    import celery

    from ._xiezhen import Client
    from .stores import PostgresStore, RedisStore

__all__ = ["Portraits"]

_log = logging.getLogger("xiezhen")

# How often a worker asks which jobs are due, and how soon again if there were more than it could take.
ROUND = 1.0
SOON = 0.1
# So many messages may wait for each process of a worker; more keys are left to the store, which hands them out once.
BACKLOG = 2


class Portraits:
    """The portraits of a Celery app. Make one where the app is made: in workers and in those who submit.

    store: a RedisStore or PostgresStore of `xiezhen.stores`, for all of the fleet.
    client: makes a Client, once in each process; or a Client. Who only submits needs none.
    save_to: the folder for pictures, or a function that returns it for a key.
    photos: returns the photos of a key's job where they can't be read, in their order or by their index.
    on_done: called with the key and the job before it is over, done or failed; again if the process dies meanwhile.
    on_unknown: called with the key and the job if nobody has learned the outcome of a create; otherwise on_done is.
    on_event: called with the key and each event.
    callback: the Callbacks whose addresses creates tell the service; `wake(key, hint)` hands on what comes back.
    requests_per_second: at most so many calls of the whole fleet in any second, in place of each client's own.
    name: the task's. Workers with `-Q` need `task_routes` for it, as for any task.
    """

    def __init__(
        self,
        app: celery.Celery,
        store: RedisStore | PostgresStore,
        *,
        client: Callable[[], Client] | Client | None = None,
        save_to: str | PathLike[str] | Callable[[str], str | PathLike[str]] | None = None,
        photos: Callable[[str], Any] | None = None,
        on_done: Callable[[str, Job], object] | None = None,
        on_unknown: Callable[[str, Job], object] | None = None,
        on_event: Callable[[str, Any], object] | None = None,
        callback: Any = None,
        requests_per_second: float | None = None,
        name: str = "xiezhen.portraits",
    ) -> None:
        self.store = store
        self._app = app
        self._client = client
        self._save_to = save_to
        self._photos = photos
        self._on_done = on_done
        self._on_unknown = on_unknown
        self._on_event = on_event
        self._callback = callback
        self._requests_per_second = requests_per_second
        # The client of this process, which a fork does not share.
        self._made: tuple[int, Client] | None = None
        self._making = threading.Lock()
        self._over = threading.Event()
        # Acknowledged when it begins: what a worker that dies leaves is handed out again by the store.
        self.task = app.task(name=name, acks_late=False, ignore_result=True, max_retries=0)(self._task())
        worker_process_init.connect(self._begin, weak=False)
        worker_ready.connect(self._start, weak=False)
        worker_shutting_down.connect(self._stop, weak=False)

    def submit(self, key: str, job: Job) -> bool:
        """Has the job made, under a key of yours. False, and nothing is changed, if that key was submitted before."""
        return self.store.put(key, job.to_json())

    def wake(self, key: str, hint: object = None) -> bool:
        """Has the job polled now: a callback came. False if it is over or was never submitted."""
        return self.store.wake(key, hint)

    def job(self, key: str) -> Job | None:
        """The job as it was last saved."""
        json = self.store.get(key)
        return None if json is None else Job.from_json(json)

    def adopt(self, key: str, task_id: str, user_id: str | None = None, style: str | None = None) -> None:
        """Takes over a task that the vendor's side shows, for a create whose outcome is unknown; the job goes on.

        style: which portrait, if several are unknown. Raises StoreError if a worker has the job at this moment.
        """
        claim = self.store.claim(key, reopen=True)
        if not isinstance(claim, Claim):
            raise StoreError(f"job {key!r} can't be taken up now: {claim}")
        try:
            job = Job.from_json(claim.json)
            if style is None:
                job.adopt(task_id, user_id)
            else:
                job.adopt_portrait(task_id, style)
            self.store.save(claim, job.to_json())
        finally:
            self.store.release(claim, 0.0)

    def recreate(self, key: str) -> Any:
        """Takes up a job that is over: starts again, and is billed for, what failed or is unknown. One turn, here."""
        return self._turn(key, recreate=True)

    def _task(self) -> Callable[[str], Any]:
        """What Celery calls: a function, whose arguments it reads; of a method it would ask for `self` too."""

        def turn(key: str) -> Any:
            return self._turn(key)

        return turn

    def _turn(self, key: str, recreate: bool = False) -> Any:
        """One turn at a job; what becomes of it is in the store."""
        on_event = self._on_event
        turn = self.client.step(
            self.store,
            key,
            save_to=self._save_to,
            photos=self._photos,
            on_done=self._on_done,
            on_unknown=self._on_unknown,
            on_event=None if on_event is None else lambda event: on_event(key, event),
            callback=self._callback,
            recreate=recreate,
        )
        return repr(turn)

    @property
    def client(self) -> Client:
        """The client of this process."""
        with self._making:
            if self._made is None or self._made[0] != os.getpid():
                self._made = (os.getpid(), self._make())
            return self._made[1]

    def _make(self) -> Client:
        if self._client is None:
            raise ValueError("Portraits was given no client: a worker needs one")
        client = self._client() if callable(self._client) else self._client
        rate = self._requests_per_second
        if rate is not None:
            _share_rate(client, lambda count: self.store.reserve(count, rate))
        return client

    def _begin(self, **_signal: object) -> None:
        """In each process of a pool that forks, before its first task."""
        if self._client is not None:
            _ = self.client

    def _start(self, sender: Any, **_signal: object) -> None:
        """In the worker's main process, once it is ready."""
        if self._client is None:
            return
        self._over.clear()
        concurrency = getattr(getattr(sender, "controller", None), "concurrency", None) or os.cpu_count() or 1
        threading.Thread(target=self._pump, args=(concurrency,), name="xiezhen-due", daemon=True).start()

    def _stop(self, **_signal: object) -> None:
        self._over.set()

    def _pump(self, concurrency: int) -> None:
        """Hands over what is due, as long as Celery can take it."""
        pause = ROUND
        while not self._over.wait(pause):
            pause = ROUND
            try:
                room = BACKLOG * concurrency - self._waiting()
                keys = self.store.due(room) if room > 0 else []
                for key in keys:
                    self.task.delay(key)
                if room <= 0 or len(keys) == room:
                    pause = SOON
            except Exception as error:
                _log.warning("what is due could not be handed to Celery: %s", error)

    def _waiting(self) -> int:
        """How many messages wait in the queue of the task; 0 where the broker can't tell."""
        queue = self._app.amqp.router.route({}, self.task.name).get("queue")
        name = getattr(queue, "name", queue) or self._app.conf.task_default_queue
        with self._app.connection_or_acquire() as connection:
            try:
                return int(connection.default_channel.queue_declare(queue=name, passive=True).message_count)
            except connection.channel_errors:
                return 0
