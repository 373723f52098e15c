"""Row ids sort by the time they were made, also where there is no time between them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from connector.store.ids import ALPHABET, new_id


def test_ids_sort_in_the_order_in_which_they_were_made() -> None:
    """Thousands in a few milliseconds."""
    made = [new_id() for _ in range(5000)]

    assert made == sorted(made)
    assert {len(one) for one in made} == {26}
    assert set("".join(made)) <= set(ALPHABET)


def test_no_two_are_alike_whoever_makes_them() -> None:
    """Threads do not wait for one another, and still never make the same."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_id(), range(20_000)))
    assert len(set(made)) == len(made)
