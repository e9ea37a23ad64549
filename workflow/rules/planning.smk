CALIBRATION = f"{MODEL}/calibration.json"
OUTLINE = canonical(outline())
CALIBRATIONS = outline()["calibrations"]

# What a job is told that has no part in what it writes: not by parameters, which it would be made again for.
if workflow.is_main_process:  # on a cluster, a job's own Snakemake would count the cores of its node
    os.environ.update(EMBQUANT_OUTLINE=OUTLINE, EMBQUANT_CORES=str(workflow.cores or workflow.nodes or 1))


# What every part of a corpus waits for: it measures, and refuses the study if the disk can't hold it. What it is made
# again for is what parts are made again for, and no more: it has no parameters, nor a digest of code, and the study, which
# it is told, has no part in what it writes.
rule calibrate:
    input:
        corpus=rules.prepare_dataset.output.corpus,
        queries=ancient(f"{DATASET}/queries.parquet"),  # of a rule's output, it would be ancient to every other rule
        model=rules.prepare_model.output.described,
        given=given_vectors,
    output:
        CALIBRATION,
    log:
        "results/logs/{dataset}/{model}/calibrate.log",
    priority: 90
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory("calibrate"),
        runtime=minutes("calibrate"),
        gpu=gpus,
    message:
        "{wildcards.dataset} · {wildcards.model}: embedding some texts, to see how long all take"
    shell:
        "embquant calibrate --corpus {input.corpus:q} --queries {input.queries:q} --model {input.model:q} "
        '--outline "$EMBQUANT_OUTLINE" --output {output:q} 2> {log:q}'


rule plan_study:
    input:
        CALIBRATIONS,
    output:
        plan=f"{REPORTS}/plan.json",
        text=f"{REPORTS}/plan.txt",
    log:
        f"results/logs/reports/{config['study']}/plan_study.log",
    priority: 100_000
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory("plan_study"),
        runtime=minutes("plan_study"),
    params:
        outline=OUTLINE,
        # Of what is planned and how it is read; how its figures are come by is no reason to plan again.
        code=code("embquant.study.sizes", "embquant.study.remaining"),
    message:
        "Planning"
    shell:
        'embquant plan-study --outline {params.outline:q} --cores "$EMBQUANT_CORES" --output {output.plan:q} 2> {log:q}'
