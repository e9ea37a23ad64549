# What quantizing embeddings costs in retrieval quality and saves in memory and time.
# The rules only say what follows from what; every step is a command of the library in src/embquant.
from snakemake.utils import min_version

min_version("9.27")


if not workflow.overwrite_configfiles:  # a study given with --configfile stands alone, it is not merged with this one

    configfile: "config.yaml"


include: "workflow/rules/configuration.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/cluster.smk"
include: "workflow/rules/storage.smk"


report: "workflow/report/workflow.rst"


shell.prefix(own_programs_first())
load_study(config, workflow.source_path("workflow/schemas/config.schema.yaml"))
unlock_after_a_kill()


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    model="|".join(config["models"]),
    codec="|".join(config["codecs"]),
    method="|".join(config["methods"]),
    index="|".join(spec["built"] for spec in config["methods"].values()),
    suffix="[a-z0-9]+",
    part=r"\d+",
    parts=r"\d+",


REPORTS = f"results/reports/{config['study']}"


localrules:  # no work for a cluster: a dozen lines of JSON
    all,
    define_method,


rule all:
    default_target: True
    input:
        f"{REPORTS}/summary.csv",
        f"{REPORTS}/report.html",
        f"{REPORTS}/plan.txt",


include: "workflow/rules/datasets.smk"
include: "workflow/rules/embedding.smk"
include: "workflow/rules/outline.smk"
include: "workflow/rules/planning.smk"
include: "workflow/rules/codecs.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/losses.smk"
include: "workflow/rules/timing.smk"
include: "workflow/rules/report.smk"


onstart:
    hold_folder(config["study"])
    check_cluster()
    for line in opening():
        logger.info(line, extra={"plan": f"{REPORTS}/plan.json"})


onsuccess:
    if Path(REPORTS, "summary.txt").exists():
        logger.info(closing(), extra={"result": True})
