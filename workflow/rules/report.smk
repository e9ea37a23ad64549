TABLES = ["retrieval", "memory", "speed", "embedding", "significance", "macro", "summary", "cost", "recommendation"]


rule compare:
    input:
        measured=[f"{run}/{file}" for run in runs() for file in ("metrics.parquet", "speed.json", "memory.json")],
        embedding=embedding_timings(),
        ids=expand(rules.collect_ids.output, dataset=evaluated(), model=config["models"]),
        datasets=expand(rules.prepare_dataset.output.described, dataset=evaluated()),
        models=expand(rules.prepare_model.output.described, model=config["models"]),
    output:
        tables=[f"{REPORTS}/{table}.csv" for table in TABLES],
        text=f"{REPORTS}/summary.txt",
        provenance=f"{REPORTS}/provenance.json",
    log:
        f"results/logs/reports/{config['study']}/compare.log",
    conda:
        "../../envs/environment.yaml"
    threads: workflow.cores or 1
    resources:
        mem_mb=memory("compare"),
        runtime=minutes("compare"),
    params:
        runs=runs(),
        baseline=config["baseline"],
        config=canonical(config),
        folder=subpath(output.text, parent=True),
        code=code("embquant.report.compare"),
    message:
        "Joining the reports"
    shell:
        "embquant compare --runs {params.runs:q} --embedding {input.embedding:q} --baseline {params.baseline:q} "
        "--datasets {input.datasets:q} --models {input.models:q} --config {params.config:q} --output {params.folder:q} 2> {log:q}"
