"""What a run emits: one class for each kind of event. `Event` is any of them; `type` and `match` tell them apart."""

from ._xiezhen import (
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

Event = (
    PhotoUploading
    | PhotoUploaded
    | Training
    | Trained
    | Generating
    | Generated
    | Saved
    | Retrying
    | UnknownState
    | Notice
    | Finished
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
