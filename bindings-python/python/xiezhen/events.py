# Generated from the Rust source by tools/stubs.py: do not edit.

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
    Finished
    | Generated
    | Generating
    | Notice
    | PhotoUploaded
    | PhotoUploading
    | Retrying
    | Saved
    | Trained
    | Training
    | UnknownState
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
