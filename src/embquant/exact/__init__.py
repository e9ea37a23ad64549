"""The engine of exact scans: every document is scored, and the k best of each query are kept.

Flat indexes search with this package, so ``speed.csv`` times it. The exceptions are indexes for which FAISS's kernels
are faster; an index's ``engine`` says which library computes the scores.

Why a library that measures others has this engine: a codec must not look slow because of the way it is called. The
exact search of USearch calls a kernel for each pair of query and document, and FAISS's flat indexes of quantized codes
score one query after the other. docs/benchmarks.md says by how much scans in blocks are faster (``float32_scan``,
``int8_scan``, ``binary_scan``, ``latency``). With them, the codecs are compared and not the loops around them.

How a scan works (:mod:`scan`)
    The documents are cut into blocks so small that a block's scores stay in the cache of a core. One call of a kernel
    scores all queries against a block: a matrix product of BLAS, or NumKong's products of bytes and bits. Then the
    block is compared with each query's k-th best score so far. Few scores pass, and only these are sorted. The first
    block is larger than k, so that this bar is high from the start. Threads share the documents, so that each is read
    once. If there are many queries and few codes, threads share the queries instead: then all documents raise the bar.

How a kernel is chosen (:mod:`ways`)
    Processors differ in which kernel and which size of a block is fastest. The first blocks of a search are scored in
    each way in turn, and the others in the fastest. All ways give the same scores.

How the best are kept (:mod:`topk`)
    A score and its row are one integer, which sorts by score and then by row. NumPy selects and sorts integers many
    times faster than pairs, and ties are in row order without further work.

How results become reproducible (``DecodedScan.settled``, :mod:`products`)
    A BLAS sums in another order at the edge of a block. So the last bit of a float32 score depends on the block and on
    the number of threads. A search that serves as a reference therefore goes somewhat deeper than k, and its results
    are ordered by float64 sums, each of which depends on its two vectors alone. Integer scores don't need this.

How codes are read from disk (:mod:`mapped`)
    Codes may be mapped instead of loaded. The pages of the next block, or of the rows that will be looked up, are
    requested in advance, so that the disk works while the processor does.

The reason for each constant is given beside it. The benchmarks named above chose them. None changes what is found.
"""
