rule evaluate_run:
    input:
        method=rules.define_method.output,
        candidates=CANDIDATES,
        reference=f"{REPORTS}/runs/{{dataset}}/{{model}}/{config['baseline']}/candidates.parquet",
        exact_twin=own_exact,
        float32_store=exact_store,
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
            "embquant.steps.evaluate_run", *index_modules(config["baseline"]), *store_modules(wildcards.method)
        ),
    message:
        "{wildcards.dataset} · {wildcards.model}: evaluating {wildcards.method}"
    shell:
        "embquant evaluate-run --method-file {input.method:q} --candidates {input.candidates:q} --reference {input.reference:q} "
        "--exact-twin {input.exact_twin:q} --float32-store {input.float32_store:q} --query-vectors {input.queries:q} --qrels {input.qrels:q} "
        "--stores {params.stores:q} --multipliers {params.multipliers} --top-k {params.top_k} "
        "--metrics {params.metrics:q} --threads {threads} --output {output:q} 2> {log:q}"
