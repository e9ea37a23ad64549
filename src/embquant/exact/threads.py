"""Limits of threads that hold for a block of code and leave the process as they found it.

Results must not depend on the machine: sums of matrix products differ in their last bits with the number of threads.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def limit_threads(count: int) -> Iterator[None]:
    """Let every library that is loaded (BLAS, OpenMP, so FAISS too) use ``count`` threads inside the block.

    It takes about a millisecond to look up the loaded libraries: use it around a step, not around a query.
    """
    with threadpool_limits(count):
        yield


@contextmanager
def limit_faiss_threads(count: int) -> Iterator[None]:
    """Let FAISS search with ``count`` threads inside the block; cheap enough for a single query."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
