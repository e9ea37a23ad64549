# The plan is told, and refused if the disk can't hold it, as soon as datasets and models are known. Nothing depends on
# it by file: parts of a corpus belong to many studies, and another study's plan is no reason to embed them again. Its
# priority, and all cores, which it needs for itself to calibrate, put it before everything else.
rule plan_study:
    input:
        corpora=expand(rules.prepare_dataset.output.corpus, dataset=evaluated()),
        queries=expand(rules.prepare_dataset.output.queries, dataset=evaluated()),
        models=expand(rules.prepare_model.output.described, model=config["models"]),
    output:
        plan=f"{REPORTS}/plan.json",
        text=f"{REPORTS}/plan.txt",
    log:
        f"results/logs/reports/{config['study']}/plan_study.log",
    priority: 100_000
    conda:
        "../../envs/environment.yaml"
    threads: workflow.cores or 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        outline=canonical(outline()),
        datasets=expand("results/{dataset}", dataset=evaluated()),
        runs=f"{REPORTS}/runs",
        # Of what is planned and how it is read; how its figures are come by is no reason to plan again.
        code=code("embquant.planning.sizes", "embquant.planning.remaining"),
    message:
        "Planning: calibrating the embedding"
    shell:
        "embquant plan-study --outline {params.outline:q} --datasets {params.datasets:q} --models {input.models:q} "
        "--runs {params.runs:q} --cores {threads} --output {output.plan:q} 2> {log:q}"
