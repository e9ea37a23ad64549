BACKEND_MODULES = [BACKENDS.module(name) for name in BACKENDS.names()]  # one of them runs a model


rule prepare_model:
    input:
        lambda wildcards: nameable(STUDY.model_inputs(wildcards.model)),
    output:
        described=LAYOUT.model_description(),
    log:
        LAYOUT.log("prepare_model", "models", "{model}"),
    priority: 100
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("prepare_model"),
        runtime=minutes("prepare_model"),
        gpu=gpus,
    params:
        entry=lambda wildcards: canonical(STUDY.model_entry(wildcards.model)),
        datasets=lambda wildcards: [] if wildcards.model in STUDY.text_models else STUDY.datasets,
        folder=subpath(output.described, parent=True),
        braced=lambda wildcards: unnameable(STUDY.model_inputs(wildcards.model)),
        code=code("prepare_model", *BACKEND_MODULES),
    message:
        "Model {wildcards.model}: finding and checking"
    shell:
        "embquant prepare-model --name {wildcards.model} --entry {params.entry:q} --datasets {params.datasets:q} "
        "--output {params.folder:q} 2> {log:q}"


rule embed_queries:
    input:
        queries=rules.prepare_dataset.output.queries,
        corpus=rules.prepare_dataset.output.corpus,
        dataset=rules.prepare_dataset.output.described,
        model=rules.prepare_model.output.described,
        given=lambda wildcards: nameable(STUDY.given_vectors(wildcards.dataset, wildcards.model)),
    output:
        LAYOUT.query_vectors(),
    log:
        LAYOUT.log("embed_queries", "{dataset}", "{model}"),
    priority: 50
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("embed_queries"),
        runtime=minutes("embed_queries"),
        gpu=gpus,
    params:
        prompt=lambda wildcards: STUDY.prompt_option(wildcards.model, "query", "--prompt"),
        braced=lambda wildcards: unnameable(STUDY.given_vectors(wildcards.dataset, wildcards.model)),
        code=code("embed_queries", *BACKEND_MODULES),
    message:
        "{wildcards.dataset} · {wildcards.model}: embedding the queries"
    shell:
        "embquant embed-queries --dataset {wildcards.dataset} --queries {input.queries:q} --corpus {input.corpus:q} "
        "--description {input.dataset:q} --model {input.model:q} {params.prompt:q} --threads {threads} --output {output:q} 2> {log:q}"


# One thread per job, and several jobs at once: so embeddings are the same to the last bit on any number of cores.
rule embed_corpus:
    input:
        corpus=rules.prepare_dataset.output.corpus,
        model=rules.prepare_model.output.described,
        given=lambda wildcards: nameable(STUDY.given_vectors(wildcards.dataset, wildcards.model)),
        calibrated=ancient(LAYOUT.calibration()),  # nothing is embedded before the disk is known to have room
    output:
        temp(LAYOUT.distinct_embeddings()),
    log:
        LAYOUT.log("embed_corpus-{part}-of-{parts}", "{dataset}", "{model}"),
    priority: 10
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("embed_corpus"),
        runtime=minutes_of_embedding,
        gpu=gpus,
    params:
        prompt=lambda wildcards: STUDY.prompt_option(wildcards.model, "document", "--prompt"),
        braced=lambda wildcards: unnameable(STUDY.given_vectors(wildcards.dataset, wildcards.model)),
        code=code("embed_corpus", *BACKEND_MODULES),
    message:
        "{wildcards.dataset} · {wildcards.model}: embedding part {wildcards.part} of {wildcards.parts}"
    shell:
        "embquant embed-corpus --dataset {wildcards.dataset} --corpus {input.corpus:q} --model {input.model:q} "
        "{params.prompt:q} --threads {threads} --part {wildcards.part} --parts {wildcards.parts} --output {output:q} 2> {log:q}"


rule place_embeddings:
    input:
        corpus=rules.prepare_dataset.output.corpus,
        distinct=distinct_so_far,
    output:
        LAYOUT.embeddings(),
    log:
        LAYOUT.log("place_embeddings-{part}-of-{parts}", "{dataset}", "{model}"),
    priority: 10
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("place_embeddings"),
        runtime=minutes("place_embeddings"),
    params:
        code=code("place_embeddings"),
    message:
        "{wildcards.dataset} · {wildcards.model}: placing part {wildcards.part} of {wildcards.parts}"
    shell:
        "embquant place-embeddings --corpus {input.corpus:q} --distinct {input.distinct:q} --part {wildcards.part} "
        "--parts {wildcards.parts} --output {output:q} 2> {log:q}"
