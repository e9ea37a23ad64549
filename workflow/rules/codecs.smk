CODEC = f"{MODEL}/codecs/{{codec}}"
CODES = f"{CODEC}/part-{{part}}-of-{{parts}}.parquet"


rule fit_codec:
    input:
        parts(EMBEDDINGS),
    output:
        state=f"{CODEC}/state.npz",
        described=f"{CODEC}/state.json",
    log:
        "results/logs/{dataset}/{model}/fit_codec-{codec}.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory("fit_codec"),
        runtime=minutes("fit_codec"),
    params:
        entry=lambda wildcards: canonical(config["codecs"][wildcards.codec]),
        code=lambda wildcards: code("embquant.steps.fit_codec", *codec_modules(wildcards.codec)),
    message:
        "{wildcards.dataset} · {wildcards.model}: fitting {wildcards.codec}"
    shell:
        "embquant fit-codec --entry {params.entry:q} --embeddings {input:q} --output {output.state:q} 2> {log:q}"


rule encode_corpus:
    input:
        state=rules.fit_codec.output.state,
        embeddings=EMBEDDINGS,
    output:
        CODES,
    log:
        "results/logs/{dataset}/{model}/encode_corpus-{codec}-{part}-of-{parts}.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory("encode_corpus"),
        runtime=minutes("encode_corpus"),
    params:
        code=lambda wildcards: code("embquant.steps.encode_corpus", *codec_modules(wildcards.codec)),
    message:
        "{wildcards.dataset} · {wildcards.model}: encoding part {wildcards.part} as {wildcards.codec}"
    shell:
        "embquant encode-corpus --state {input.state:q} --embeddings {input.embeddings:q} --output {output:q} 2> {log:q}"


# A store is a flat index: searched by the methods that scan, mapped from disk where candidates are rescored.
rule build_store:
    input:
        state=rules.fit_codec.output.state,
        described=rules.fit_codec.output.described,
        codes=codes,
    output:
        store=f"{MODEL}/stores/{{codec}}.{{suffix}}",
        manifest=f"{MODEL}/stores/{{codec}}.{{suffix}}.json",
    log:
        "results/logs/{dataset}/{model}/build_store-{codec}.{suffix}.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory("build_store"),
        runtime=minutes("build_store"),
    params:
        code=lambda wildcards: code(
            "embquant.steps.build_index", *codec_modules(wildcards.codec), index_module(family(wildcards.codec), "flat")
        ),
    message:
        "{wildcards.dataset} · {wildcards.model}: building the {wildcards.codec} store"
    shell:
        "embquant build-index --index-kind flat --state {input.state:q} --codes {input.codes:q} --output {output.store:q} "
        "2> {log:q}"
