# A store is a flat index. Exact methods scan it, rescoring maps it from disk, and other indexes are built from it.
rule build_store:
    input:
        embeddings=LAYOUT.each_part(LAYOUT.embeddings()),
        groups=filled(lambda wildcards: STUDY.groups(wildcards.codec)),
    output:
        store=LAYOUT.store(),
        manifest=LAYOUT.store() + ".json",
    log:
        LAYOUT.log("build_store-{codec}.{suffix}", "{dataset}", "{model}"),
    priority: 10
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("build_store"),
        runtime=minutes("build_store"),
    params:
        entry=lambda wildcards: canonical(STUDY.codec_entry(wildcards.codec)),
        fit_on=lambda wildcards: STUDY.fit_on_option(wildcards.codec),
        state=LAYOUT.codec_state(),  # no output: it lacks the wildcard of the store's suffix
        code=lambda wildcards: code("build_store", *STUDY.store_modules(wildcards.codec)),
    message:
        "{wildcards.dataset} · {wildcards.model}: quantizing as {wildcards.codec}"
    shell:
        "embquant build-store --entry {params.entry:q} --embeddings {input.embeddings:q} {params.fit_on:q} --groups {input.groups:q} --state {params.state:q} "
        "--output {output.store:q} 2> {log:q}"
