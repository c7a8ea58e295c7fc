"""The words for states, kinds and stages, the same in every language: `TaskState.SUCCEEDED == "succeeded"`."""

from enum import Enum


class _Name(str, Enum):
    # What a word reads as differs between Python versions otherwise.
    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"


class TaskState(_Name):
    """How far a task is. `SUCCEEDED`, `PARTLY_SUCCEEDED` and `FAILED` are terminal."""

    __module__ = "xiezhen"

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTLY_SUCCEEDED = "partly_succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def is_terminal(self) -> bool:
        """Whether the service is done with the task."""
        return self in (TaskState.SUCCEEDED, TaskState.PARTLY_SUCCEEDED, TaskState.FAILED)


class TaskKind(_Name):
    """What a task is for."""

    __module__ = "xiezhen"

    TRAINING = "training"
    GENERATION = "generation"
    UNKNOWN = "unknown"


class Stage(_Name):
    """What a job is busy with."""

    __module__ = "xiezhen"

    UPLOADING = "uploading"
    TRAINING = "training"
    GENERATING = "generating"
    SAVING = "saving"
    DONE = "done"
    FAILED = "failed"
