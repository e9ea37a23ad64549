rule evaluate_run:
    input:
        method=rules.define_method.output,
        candidates=CANDIDATES,
        exact=f"{REPORTS}/runs/{{dataset}}/{{model}}/{config['baseline']}/candidates.parquet",
        own_exact=own_exact,
        exact_store=exact_store,
        stores=store_manifests,
        queries=rules.embed_queries.output,
        qrels=rules.prepare_dataset.output.qrels,
    output:
        f"{RUN}/metrics.parquet",
    log:
        f"results/logs/reports/{config['study']}/{{dataset}}/{{model}}/evaluate_run-{{method}}.log",
    conda:
        "../../envs/environment.yaml"
    threads: 2
    resources:
        mem_mb=memory("evaluate_run"),
        runtime=minutes("evaluate_run"),
    params:
        stores=named_stores,
        multipliers=config["rescore"]["multipliers"],
        top_k=config["top_k"],
        metrics=config["metrics"],
        code=lambda wildcards: code(
            "embquant.measure.quality", *index_modules(config["baseline"]), *store_modules(wildcards.method)
        ),
    message:
        "{wildcards.dataset} · {wildcards.model}: evaluating {wildcards.method}"
    shell:
        "embquant evaluate-run --method {input.method:q} --candidates {input.candidates:q} --exact {input.exact:q} "
        "--own-exact {input.own_exact:q} --exact-store {input.exact_store:q} --queries {input.queries:q} --qrels {input.qrels:q} "
        "--stores {params.stores:q} --multipliers {params.multipliers} --top-k {params.top_k} "
        "--metrics {params.metrics:q} --threads {threads} --output {output:q} 2> {log:q}"
