# Measures what quantizing embeddings costs in retrieval quality and saves in memory and time.
# The rules say what each step needs and makes; every step is a command of the library in src/embquant.
from snakemake.utils import min_version

min_version("9.27")


if not workflow.overwrite_configfiles:  # a study given with --configfile isn't merged with this one

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/run.smk"


report: "workflow/report/workflow.rst"


with mistakes_in_one_line():
    for path in workflow.configfiles:  # Snakemake lets the last of two equal keys win
        read_yaml(Path(os.path.relpath(path)))
    STUDY = Study.read(config, config_name())
    STUDY.require_stages()
LAYOUT = STUDY.layout
CONFIGURATION = canonical(STUDY.config.to_dict())
CORES = workflow.cores or 1
PROFILE = profile_of(sys.argv[1:]) if workflow.is_main_process else RunFolder().profile()  # jobs are told by the run
ENVIRONMENT = literal(str(Path(workflow.basedir, "envs", "environment.yaml")))

shell.prefix(before_each_command())
unlock_after_a_kill()


wildcard_constraints:
    dataset=one_of(STUDY.config.datasets),
    model=one_of(STUDY.models),
    codec=one_of(STUDY.codecs),
    method=one_of(STUDY.searched),
    index=one_of(STUDY.indexes),
    suffix="[a-z0-9]+",
    part=r"\d+",
    parts=r"\d+",


localrules:  # too small for a job of a cluster: a dozen lines of JSON
    all,
    define_method,


rule all:
    default_target: True
    input:
        LAYOUT.report("summary.csv"),
        LAYOUT.report("report.html"),
        LAYOUT.report("plan.txt"),


include: "workflow/rules/datasets.smk"
include: "workflow/rules/embedding.smk"
include: "workflow/rules/planning.smk"
include: "workflow/rules/codecs.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/hybrid.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/losses.smk"
include: "workflow/rules/timing.smk"
include: "workflow/rules/report.smk"


onstart:
    hold_folder()
    check_cluster()
    for line in opening():
        logger.info(line, extra={"plan": LAYOUT.report("plan.json")})


onsuccess:
    if Path(LAYOUT.report("summary.txt")).exists():
        logger.info(closing(), extra={"result": True})
