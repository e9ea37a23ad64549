TABLES = ["retrieval", "memory", "speed", "embedding", "significance", "macro", "summary", "cost", "recommendation"]
EXPLAINED = ["worst_queries", "losses"]


rule join_reports:
    input:
        measured=[f"{run}/{file}" for run in runs() for file in ("metrics.parquet", "speed.json", "memory.json")],
        embedding=embedding_timings(),
        explained=expand(rules.explain_losses.output, dataset=evaluated(), model=config["models"]),
        ids=expand(rules.collect_ids.output, dataset=evaluated(), model=config["models"]),
        datasets=expand(rules.prepare_dataset.output.described, dataset=evaluated()),
        models=expand(rules.prepare_model.output.described, model=config["models"]),
    output:
        tables=[f"{REPORTS}/{table}.csv" for table in TABLES + EXPLAINED],
        text=f"{REPORTS}/summary.txt",
        provenance=f"{REPORTS}/provenance.json",
    log:
        f"results/logs/reports/{config['study']}/join_reports.log",
    conda:
        "../../envs/environment.yaml"
    threads: workflow.cores or 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        runs=runs(),
        explained=of_models(),
        baseline=config["baseline"],
        config=canonical(config),
        folder=subpath(output.text, parent=True),
        code=code("embquant.report.join"),
    message:
        "Joining the reports"
    shell:
        "embquant join-reports --runs {params.runs:q} --embedding {input.embedding:q} --explained {params.explained:q} --baseline {params.baseline:q} "
        "--datasets {input.datasets:q} --models {input.models:q} --config {params.config:q} --output {params.folder:q} 2> {log:q}"
