"""A pool that starts no process gives what one of processes gives."""

from __future__ import annotations

from grader.homework.worker.pools import Pool


def power(base: int, exponent: int = 2) -> int:
    return base**exponent


def test_every_way_to_ask_gives_the_results_in_order():
    with Pool(4) as pool:
        assert pool.map(power, [1, 2, 3]) == [1, 4, 9]
        assert pool.starmap(power, [(2, 3), (3, 1)]) == [8, 3]
        assert list(pool.imap_unordered(power, iter((3, 4)), chunksize=2)) == [9, 16]
        assert pool.apply(power, (2,), {"exponent": 5}) == 32
        assert pool.map_async(power, [2]).get(timeout=1) == [4]
        assert pool.starmap_async(power, [(2, 4)]).get() == [16]
    pool.close()
    pool.join()


def test_the_initializer_has_run_and_a_callback_gets_the_result():
    said: list[object] = []
    pool = Pool(2, said.extend, (["begun"],))
    done = pool.apply_async(power, (3,), {"exponent": 3}, callback=said.append)
    assert said == ["begun", 27]
    assert done.ready()
    assert done.successful()
    done.wait()
    assert done.get() == 27
