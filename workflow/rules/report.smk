from embquant.report.tables import TABLES as REPORT_TABLES

TABLES = REPORT_TABLES.names()
TABLE_MODULES = [REPORT_TABLES.module(table) for table in TABLES]


def table_caption(table):
    """Return the caption of a table; one of another package shares table.rst."""
    return table if (Path(workflow.basedir) / "workflow" / "report" / f"{table}.rst").is_file() else "table"


rule join_reports:
    input:
        measured=[f"{run}/{file}" for run in runs() for file in ("metrics.parquet", "speed.json", "memory.json")],
        embedding=embedding_timings(),
        explained=expand(rules.explain_losses.output, dataset=evaluated(), model=config["models"]),
        datasets=expand(rules.prepare_dataset.output.described, dataset=evaluated()),
        models=expand(rules.prepare_model.output.described, model=config["models"]),
    output:
        tables=[
            report(f"{REPORTS}/{table}.csv", **shown_as("Tables", table, table_caption(table))) for table in TABLES
        ],
        text=report(f"{REPORTS}/summary.txt", **shown_as("Verdict", "summary.txt", caption="text")),
        provenance=report(
            f"{REPORTS}/provenance.json", **shown_as("Provenance", "provenance.json", caption="provenance")
        ),
    log:
        f"results/logs/reports/{config['study']}/join_reports.log",
    conda:
        "../../envs/environment.yaml"
    threads: workflow.cores or 1
    resources:
        mem_mb=memory("join_reports"),
        runtime=minutes("join_reports"),
    params:
        runs=runs(),
        explained=of_models(),
        config=canonical(config),
        folder=subpath(output.text, parent=True),
        code=code("embquant.steps.join_reports", *TABLE_MODULES),
    message:
        "Joining the reports"
    shell:
        "embquant join-reports --runs {params.runs:q} --embedding {input.embedding:q} --explained {params.explained:q}"
        "--datasets {input.datasets:q} --models {input.models:q} --config {params.config:q} --output {params.folder:q} 2> {log:q}"


rule write_report:
    input:
        tables=[f"{REPORTS}/{table}.csv" for table in TABLES],
        provenance=f"{REPORTS}/provenance.json",
        metrics=[f"{run}/metrics.parquet" for run in runs()],
    output:
        page=report(f"{REPORTS}/report.html", **shown_as("Verdict", "report.html", caption="page")),
        figures=report(
            directory(f"{REPORTS}/figures"),
            patterns=["{figure}.svg"],
            **shown_as("Figures", "{figure}", caption="figure"),
        ),
        markup=directory(f"{REPORTS}/tables"),
    log:
        f"results/logs/reports/{config['study']}/write_report.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory("write_report"),
        runtime=minutes("write_report"),
    params:
        folder=subpath(output.page, parent=True),
        code=code("embquant.steps.write_report", *TABLE_MODULES),
    message:
        "Writing the report as a page"
    shell:
        "embquant write-report --reports {params.folder:q} --page {output.page:q} --figures {output.figures:q} "
        "--tables {output.markup:q} 2> {log:q}"
