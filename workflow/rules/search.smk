rule build_index:
    input:
        store=filled(lambda wildcards: STUDY.store_file(STUDY.indexes[wildcards.index].entry.codec)),
        manifest=filled(lambda wildcards: STUDY.store_manifest(STUDY.indexes[wildcards.index].entry.codec)),
        groups=filled(lambda wildcards: STUDY.groups(wildcards.index)),
    output:
        index=LAYOUT.index(),
        manifest=LAYOUT.index() + ".json",
    log:
        LAYOUT.log("build_index-{index}.{suffix}", "{dataset}", "{model}"),
    priority: 10
    conda:
        ENVIRONMENT
    threads: lambda wildcards: CORES if STUDY.indexes[wildcards.index].index_class.is_database else 1
    resources:
        mem_mb=memory("build_index"),
        runtime=minutes("build_index"),
    params:
        kind=lambda wildcards: STUDY.indexes[wildcards.index].entry.index,
        parts=LAYOUT.parts,
        build=lambda wildcards: canonical(STUDY.indexes[wildcards.index].entry.build),
        fit_on=lambda wildcards: STUDY.fit_on_option(wildcards.index),
        code=lambda wildcards: code(
            "build_index",
            *STUDY.indexes[wildcards.index].modules,
            *STUDY.store_modules(STUDY.indexes[wildcards.index].entry.codec),
        ),
    message:
        "{wildcards.dataset} · {wildcards.model}: building the index {wildcards.index}"
    shell:
        "embquant build-index --index-kind {params.kind} --store {input.manifest:q} --parts {params.parts} "
        "--parameters {params.build:q} {params.fit_on:q} --groups {input.groups:q} --output {output.index:q} 2> {log:q}"


rule define_method:
    input:
        filled(lambda wildcards: method(wildcards).manifest),
    output:
        LAYOUT.method(),
    log:
        LAYOUT.log("define_method-{method}", "{dataset}", "{model}"),
    priority: 10
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("define_method"),
        runtime=minutes("define_method"),
    params:
        scoring=lambda wildcards: method(wildcards).scoring,
        search=lambda wildcards: canonical(method(wildcards).entry.search),
        code=code("define_method"),
    message:
        "{wildcards.dataset} · {wildcards.model}: defining {wildcards.method}"
    shell:
        "embquant define-method --name {wildcards.method} --manifest {input:q} --scoring {params.scoring} "
        "--search {params.search:q} --output {output:q} 2> {log:q}"


rule search_index:
    input:
        index=filled(lambda wildcards: method(wildcards).index_file),
        loaded=filled(lambda wildcards: [] if method(wildcards).is_flat else method(wildcards).index_file),  # flat ones are mapped
        manifest=filled(lambda wildcards: method(wildcards).manifest),
        method=rules.define_method.output,
        queries=rules.embed_queries.output,
        own_documents=rules.prepare_dataset.output.queries,
        corpus=rules.prepare_dataset.output.corpus,
        qrels=rules.prepare_dataset.output.qrels,
    output:
        LAYOUT.candidates(),
    log:
        LAYOUT.study_log("search_index-{method}", "{dataset}", "{model}"),
    wildcard_constraints:
        method=one_of(name for name, method in STUDY.searched.items() if not method.is_searched_by_part),
    priority: 10
    conda:
        ENVIRONMENT
    threads: CORES
    resources:
        mem_mb=memory("search_index"),
        runtime=minutes("search_index"),
    params:
        depths=lambda wildcards: method(wildcards).searched_depths,
        growth=lambda wildcards: canonical(method(wildcards).growth),
        code=lambda wildcards: code("search_index", *method(wildcards).modules),
    message:
        "{wildcards.dataset} · {wildcards.model}: searching {wildcards.method}"
    shell:
        "embquant search-index --method-file {input.method:q} --query-vectors {input.queries:q} "
        "--queries {input.own_documents:q} --corpus {input.corpus:q} --qrels {input.qrels:q} "
        "--depths {params.depths} --growth {params.growth:q} --threads {threads} --output {output:q} 2> {log:q}"


# The results of scanning each part, merged, are those of scanning the whole store.
rule search_part:
    input:
        loaded=[],  # a part of the store is mapped
        store=filled(lambda wildcards: method(wildcards).index_file),
        manifest=filled(lambda wildcards: method(wildcards).manifest),
        queries=rules.embed_queries.output,
        own_documents=rules.prepare_dataset.output.queries,
        corpus=rules.prepare_dataset.output.corpus,
        qrels=rules.prepare_dataset.output.qrels,
    output:
        temp(LAYOUT.candidates_of_part()),
    log:
        LAYOUT.study_log("search_part-{method}-{part}-of-{parts}", "{dataset}", "{model}"),
    priority: 10
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("search_part"),
        runtime=minutes("search_part"),
    params:
        scoring=lambda wildcards: method(wildcards).scoring,
        depth=lambda wildcards: max(method(wildcards).searched_depths),
        growth=lambda wildcards: canonical(method(wildcards).growth),
        code=lambda wildcards: code("search_part", *method(wildcards).modules),
    message:
        "{wildcards.dataset} · {wildcards.model}: searching part {wildcards.part} of {wildcards.parts} for {wildcards.method}"
    shell:
        "embquant search-part --store {input.manifest:q} --part {wildcards.part} --parts {wildcards.parts} "
        "--query-vectors {input.queries:q} --queries {input.own_documents:q} "
        "--corpus {input.corpus:q} --qrels {input.qrels:q} --scoring {params.scoring} --depth {params.depth} "
        "--growth {params.growth:q} --threads {threads} --output {output:q} 2> {log:q}"


rule merge_candidates:
    input:
        found=LAYOUT.each_part(LAYOUT.candidates_of_part()),
        queries=rules.embed_queries.output,
        own_documents=rules.prepare_dataset.output.queries,
    output:
        LAYOUT.candidates(),
    log:
        LAYOUT.study_log("merge_candidates-{method}", "{dataset}", "{model}"),
    wildcard_constraints:
        method=one_of(name for name, method in STUDY.searched.items() if method.is_searched_by_part),
    priority: 10
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("merge_candidates"),
        runtime=minutes("merge_candidates"),
    params:
        code=code("merge_candidates"),
    message:
        "{wildcards.dataset} · {wildcards.model}: merging what was found for {wildcards.method}"
    shell:
        "embquant merge-candidates --parts {input.found:q} --queries {input.own_documents:q} --output {output:q} 2> {log:q}"
