MODEL = f"{DATASET}/{{model}}"
EMBEDDINGS = f"{MODEL}/embeddings/part-{{part}}-of-{{parts}}.parquet"
DISTINCT = f"{MODEL}/embeddings/distinct-{{part}}-of-{{parts}}.parquet"


rule prepare_model:
    input:
        own_model,
    output:
        described="results/models/{model}/model.json",
    log:
        "results/logs/models/{model}/prepare_model.log",
    priority: 100
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory("prepare_model"),
        runtime=minutes("prepare_model"),
        gpu=gpus,
    params:
        entry=lambda wildcards: canonical(config["models"][wildcards.model]),
        datasets=lambda wildcards: datasets_of_given(wildcards.model),
        folder=subpath(output.described, parent=True),
        code=code("embquant.steps.prepare_model", *backend_modules()),
    message:
        "Model {wildcards.model}: finding and checking"
    shell:
        "embquant prepare-model --name {wildcards.model} --entry {params.entry:q} --datasets {params.datasets:q} "
        "--output {params.folder:q} 2> {log:q}"


rule embed_queries:
    input:
        queries=rules.prepare_dataset.output.queries,
        model=rules.prepare_model.output.described,
        given=given_vectors,
    output:
        f"{MODEL}/queries.parquet",
    log:
        "results/logs/{dataset}/{model}/embed_queries.log",
    priority: 50
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory("embed_queries"),
        runtime=minutes("embed_queries"),
        gpu=gpus,
    params:
        code=code("embquant.steps.embed_queries", *backend_modules()),
    message:
        "{wildcards.dataset} · {wildcards.model}: embedding the queries"
    shell:
        "embquant embed-queries --dataset {wildcards.dataset} --queries {input.queries:q} --model {input.model:q} "
        "--threads {threads} --output {output:q} 2> {log:q}"


# One thread a job, and jobs beside each other: embeddings don't depend on the number of cores, to the last bit.
rule embed_corpus:
    input:
        corpus=rules.prepare_dataset.output.corpus,
        model=rules.prepare_model.output.described,
        given=given_vectors,
        calibrated=ancient(f"{MODEL}/calibration.json"),  # nothing is embedded before it is known to fit on the disk
    output:
        temp(DISTINCT),
    log:
        "results/logs/{dataset}/{model}/embed_corpus-{part}-of-{parts}.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory("embed_corpus"),
        runtime=minutes_of_embedding,
        gpu=gpus,
    params:
        code=code("embquant.steps.embed_corpus", *backend_modules()),
    message:
        "{wildcards.dataset} · {wildcards.model}: embedding part {wildcards.part} of {wildcards.parts}"
    shell:
        "embquant embed-corpus --dataset {wildcards.dataset} --corpus {input.corpus:q} --model {input.model:q} "
        "--threads {threads} --part {wildcards.part} --parts {wildcards.parts} --output {output:q} 2> {log:q}"


rule place_embeddings:
    input:
        corpus=rules.prepare_dataset.output.corpus,
        distinct=distinct_so_far,
    output:
        EMBEDDINGS,
    log:
        "results/logs/{dataset}/{model}/place_embeddings-{part}-of-{parts}.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory("place_embeddings"),
        runtime=minutes("place_embeddings"),
    params:
        code=code("embquant.steps.place_embeddings"),
    message:
        "{wildcards.dataset} · {wildcards.model}: placing part {wildcards.part} of {wildcards.parts}"
    shell:
        "embquant place-embeddings --corpus {input.corpus:q} --distinct {input.distinct:q} --part {wildcards.part} "
        "--parts {wildcards.parts} --output {output:q} 2> {log:q}"
