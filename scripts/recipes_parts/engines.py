"""The command of every recipe, in exactly the environment that its engine sets: every part, then the merge."""

import re
import sys
from concurrent.futures import ThreadPoolExecutor

from manifests import documents, load
from moto_server import Moto
from support import RECIPES, TABLE, Dynamodb, Place, expect, folder, judge, wait_until

RUN = "2026-11-26"  # of the manifests
SLOW = 500  # WCU of a table that takes seconds for a part


def check(logs):
    with Moto(logs) as moto:
        for recipe in (kubernetes, aws_batch, slurm, slurm_with_steps, spark):
            check_recipe(recipe, logs, moto)
        check_two_pods(logs, moto)
        check_missing_table(logs, moto)


def check_recipe(recipe, logs, moto):
    with folder() as path, Dynamodb() as dynamodb:
        place = Place(path, dynamodb.environment | moto.environment)
        parts, merge = recipe(place, logs)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda part: place.run(*part), parts))
        place.run(*merge)
        judge(dynamodb, logs, place.state / RUN / "merged.json")
        print(f"    {recipe.__name__}: {len(parts)} parts")


def check_two_pods(logs, moto):
    """The second pod of an index that is still running is refused, and the first is not disturbed."""
    with folder() as path, Dynamodb(SLOW) as dynamodb:
        place = Place(path, dynamodb.environment | moto.environment)
        command, variables = kubernetes(place, logs)[0][0]
        first = place.start(command, variables)
        wait_until((place.state / RUN / "0.checkpoint").exists, 30, "the first pod writes its checkpoint")
        second = place.start(command, variables)
        messages = second.communicate()[1], first.communicate()[1]
        codes = second.returncode, first.returncode
        expect(codes == (1, 0), f"two pods of one index end with {codes}: {messages}")
        print("    two live pods of one index: the second ends with 1")


def check_missing_table(logs, moto):
    """The code that no engine retries; the script for Slurm returns it instead of requeueing the task."""
    with folder() as path, Dynamodb() as dynamodb:
        place = Place(path, dynamodb.environment | moto.environment)
        for recipe in (kubernetes, aws_batch, slurm):
            command, variables = recipe(place, logs)[0][0]
            part = place.start(command, variables | {"TABLE": "no_such_table"})
            message = part.communicate()[1]
            expect(part.returncode == 4, f"{recipe.__name__}: a table that does not exist ends with {part.returncode}: {message}")
        print("    a table that does not exist: 4, which is not retried")


def container(name):
    """The command and the variables of the only container of a Kubernetes job, and the job."""
    job = next(document for document in documents(name) if document["kind"] == "Job")
    [only] = job["spec"]["template"]["spec"]["containers"]
    return only["command"] + only.get("args", []), {variable["name"]: variable["value"] for variable in only["env"]}, job["spec"]


def kubernetes(*_):
    command, variables, job = container("kubernetes-job.yaml")
    expect(variables["LOAD_PARTS"] == str(job["completions"]), "LOAD_PARTS must be the completions of the job")
    expect(variables["PARTS_AT_ONCE"] == str(job["parallelism"]), "PARTS_AT_ONCE must be the parallelism of the job")
    of_pod = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    parts = [
        (command, variables | of_pod | {"HOSTNAME": f"load-logfile-{index}", "JOB_COMPLETION_INDEX": str(index)})
        for index in range(job["completions"])]
    return parts, container("kubernetes-merge-job.yaml")[:2]


def batch_job(request):
    """The command and the variables of a job: those of its definition, with what the request overrides."""
    definition = load("batch-job-definition.json")["containerProperties"]
    overrides = load(request)["containerOverrides"]
    variables = {variable["name"]: variable["value"] for variable in definition["environment"] + overrides["environment"]}
    return overrides.get("command", definition["command"]), variables


def aws_batch(*_):
    command, variables = batch_job("batch-submit-job.json")
    size = load("batch-submit-job.json")["arrayProperties"]["size"]
    of_batch = {"AWS_BATCH_JOB_ARRAY_SIZE": str(size), "AWS_BATCH_JOB_ATTEMPT": "1", "AWS_BATCH_JQ_NAME": "load", "AWS_BATCH_CE_NAME": "fargate"}
    parts = [
        (command, variables | of_batch | {"AWS_BATCH_JOB_ID": f"0f1e2d3c:{index}", "AWS_BATCH_JOB_ARRAY_INDEX": str(index)})
        for index in range(size)]
    return parts, batch_job("batch-submit-merge.json")


def slurm(place, logs, step=1):
    first, last = map(int, re.search(r"#SBATCH --array=(\d+)-(\d+)$", (RECIPES / "load.sbatch").read_text(), re.MULTILINE).groups())
    ids = range(first, first + step * (last - first + 1), step)
    variables = {"TABLE": TABLE, "INPUT": str(logs.path), "RUN": str(place.state / RUN)}
    of_array = {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_COUNT": str(len(ids)), "SLURM_ARRAY_TASK_MIN": str(ids[0]),
                "SLURM_ARRAY_TASK_MAX": str(ids[-1]), "SLURM_ARRAY_TASK_STEP": str(step)}
    parts = [
        (["bash", str(RECIPES / "load.sbatch")],
         variables | of_array | {"SLURM_JOB_ID": str(8 + number), "SLURM_ARRAY_TASK_ID": str(number)})
        for number in ids]
    return parts, (["bash", str(RECIPES / "merge.sbatch")], variables | {"SLURM_JOB_ID": "99"})


def slurm_with_steps(place, logs):
    return slurm(place, logs, step=10)


def spark(place, logs):
    """Each part in a Python of its own, as in an executor."""
    program = "import sys; sys.path.insert(0, sys.argv[1]); import load_parts; load_parts."
    run, parts = str(place.state / RUN), 8
    call = "load_part(int(sys.argv[2]), 8, 4, *sys.argv[3:])"
    ends = [([sys.executable, "-c", f"{program}{call}", str(RECIPES), str(part), TABLE, str(logs.path), run], {}) for part in range(parts)]
    return ends, ([sys.executable, "-c", f"{program}merge(sys.argv[2])", str(RECIPES), run], {})
