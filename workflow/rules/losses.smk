OF_MODEL = f"{REPORTS}/runs/{{dataset}}/{{model}}"


rule explain_losses:
    input:
        measured=[f"{OF_MODEL}/{method}/metrics.parquet" for method in config["methods"]],
        candidates=[f"{OF_MODEL}/{method}/candidates.parquet" for method in config["methods"]],
        float32_store=exact_store,
        stores=[store_manifest(codec) for codec in all_rescore_stores()],
        query_vectors=rules.embed_queries.output,
        queries=rules.prepare_dataset.output.queries,
        corpus=rules.prepare_dataset.output.corpus,
        qrels=rules.prepare_dataset.output.qrels,
    output:
        worst=f"{OF_MODEL}/worst_queries.parquet",
        losses=f"{OF_MODEL}/losses.parquet",
    log:
        f"results/logs/reports/{config['study']}/{{dataset}}/{{model}}/explain_losses.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory("explain_losses"),
        runtime=minutes("explain_losses"),
    params:
        runs=[f"{OF_MODEL}/{method}" for method in config["methods"]],
        baseline=config["baseline"],
        stores=lambda wildcards, input: [
            f"{name}={manifest}" for name, manifest in zip(all_rescore_stores(), input.stores)
        ],
        multipliers=config["rescore"]["multipliers"],
        worst=config["worst_queries"],
        statistics=canonical(config["statistics"]),
        folder=subpath(output.worst, parent=True),
        code=code(
            "embquant.steps.explain_losses",
            *index_modules(config["baseline"]),
            *(module for method in config["methods"] for module in store_modules(method)),
        ),
    message:
        "{wildcards.dataset} · {wildcards.model}: explaining losses"
    shell:
        "embquant explain-losses --runs {params.runs:q} --baseline {params.baseline:q} --float32-store {input.float32_store:q} "
        "--stores {params.stores:q} --query-vectors {input.query_vectors:q} --queries {input.queries:q} "
        "--corpus {input.corpus:q} --qrels {input.qrels:q} --multipliers {params.multipliers} --worst {params.worst} "
        "--statistics {params.statistics:q} --output {params.folder:q} 2> {log:q}"
