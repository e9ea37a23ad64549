# Every part of a corpus waits for this rule. It measures how fast texts are embedded, and refuses a study that the disk can't
# hold. Studies share embeddings, so another study must not cause a new measurement. Therefore `study` is a function of the
# input: Snakemake doesn't compare such a parameter with that of the last run. So is `prompt`, which hardly changes how long a
# text takes.
rule calibrate:
    input:
        corpus=rules.prepare_dataset.output.corpus,
        queries=ancient(LAYOUT.queries()),  # spelled as a path: ancient(rules.….output) would make it ancient to every rule
        model=rules.prepare_model.output.described,
        given=lambda wildcards: nameable(STUDY.given_vectors(wildcards.dataset, wildcards.model)),
    output:
        LAYOUT.calibration(),
    log:
        LAYOUT.log("calibrate", "{dataset}", "{model}"),
    priority: 90
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("calibrate"),
        runtime=minutes("calibrate"),
        gpu=gpus,
    params:
        study=lambda wildcards, input: CONFIGURATION,
        prompt=lambda wildcards, input: STUDY.prompt_option(wildcards.model, "document", "--document-prompt"),
        braced=lambda wildcards: unnameable(STUDY.given_vectors(wildcards.dataset, wildcards.model)),
    message:
        "{wildcards.dataset} · {wildcards.model}: embedding some texts, to estimate the time of all"
    shell:
        "embquant calibrate --corpus {input.corpus:q} --queries {input.queries:q} --model {input.model:q} "
        "{params.prompt:q} --study {params.study:q} --output {output:q} 2> {log:q}"


rule plan_study:
    input:
        expand(LAYOUT.calibration(), dataset=STUDY.datasets, model=STUDY.models),
    output:
        plan=LAYOUT.report("plan.json"),
        text=LAYOUT.report("plan.txt"),
    log:
        LAYOUT.study_log("plan_study"),
    priority: 100_000
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory("plan_study"),
        runtime=minutes("plan_study"),
    params:
        study=lambda wildcards, input: CONFIGURATION,
        planned=lambda wildcards: canonical(planned_keys(STUDY)),  # a function: in a plain value Snakemake fills in braces
        code=code("plan_study"),
    message:
        "Planning"
    shell:
        "embquant plan-study --study {params.study:q} --calibrations {input:q} --output {output.plan:q} 2> {log:q}"
