rule search_bm25:
    input:
        corpus=rules.prepare_dataset.output.corpus,
        queries=rules.prepare_dataset.output.queries,
        qrels=rules.prepare_dataset.output.qrels,
    output:
        found=LAYOUT.bm25(),
        metrics=LAYOUT.bm25_metrics(),
    log:
        LAYOUT.study_log("search_bm25", "{dataset}"),
    priority: 10
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("search_bm25"),
        runtime=minutes("search_bm25"),
    params:
        parameters=lambda wildcards: canonical(STUDY.config.to_dict()["bm25"]),  # a function: for the braces
        top_k=STUDY.config.top_k,
        depth=STUDY.config.depth_with_ties,
        metrics=STUDY.config.metrics,
        fused=["--fused"] if LAYOUT.bm25() in STUDY.companion else [],
        code=code("search_bm25", *STUDY.metric_modules),
    message:
        "{wildcards.dataset}: searching by words"
    shell:
        "embquant search-bm25 --corpus {input.corpus:q} --queries {input.queries:q} --qrels {input.qrels:q} "
        "--parameters {params.parameters:q} --top-k {params.top_k} --depth {params.depth} "
        "--metrics {params.metrics:q} {params.fused} --output {output.found:q} --measured {output.metrics:q} 2> {log:q}"


rule read_run:
    input:
        loaded=lambda wildcards: nameable([STUDY.run_file(wildcards.dataset)]),
        corpus=rules.prepare_dataset.output.corpus,
        queries=rules.prepare_dataset.output.queries,
    output:
        LAYOUT.given_run(),
    log:
        LAYOUT.study_log("read_run", "{dataset}"),
    priority: 10
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("read_run"),
        runtime=minutes("read_run"),
    params:
        run=lambda wildcards: STUDY.run_file(wildcards.dataset),
        braced=lambda wildcards: unnameable([STUDY.run_file(wildcards.dataset)]),
        depth=STUDY.fusion_depth,
        code=code("read_run"),
    message:
        "{wildcards.dataset}: reading what another search has found"
    shell:
        "embquant read-run --run-file {params.run:q} --corpus {input.corpus:q} --queries {input.queries:q} "
        "--depth {params.depth} --output {output:q} 2> {log:q}"


rule rerank:
    input:
        returned=[f"{run}/returned.parquet" for run in STUDY.reranked],
        files=lambda wildcards: nameable(STUDY.reranker_inputs(wildcards.dataset)),
        corpus=rules.prepare_dataset.output.corpus,
        queries=rules.prepare_dataset.output.queries,
        qrels=rules.prepare_dataset.output.qrels,
    output:
        [f"{run}/reranked.parquet" for run in STUDY.reranked] or LAYOUT.reranked("none", model="none"),
    log:
        LAYOUT.study_log("rerank", "{dataset}"),
    priority: 10
    conda:
        ENVIRONMENT
    threads: CORES if STUDY.config.reranker and STUDY.config.reranker.model else 1
    resources:
        mem_mb=memory("rerank"),
        runtime=minutes("rerank"),
    params:
        runs=filled(lambda wildcards: STUDY.reranked),
        baseline=STUDY.baseline.name,
        reranker=lambda wildcards: STUDY.reranker_option(wildcards.dataset),
        braced=lambda wildcards: unnameable(STUDY.reranker_inputs(wildcards.dataset)),
        metrics=STUDY.config.metrics,
        code=code("rerank", *STUDY.metric_modules),
    message:
        "{wildcards.dataset}: ranking the results again"
    shell:
        "embquant rerank --runs {params.runs:q} --baseline {params.baseline:q} --corpus {input.corpus:q} "
        "--queries {input.queries:q} --qrels {input.qrels:q} {params.reranker:q} --metrics {params.metrics:q} "
        "--threads {threads} 2> {log:q}"
