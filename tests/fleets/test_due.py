"""When a job is due: wakes, the hints they bring, and to whom due keys are given."""

from __future__ import annotations

from typing import Any

from conftest import until
from stores import claimed, plain_job
from xiezhen.stores import Busy, Claim, Early


def test_a_wake_is_remembered_while_the_job_is_held(store: Any) -> None:
    store.put("k", plain_job())
    claim = claimed(store, "k")
    assert store.wake("k", "first")
    assert store.wake("k")
    assert isinstance(store.claim("k"), Busy)
    assert store.release(claim, 100)
    claim = claimed(store, "k")
    assert claim.woken == ("first", None)
    assert store.wake("k", '{"third": 3}')
    assert store.release(claim, 100)
    claim = claimed(store, "k")
    assert claim.woken == ('{"third": 3}',), "what was told is done with"
    assert store.release(claim, 100)
    assert isinstance(store.claim("k"), Early)


def test_hints_outlast_a_holder_that_dies_and_are_bounded(open_store: Any) -> None:
    store = open_store(lease=0.2)
    store.put("k", plain_job())
    for number in range(20):
        store.wake("k", str(number))
    assert claimed(store, "k").woken == tuple(str(number) for number in range(4, 20))
    again = until(lambda: isinstance(claim := store.claim("k"), Claim) and claim)
    assert again.woken[-1] == "19"
    store.wake("k", "20")
    assert store.release(again, 100)
    assert claimed(store, "k").woken == ("20",)


def test_a_hint_takes_up_what_ended_unknown(store: Any) -> None:
    store.put("k", plain_job())
    claim = claimed(store, "k")
    store.save(claim, plain_job(unknown=True))
    store.release(claim, None)
    assert not store.wake("k")
    assert store.wake("k", "task 7")
    assert store.due() == ["k"]
    assert claimed(store, "k").woken == ("task 7",)


def test_what_is_due_is_given_to_one_caller(open_store: Any) -> None:
    store, other = open_store(lease=0.7), open_store(lease=0.7)
    keys = [f"k{number}" for number in range(5)]
    for key in keys:
        store.put(key, plain_job())
    first = store.due(3)
    assert len(first) == 3
    second = other.due()
    assert sorted(first + second) == keys
    assert store.due() == []
    again: list[str] = []
    until(lambda: again.extend(store.due()) or len(again) >= len(keys))
    assert sorted(again) == keys, "again, if nothing came of it"
    for key in keys:
        store.release(claimed(store, key), 100)
    assert store.due() == []
