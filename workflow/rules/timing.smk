# A job that asks for all cores runs alone. Other jobs would distort its times. Rules up to the losses have a priority, so that
# people see the quality before anything is timed.
rule time_search:
    input:
        index=filled(lambda wildcards: method(wildcards).manifest),
        method=rules.define_method.output,
        candidates=[ancient(LAYOUT.candidates()), ancient(LAYOUT.candidates(STUDY.baseline.name))],  # or why there are none
        baseline=LAYOUT.method(STUDY.baseline.name),
        exact_store=STUDY.baseline.manifest,
        loaded=filled(lambda wildcards: [method(wildcards).index_file, STUDY.baseline.index_file]),
        stores=filled(lambda wildcards: map(STUDY.store_manifest, method(wildcards).rescore_stores)),
        queries=rules.embed_queries.output,
        own_documents=rules.prepare_dataset.output.queries,
    output:
        f"{LAYOUT.run()}/speed.json",
    log:
        LAYOUT.study_log("time_search-{method}", "{dataset}", "{model}"),
    conda:
        ENVIRONMENT
    threads: CORES
    resources:
        mem_mb=memory("time_search"),
        runtime=minutes("time_search"),
    params:
        stores=filled(lambda wildcards: STUDY.named_stores(method(wildcards).rescore_stores)),
        multipliers=STUDY.config.rescore.multipliers,
        top_k=STUDY.config.top_k,
        rounds=STUDY.config.timing.rounds,
        single=STUDY.config.timing.single_queries,
        precision=STUDY.config.timing.precision,
        seconds=STUDY.config.timing.seconds,
        search_threads="" if STUDY.config.timing.threads == "all" else STUDY.config.timing.threads,
        code=lambda wildcards: code(
            "time_search",
            *STUDY.baseline.modules,
            *method(wildcards).modules,
            *method(wildcards).store_modules,
        ),
    message:
        "{wildcards.dataset} · {wildcards.model}: timing {wildcards.method}, alone on the machine"
    shell:
        "search_threads={params.search_threads:q}; "
        "embquant time-search --method-file {input.method:q} --candidates {input.candidates:q} --baseline-file {input.baseline:q} --query-vectors {input.queries:q} "
        "--queries {input.own_documents:q} --stores {params.stores:q} --multipliers {params.multipliers} --top-k {params.top_k} "
        "--threads ${{search_threads:-{threads}}} --rounds {params.rounds} --single-queries {params.single} "
        "--precision {params.precision} --seconds {params.seconds} "
        "--output {output:q} 2> {log:q}"


rule time_embedding:
    input:
        corpus=rules.prepare_dataset.output.corpus,
        queries=rules.prepare_dataset.output.queries,
        model=rules.prepare_model.output.described,
    output:
        f"{LAYOUT.measured()}/embedding.json",
    log:
        LAYOUT.study_log("time_embedding", "{dataset}", "{model}"),
    conda:
        ENVIRONMENT
    threads: CORES
    resources:
        mem_mb=memory("time_embedding"),
        runtime=minutes("time_embedding"),
        gpu=gpus,
    params:
        rounds=STUDY.config.timing.rounds,
        precision=STUDY.config.timing.precision,
        seconds=STUDY.config.timing.seconds,
        query_prompt=lambda wildcards: STUDY.prompt_option(wildcards.model, "query", "--query-prompt"),
        document_prompt=lambda wildcards: STUDY.prompt_option(wildcards.model, "document", "--document-prompt"),
        code=code("time_embedding", *BACKEND_MODULES),
    message:
        "{wildcards.dataset} · {wildcards.model}: timing the embedding, alone on the machine"
    shell:
        "embquant time-embedding --corpus {input.corpus:q} --queries {input.queries:q} --model {input.model:q} "
        "{params.query_prompt:q} {params.document_prompt:q} --threads {threads} --rounds {params.rounds} --precision {params.precision} "
        "--seconds {params.seconds} --output {output:q} 2> {log:q}"


rule measure_memory:
    input:
        index=filled(lambda wildcards: method(wildcards).manifest),
        method=rules.define_method.output,
        candidates=[ancient(LAYOUT.candidates()), ancient(LAYOUT.candidates(STUDY.baseline.name))],  # or why there are none
        baseline=LAYOUT.method(STUDY.baseline.name),
        loaded=filled(lambda wildcards: method(wildcards).index_file),
        stores=filled(lambda wildcards: map(STUDY.store_manifest, method(wildcards).rescore_stores)),
        queries=rules.embed_queries.output,
    output:
        f"{LAYOUT.run()}/memory.json",
    log:
        LAYOUT.study_log("measure_memory-{method}", "{dataset}", "{model}"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("measure_memory"),
        runtime=minutes("measure_memory"),
    params:
        stores=filled(lambda wildcards: STUDY.named_stores(method(wildcards).rescore_stores)),
        depth=lambda wildcards: method(wildcards).depths[-1],
        code=lambda wildcards: code(
            "measure_memory",
            *STUDY.baseline.modules,
            *method(wildcards).modules,
            *method(wildcards).store_modules,
        ),
    message:
        "{wildcards.dataset} · {wildcards.model}: measuring the memory of {wildcards.method}"
    shell:
        "embquant measure-memory --method-file {input.method:q} --candidates {input.candidates:q} --baseline-file {input.baseline:q} --query-vectors {input.queries:q} "
        "--stores {params.stores:q} --depth {params.depth} --output {output:q} 2> {log:q}"
