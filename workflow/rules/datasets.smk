rule prepare_dataset:
    input:
        files=lambda wildcards: nameable(STUDY.dataset_inputs(wildcards.dataset)),
        fetched=lambda wildcards: [
            storage(address) for address in STUDY.config.datasets[wildcards.dataset].addresses().values()
        ],
    output:
        corpus=LAYOUT.corpus(),
        queries=LAYOUT.queries(),
        qrels=LAYOUT.qrels(),
        described=LAYOUT.dataset_description(),
    log:
        LAYOUT.log("prepare_dataset", "{dataset}"),
    priority: 200  # mistakes in an input are found before any long work
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("prepare_dataset"),
        runtime=minutes("prepare_dataset"),
    params:
        entry=lambda wildcards: entry("datasets", wildcards.dataset),  # Snakemake reruns the job if this changes,
        local_entry=local_entry,  # but doesn't compare parameters that depend on inputs
        members=lambda wildcards: [LAYOUT.dataset(member) for member in STUDY.members(wildcards.dataset)],
        folder=subpath(output.described, parent=True),
        braced=lambda wildcards: unnameable(STUDY.dataset_inputs(wildcards.dataset)),
        code=lambda wildcards: code("prepare_dataset", *STUDY.dataset_modules(wildcards.dataset)),
    message:
        "Dataset {wildcards.dataset}: reading and checking"
    shell:
        "embquant prepare-dataset --name {wildcards.dataset} --entry {params.local_entry:q} --pool {params.members:q} "
        "--output {params.folder:q} 2> {log:q}"
