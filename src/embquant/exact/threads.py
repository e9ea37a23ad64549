"""Limits of threads that hold for a block of code and leave the process as they found it.

Results must not depend on the machine: sums of matrix products differ in their last bits with the number of threads.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController, threadpool_limits


@contextmanager
def limit_threads(count: int) -> Iterator[None]:
    """Let every library that is loaded (BLAS, OpenMP, so FAISS too) use ``count`` threads inside the block.

    It takes about a millisecond to look up the loaded libraries: use it around a step, not around a query.
    """
    with threadpool_limits(count):
        yield


@contextmanager
def limit_blas_threads(count: int) -> Iterator[None]:
    """Let BLAS use ``count`` threads for each product inside the block; cheap enough for a single query."""
    with _blas().limit(limits=count):
        yield


@contextmanager
def limit_faiss_threads(count: int) -> Iterator[None]:
    """Let FAISS search with ``count`` threads inside the block.

    It takes about a microsecond, which is little for a query unless FAISS answers it in a few.
    """
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


@cache
def _blas() -> ThreadpoolController:
    """Find the process's BLAS libraries, which takes as long as a search of a small corpus."""
    return ThreadpoolController().select(user_api="blas")
