"""The engine of exact scans: every document is scored, and the k best of each query are kept.

Flat indexes search with this package, so it is what ``speed.csv`` times, but for those where FAISS's own kernels are
faster; an index's ``engine`` says which library computes the scores.

Why a library that measures others has an engine of its own: a codec must not look slow because of how it is called.
USearch's exact search calls a kernel for each pair of query and document, and FAISS's flat indexes of quantized codes
score one query after the other. Scans in blocks are faster by the factors in docs/benchmarks.md (``float32_scan``,
``int8_scan``, ``binary_scan``, ``latency``), so that what is compared is the codecs, not the loops around them.

How a scan goes (:mod:`scan`)
    The documents are cut into blocks so small that a block's scores stay in the cache of a core. One call of a kernel
    scores all queries against a block: a matrix product of BLAS, or NumKong's products of bytes and bits. Then the
    block is compared with each query's k-th best score so far; few scores pass, and only these are sorted. The first
    block is larger than k, so that this bar is high from the start. Threads share the documents, so that each is read
    once; where queries are many and codes few, they share the queries, so that the bar is that of all documents.

How the best are kept (:mod:`topk`)
    A score and its row are one integer, which sorts by score and then by row. NumPy selects and sorts integers many
    times faster than pairs, and ties come in row order by themselves.

How results become reproducible (``DecodedScan.settled``, :mod:`products`)
    A BLAS sums in another order at the edge of a block, so that float32 scores differ in the last bit with the block
    and the number of threads. So a search that others are judged by goes somewhat deeper than k, and its order is
    settled by float64 sums that depend on nothing but their two vectors. Integer scores need none of this.

How codes are read from disk (:mod:`mapped`)
    Codes may be mapped instead of loaded. The pages of the next block, or of the rows that will be looked up, are asked
    for in advance, so that the disk works while the processor does.

Each constant has its reason beside it, and was chosen by the benchmarks named above. None changes what is found.
"""
