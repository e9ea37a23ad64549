TABLES = REPORT_TABLES.names()
TABLE_MODULES = [REPORT_TABLES.module(table) for table in TABLES]
MEASURED = expand(LAYOUT.measured(), dataset=STUDY.datasets, model=STUDY.models)
RUNS = [f"{measured}/{name}" for measured in MEASURED for name in STUDY.methods]
DRIFTED = [f"{measured}/{name}" for measured in MEASURED for name in STUDY.drifted_methods]

REPEATED = [f"{measured}/{name}" for measured in MEASURED for name in STUDY.repeated]


rule join_reports:
    input:
        measured=[
            f"{run}/{file}"
            for run in RUNS
            for file in ("metrics.parquet", "growth.parquet", "speed.json", "memory.json")
        ],
        others=[f"{run}/metrics.parquet" for run in [*DRIFTED, *REPEATED]],
        fused=[f"{run}/fused.parquet" for run in RUNS if STUDY.config.fusion],
        reranked=[f"{run}/reranked.parquet" for run in RUNS if STUDY.config.reranker],
        bm25=[LAYOUT.bm25_metrics(name) for name in STUDY.datasets if STUDY.config.bm25 != "none"],
        embedding=expand(rules.time_embedding.output, dataset=STUDY.datasets, model=STUDY.text_models),
        explained=expand(rules.explain_losses.output, dataset=STUDY.datasets, model=STUDY.models),
        datasets=expand(rules.prepare_dataset.output.described, dataset=STUDY.datasets),
        models=expand(rules.prepare_model.output.described, model=STUDY.models),
    output:
        tables=[report(LAYOUT.report(f"{table}.csv"), **shown_as("Tables", table)) for table in TABLES],
        text=report(LAYOUT.report("summary.txt"), **shown_as("Verdict", "summary.txt", caption="text")),
        provenance=report(
            LAYOUT.report("provenance.json"), **shown_as("Provenance", "provenance.json", caption="provenance")
        ),
    log:
        LAYOUT.study_log("join_reports"),
    conda:
        ENVIRONMENT
    threads: CORES
    resources:
        mem_mb=memory("join_reports"),
        runtime=minutes("join_reports"),
    params:
        runs=RUNS,
        drifted=DRIFTED,
        repeated=REPEATED,
        explained=MEASURED,
        config=lambda wildcards: CONFIGURATION,  # a function: in a plain value Snakemake fills in braces
        folder=subpath(output.text, parent=True),
        code=code("join_reports", *TABLE_MODULES),
    message:
        "Joining the reports"
    shell:
        "embquant join-reports --runs {params.runs:q} --drifted {params.drifted:q} --repeated {params.repeated:q} --bm25 {input.bm25:q} --embedding {input.embedding:q} --explained {params.explained:q} "
        "--datasets {input.datasets:q} --models {input.models:q} --config {params.config:q} --output {params.folder:q} 2> {log:q}"


rule write_report:
    input:
        tables=[LAYOUT.report(f"{table}.csv") for table in TABLES],
        provenance=LAYOUT.report("provenance.json"),
        metrics=[f"{run}/metrics.parquet" for run in RUNS],
    output:
        page=report(LAYOUT.report("report.html"), **shown_as("Verdict", "report.html", caption="page")),
        figures=report(
            directory(LAYOUT.report("figures")),
            patterns=["{figure}.svg"],
            **shown_as("Figures", "{figure}", caption="figure"),
        ),
        markup=directory(LAYOUT.report("tables")),
        databases=LAYOUT.report("databases.md"),
    log:
        LAYOUT.study_log("write_report"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("write_report"),
        runtime=minutes("write_report"),
    params:
        folder=subpath(output.page, parent=True),
        code=code("write_report", *TABLE_MODULES),
    message:
        "Writing the report as a page"
    shell:
        "embquant write-report --reports {params.folder:q} --page {output.page:q} --figures {output.figures:q} "
        "--tables {output.markup:q} --databases {output.databases:q} 2> {log:q}"
