# Threads: a job that asks for all cores runs alone, and only then do times mean anything.
rule time_search:
    input:
        index=index_manifest,
        method=rules.define_method.output,
        baseline=f"{MODEL}/methods/{config['baseline']}.json",
        exact_store=exact_store,
        loaded=timed_indexes,
        stores=store_manifests,
        queries=rules.embed_queries.output,
    output:
        f"{RUN}/speed.json",
    log:
        f"results/logs/reports/{config['study']}/{{dataset}}/{{model}}/time_search-{{method}}.log",
    conda:
        "../../envs/environment.yaml"
    threads: workflow.cores or 1
    resources:
        mem_mb=memory("time_search"),
        runtime=minutes("time_search"),
    params:
        stores=named_stores,
        multipliers=config["rescore"]["multipliers"],
        top_k=config["top_k"],
        rounds=config["timing"]["rounds"],
        single=config["timing"]["single_queries"],
        search_threads="" if config["timing"]["threads"] == "all" else config["timing"]["threads"],
        code=lambda wildcards: code(
            "embquant.steps.time_search",
            *index_modules(config["baseline"]),
            *index_modules(wildcards.method),
            *store_modules(wildcards.method),
        ),
    message:
        "{wildcards.dataset} · {wildcards.model}: timing {wildcards.method}, alone on the machine"
    shell:
        "search_threads={params.search_threads:q}; "
        "embquant time-search --method-file {input.method:q} --baseline-file {input.baseline:q} --query-vectors {input.queries:q} "
        "--stores {params.stores:q} --multipliers {params.multipliers} --top-k {params.top_k} "
        "--threads ${{search_threads:-{threads}}} --rounds {params.rounds} --single-queries {params.single} "
        "--output {output:q} 2> {log:q}"


rule time_embedding:
    input:
        corpus=rules.prepare_dataset.output.corpus,
        queries=rules.prepare_dataset.output.queries,
        model=rules.prepare_model.output.described,
    output:
        f"{REPORTS}/runs/{{dataset}}/{{model}}/embedding.json",
    log:
        f"results/logs/reports/{config['study']}/{{dataset}}/{{model}}/time_embedding.log",
    conda:
        "../../envs/environment.yaml"
    threads: workflow.cores or 1
    resources:
        mem_mb=memory("time_embedding"),
        runtime=minutes("time_embedding"),
        gpu=gpus,
    params:
        rounds=config["timing"]["rounds"],
        code=code("embquant.steps.time_embedding", *backend_modules()),
    message:
        "{wildcards.dataset} · {wildcards.model}: timing the embedding, alone on the machine"
    shell:
        "embquant time-embedding --corpus {input.corpus:q} --queries {input.queries:q} --model {input.model:q} "
        "--threads {threads} --rounds {params.rounds} --output {output:q} 2> {log:q}"


rule measure_memory:
    input:
        index=index_manifest,
        method=rules.define_method.output,
        baseline=f"{MODEL}/methods/{config['baseline']}.json",
        loaded=index_file,
        stores=store_manifests,
        queries=rules.embed_queries.output,
    output:
        f"{RUN}/memory.json",
    log:
        f"results/logs/reports/{config['study']}/{{dataset}}/{{model}}/measure_memory-{{method}}.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory("measure_memory"),
        runtime=minutes("measure_memory"),
    params:
        stores=named_stores,
        depth=lambda wildcards: depths(wildcards.method)[-1],
        code=lambda wildcards: code(
            "embquant.steps.measure_memory",
            *index_modules(config["baseline"]),
            *index_modules(wildcards.method),
            *store_modules(wildcards.method),
        ),
    message:
        "{wildcards.dataset} · {wildcards.model}: measuring the memory of {wildcards.method}"
    shell:
        "embquant measure-memory --method-file {input.method:q} --baseline-file {input.baseline:q} --query-vectors {input.queries:q} "
        "--stores {params.stores:q} --depth {params.depth} --output {output:q} 2> {log:q}"
