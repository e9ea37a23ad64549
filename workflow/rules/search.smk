RUN = f"{REPORTS}/runs/{{dataset}}/{{model}}/{{method}}"


rule build_index:
    input:
        state=of_built_codec(rules.fit_codec.output.state),
        described=of_built_codec(rules.fit_codec.output.described),
        codes=built_codes,
    output:
        index=f"{MODEL}/indexes/{{index}}.{{suffix}}",
        manifest=f"{MODEL}/indexes/{{index}}.{{suffix}}.json",
    log:
        "results/logs/{dataset}/{model}/build_index-{index}.{suffix}.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, input: 2000 + 3 * input.size_mb,
        runtime=720,
    params:
        kind=lambda wildcards: built(wildcards.index)["index"],
        build=lambda wildcards: canonical(built(wildcards.index)["build"]),
        code=lambda wildcards: code("embquant.indexes.build", *built_modules(wildcards.index)),
    message:
        "{wildcards.dataset} · {wildcards.model}: building the index {wildcards.index}"
    shell:
        "embquant build-index --kind {params.kind} --codec {input.state:q} --codes {input.codes:q} "
        "--parameters {params.build:q} --output {output.index:q} 2> {log:q}"


rule define_method:
    input:
        index_manifest,
    output:
        f"{MODEL}/methods/{{method}}.json",
    log:
        "results/logs/{dataset}/{model}/define_method-{method}.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        scoring=lambda wildcards: scoring(wildcards.method),
        search=lambda wildcards: canonical(config["methods"][wildcards.method]["search"]),
        code=lambda wildcards: code("embquant.methods"),
    message:
        "{wildcards.dataset} · {wildcards.model}: defining {wildcards.method}"
    shell:
        "embquant define-method --name {wildcards.method} --index {input:q} --scoring {params.scoring} "
        "--search {params.search:q} --output {output:q} 2> {log:q}"


rule search_index:
    input:
        index=index_file,
        manifest=index_manifest,
        method=rules.define_method.output,
        queries=rules.embed_queries.output,
    output:
        f"{RUN}/candidates.parquet",
    log:
        f"results/logs/reports/{config['study']}/{{dataset}}/{{model}}/search_index-{{method}}.log",
    conda:
        "../../envs/environment.yaml"
    threads: workflow.cores or 1
    resources:
        mem_mb=lambda wildcards, input: 3000 + 2 * input.size_mb,
        runtime=240,
    params:
        depths=lambda wildcards: searched_depths(wildcards.method),
        code=lambda wildcards: code("embquant.search", *index_modules(wildcards.method)),
    message:
        "{wildcards.dataset} · {wildcards.model}: searching {wildcards.method}"
    shell:
        "embquant search-index --method {input.method:q} --queries {input.queries:q} --depths {params.depths} "
        "--threads {threads} --output {output:q} 2> {log:q}"
