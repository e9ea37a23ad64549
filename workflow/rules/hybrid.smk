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
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("search_bm25"),
        runtime=minutes("search_bm25"),
    params:
        parameters=lambda wildcards: canonical(STUDY.config.to_dict()["bm25"]),  # a function: for the braces
        top_k=STUDY.config.top_k,
        metrics=STUDY.config.metrics,
        code=code("search_bm25", *STUDY.metric_modules),
    message:
        "{wildcards.dataset}: searching by words"
    shell:
        "embquant search-bm25 --corpus {input.corpus:q} --queries {input.queries:q} --qrels {input.qrels:q} "
        "--parameters {params.parameters:q} --top-k {params.top_k} --metrics {params.metrics:q} "
        "--output {output.found:q} --measured {output.metrics:q} 2> {log:q}"
