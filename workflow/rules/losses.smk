rule explain_losses:
    input:
        measured=[LAYOUT.metrics(name) for name in STUDY.methods],
        candidates=[LAYOUT.candidates(name) for name in STUDY.methods],
        float32_store=STUDY.baseline.manifest,
        stores=[STUDY.store_manifest(codec) for codec in STUDY.rescore_stores],
        query_vectors=rules.embed_queries.output,
        queries=rules.prepare_dataset.output.queries,
        corpus=rules.prepare_dataset.output.corpus,
        qrels=rules.prepare_dataset.output.qrels,
    output:
        worst=f"{LAYOUT.measured()}/worst_queries.parquet",
        losses=f"{LAYOUT.measured()}/losses.parquet",
        examples=f"{LAYOUT.measured()}/examples.parquet",
        diagnosis=f"{LAYOUT.measured()}/diagnosis.json",
        text=f"{LAYOUT.measured()}/quality.txt",
    log:
        LAYOUT.study_log("explain_losses", "{dataset}", "{model}"),
    priority: 10
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("explain_losses"),
        runtime=minutes("explain_losses"),
    params:
        runs=[LAYOUT.run(name) for name in STUDY.methods],
        baseline=STUDY.baseline.name,
        stores=filled(lambda wildcards: STUDY.named_stores(STUDY.rescore_stores)),
        multipliers=STUDY.config.rescore.multipliers,
        worst=STUDY.config.worst_queries,
        statistics=canonical(STUDY.config.to_dict()["statistics"]),
        folder=subpath(output.worst, parent=True),
        code=code(
            "explain_losses",
            *STUDY.baseline.modules,
            *(module for codec in STUDY.rescore_stores for module in STUDY.store_modules(codec)),
        ),
    message:
        "{wildcards.dataset} · {wildcards.model}: explaining losses"
    shell:
        "embquant explain-losses --runs {params.runs:q} --baseline {params.baseline:q} --float32-store {input.float32_store:q} "
        "--stores {params.stores:q} --query-vectors {input.query_vectors:q} --queries {input.queries:q} "
        "--corpus {input.corpus:q} --qrels {input.qrels:q} --multipliers {params.multipliers} --worst {params.worst} "
        "--statistics {params.statistics:q} --output {params.folder:q} 2> {log:q}"
