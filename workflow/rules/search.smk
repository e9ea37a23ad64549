RUN = f"{REPORTS}/runs/{{dataset}}/{{model}}/{{method}}"
CANDIDATES = f"{RUN}/candidates.parquet"
CANDIDATES_OF_PART = f"{RUN}/candidates-{{part}}-of-{{parts}}.parquet"


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
        mem_mb=memory("build_index"),
        runtime=minutes("build_index"),
    params:
        kind=lambda wildcards: built(wildcards.index)["index"],
        build=lambda wildcards: canonical(built(wildcards.index)["build"]),
        code=lambda wildcards: code("embquant.steps.build_index", *built_modules(wildcards.index)),
    message:
        "{wildcards.dataset} · {wildcards.model}: building the index {wildcards.index}"
    shell:
        "embquant build-index --index-kind {params.kind} --state {input.state:q} --codes {input.codes:q} "
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
        mem_mb=memory("define_method"),
        runtime=minutes("define_method"),
    params:
        scoring=lambda wildcards: scoring(wildcards.method),
        search=lambda wildcards: canonical(config["methods"][wildcards.method]["search"]),
        code=lambda wildcards: code("embquant.steps.define_method"),
    message:
        "{wildcards.dataset} · {wildcards.model}: defining {wildcards.method}"
    shell:
        "embquant define-method --name {wildcards.method} --manifest {input:q} --scoring {params.scoring} "
        "--search {params.search:q} --output {output:q} 2> {log:q}"


rule search_index:
    input:
        index=index_file,
        loaded=held_index,
        manifest=index_manifest,
        method=rules.define_method.output,
        queries=rules.embed_queries.output,
    output:
        CANDIDATES,
    log:
        f"results/logs/reports/{config['study']}/{{dataset}}/{{model}}/search_index-{{method}}.log",
    wildcard_constraints:
        method=one_of(method for method in config["methods"] if not by_part(method)),
    conda:
        "../../envs/environment.yaml"
    threads: workflow.cores or 1
    resources:
        mem_mb=memory("search_index"),
        runtime=minutes("search_index"),
    params:
        depths=lambda wildcards: searched_depths(wildcards.method),
        code=lambda wildcards: code("embquant.steps.search_index", *index_modules(wildcards.method)),
    message:
        "{wildcards.dataset} · {wildcards.model}: searching {wildcards.method}"
    shell:
        "embquant search-index --method-file {input.method:q} --query-vectors {input.queries:q} --depths {params.depths} "
        "--threads {threads} --output {output:q} 2> {log:q}"


# What a scan finds in each part, merged, is what it finds in the whole: no search needs an index of the whole corpus.
rule search_part:
    input:
        state=lambda wildcards: rules.fit_codec.output.state.format(codec=method_codec(wildcards.method), **wildcards),
        codes=codes_of_part,
        queries=rules.embed_queries.output,
    output:
        temp(CANDIDATES_OF_PART),
    log:
        f"results/logs/reports/{config['study']}/{{dataset}}/{{model}}/search_part-{{method}}-{{part}}-of-{{parts}}.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory("search_part"),
        runtime=minutes("search_part"),
    params:
        scoring=lambda wildcards: scoring(wildcards.method),
        depth=lambda wildcards: max(searched_depths(wildcards.method)),
        code=lambda wildcards: code("embquant.steps.search_part", *index_modules(wildcards.method)),
    message:
        "{wildcards.dataset} · {wildcards.model}: searching part {wildcards.part} of {wildcards.parts} for {wildcards.method}"
    shell:
        "embquant search-part --state {input.state:q} --codes {input.codes:q} --query-vectors {input.queries:q} "
        "--scoring {params.scoring} --depth {params.depth} --threads {threads} --output {output:q} 2> {log:q}"


rule merge_candidates:
    input:
        found=parts(CANDIDATES_OF_PART),
        queries=rules.embed_queries.output,
    output:
        CANDIDATES,
    log:
        f"results/logs/reports/{config['study']}/{{dataset}}/{{model}}/merge_candidates-{{method}}.log",
    wildcard_constraints:
        method=one_of(method for method in config["methods"] if by_part(method)),
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory("merge_candidates"),
        runtime=minutes("merge_candidates"),
    params:
        code=code("embquant.steps.merge_candidates"),
    message:
        "{wildcards.dataset} · {wildcards.model}: merging what was found for {wildcards.method}"
    shell:
        "embquant merge-candidates --parts {input.found:q} --output {output:q} 2> {log:q}"
