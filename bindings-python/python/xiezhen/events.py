"""What `on_event` is called with: one class for each kind of event, all with the base `Event`."""

from ._xiezhen import (
    Event,
    Finished,
    Generated,
    Generating,
    Notice,
    PhotoUploaded,
    PhotoUploading,
    Retrying,
    Saved,
    Trained,
    Training,
    UnknownState,
)

__all__ = [
    "Event",
    "Finished",
    "Generated",
    "Generating",
    "Notice",
    "PhotoUploaded",
    "PhotoUploading",
    "Retrying",
    "Saved",
    "Trained",
    "Training",
    "UnknownState",
]
