DATASET = "results/{dataset}"


rule prepare_dataset:
    input:
        files=source_files,
        fetched=fetched_files,
    output:
        corpus=f"{DATASET}/corpus.parquet",
        queries=f"{DATASET}/queries.parquet",
        qrels=f"{DATASET}/qrels.parquet",
        described=f"{DATASET}/dataset.json",
    log:
        "results/logs/{dataset}/prepare_dataset.log",
    priority: 200  # whatever is wrong with an input is said before any long work
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory("prepare_dataset"),
        runtime=minutes("prepare_dataset"),
    params:
        entry=lambda wildcards: canonical(config["datasets"][wildcards.dataset]),  # Snakemake sees it change,
        local_entry=local_spec,  # but not what depends on inputs
        pool=pooled,
        folder=subpath(output.described, parent=True),
        code=lambda wildcards: code(
            "embquant.steps.prepare_dataset", SOURCES.module(config["datasets"][wildcards.dataset]["source"])
        ),
    message:
        "Dataset {wildcards.dataset}: reading and checking"
    shell:
        "embquant prepare-dataset --name {wildcards.dataset} --entry {params.local_entry:q} --pool {params.pool:q} "
        "--output {params.folder:q} 2> {log:q}"
