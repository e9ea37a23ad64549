rule fit_codec:
    input:
        LAYOUT.each_part(LAYOUT.embeddings()),
    output:
        state=LAYOUT.codec_state(),
        described=LAYOUT.codec_entry(),
    log:
        LAYOUT.log("fit_codec-{codec}", "{dataset}", "{model}"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("fit_codec"),
        runtime=minutes("fit_codec"),
    params:
        entry=lambda wildcards: entry("codecs", wildcards.codec),
        code=lambda wildcards: code("fit_codec", *STUDY.codecs[wildcards.codec].modules),
    message:
        "{wildcards.dataset} · {wildcards.model}: fitting {wildcards.codec}"
    shell:
        "embquant fit-codec --entry {params.entry:q} --embeddings {input:q} --output {output.state:q} 2> {log:q}"


rule encode_corpus:
    input:
        state=rules.fit_codec.output.state,
        embeddings=LAYOUT.embeddings(),
    output:
        temp(LAYOUT.codes()),  # the store keeps them
    log:
        LAYOUT.log("encode_corpus-{codec}-{part}-of-{parts}", "{dataset}", "{model}"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("encode_corpus"),
        runtime=minutes("encode_corpus"),
    params:
        code=lambda wildcards: code("encode_corpus", *STUDY.codecs[wildcards.codec].modules),
    message:
        "{wildcards.dataset} · {wildcards.model}: encoding part {wildcards.part} as {wildcards.codec}"
    shell:
        "embquant encode-corpus --state {input.state:q} --embeddings {input.embeddings:q} --output {output:q} 2> {log:q}"


# A store is a flat index. Exact methods scan it, rescoring maps it from disk, and other indexes are built from it.
rule build_store:
    input:
        state=rules.fit_codec.output.state,
        described=rules.fit_codec.output.described,
        codes=filled(lambda wildcards: STUDY.codes(wildcards.codec)),
    output:
        store=LAYOUT.store(),
        manifest=LAYOUT.store() + ".json",
    log:
        LAYOUT.log("build_store-{codec}.{suffix}", "{dataset}", "{model}"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("build_store"),
        runtime=minutes("build_store"),
    params:
        code=lambda wildcards: code("build_store", *STUDY.store_modules(wildcards.codec)),
    message:
        "{wildcards.dataset} · {wildcards.model}: building the {wildcards.codec} store"
    shell:
        "embquant build-store --state {input.state:q} --codes {input.codes:q} --output {output.store:q} 2> {log:q}"
