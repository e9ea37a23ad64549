rule evaluate_run:
    input:
        method=rules.define_method.output,
        candidates=LAYOUT.candidates(),
        reference=LAYOUT.candidates(STUDY.baseline.name),
        exact_twin=filled(lambda wildcards: [LAYOUT.candidates(name) for name in method(wildcards).exact_twins]),
        float32_store=STUDY.baseline.manifest,
        stores=filled(lambda wildcards: map(STUDY.store_manifest, method(wildcards).rescore_stores)),
        queries=rules.embed_queries.output,
        qrels=rules.prepare_dataset.output.qrels,
        companion=STUDY.companion,
    output:
        metrics=LAYOUT.metrics(),
        growth=LAYOUT.growth(),
        fused=[LAYOUT.fused() for _ in STUDY.companion],
        returned=[LAYOUT.returned()] if STUDY.config.reranker else [],
    log:
        LAYOUT.study_log("evaluate_run-{method}", "{dataset}", "{model}"),
    priority: 10
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem_mb=memory("evaluate_run"),
        runtime=minutes("evaluate_run"),
    params:
        stores=filled(lambda wildcards: STUDY.named_stores(method(wildcards).rescore_stores)),
        multipliers=STUDY.config.rescore.multipliers,
        top_k=STUDY.config.top_k,
        metrics=STUDY.config.metrics,
        fusion=filled(lambda wildcards: STUDY.fusion_options),
        targets=lambda wildcards: method(wildcards).targets,
        code=lambda wildcards: code(
            "evaluate_run", *STUDY.metric_modules, *STUDY.baseline.modules, *method(wildcards).store_modules
        ),
    message:
        "{wildcards.dataset} · {wildcards.model}: evaluating {wildcards.method}"
    shell:
        "embquant evaluate-run --method-file {input.method:q} --candidates {input.candidates:q} --reference {input.reference:q} "
        "--exact-twin {input.exact_twin:q} --float32-store {input.float32_store:q} --query-vectors {input.queries:q} --qrels {input.qrels:q} "
        "--stores {params.stores:q} --multipliers {params.multipliers} --top-k {params.top_k} "
        "--metrics {params.metrics:q} {params.fusion:q} --targets {params.targets} --threads {threads} --output {output.metrics:q} --growth {output.growth:q} --returned {output.returned:q} 2> {log:q}"
