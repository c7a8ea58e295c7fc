"""What `on_event` is called with: one class for each kind of event, all with the base `Event`."""

from ._xiezhen import (
    Event,
    Finished,
    Generated,
    Generating,
    PhotoUploaded,
    PhotoUploading,
    Retrying,
    Saved,
    Trained,
    Training,
    UnknownState,
    Warning,  # noqa: A004 - the name of the event, in every language
)

__all__ = [
    "Event",
    "Finished",
    "Generated",
    "Generating",
    "PhotoUploaded",
    "PhotoUploading",
    "Retrying",
    "Saved",
    "Trained",
    "Training",
    "UnknownState",
    "Warning",
]
