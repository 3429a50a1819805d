"""The manifests of the recipes against the schemas of their engines, and the exit codes that they act on."""

import fnmatch
import json

import botocore.session
import kubernetes_validate
import yaml
from botocore.validate import ParamValidator
from statelint.linter import Linter

from support import RECIPES, expect

KUBERNETES = "1.33"
REQUESTS = {
    "batch-job-definition.json": ("batch", "RegisterJobDefinition"),
    "batch-submit-job.json": ("batch", "SubmitJob"),
    "batch-submit-merge.json": ("batch", "SubmitJob"),
    "ecs-task-definition.json": ("ecs", "RegisterTaskDefinition"),
}
STATE_MACHINES = ("state-machine.json", "state-machine-ecs.json")
USELESS_TO_RETRY = (2, 3, 4)
WORTH_A_RETRY = (1, 130, 137, 143)


def load(name):
    return json.loads((RECIPES / name).read_text())


def documents(name):
    return list(yaml.safe_load_all((RECIPES / name).read_text()))


def check():
    for name in sorted(path.name for path in RECIPES.glob("*.yaml")):
        for document in documents(name):
            kubernetes_validate.validate(document, KUBERNETES, strict=True)
    session = botocore.session.get_session()
    for name, (service, operation) in REQUESTS.items():
        shape = session.get_service_model(service).operation_model(operation).input_shape
        errors = ParamValidator().validate(load(name), shape)
        expect(not errors.has_errors(), f"{name}: {errors.generate_report()}")
        expect(set(load(name)) >= set(shape.required_members), f"{name} lacks {shape.required_members}")
    for name in STATE_MACHINES:
        problems = Linter().validate(load(name))
        expect(not problems, f"{name}: {problems}")
    check_exit_codes()
    check_pages()
    print(f"    {len(list(RECIPES.glob('*.yaml')))} manifests of Kubernetes {KUBERNETES}, {len(REQUESTS)} requests of AWS, "
          f"{len(STATE_MACHINES)} state machines")


def check_pages():
    """The pages quote the files as they are."""
    pages = "".join(page.read_text() for page in RECIPES.glob("*.md"))
    for file in RECIPES.iterdir():
        if file.suffix != ".md" and file.is_file():
            expect(f"\n{file.read_text().rstrip()}\n```" in pages, f"no page of docs/recipes quotes {file.name} as it is")


def check_exit_codes():
    for code in USELESS_TO_RETRY + WORTH_A_RETRY:
        retried = code in WORTH_A_RETRY
        expect(batch_retries(code) is retried, f"batch-job-definition.json: what happens after exit code {code}?")
        expect(kubernetes_retries(code) is retried, f"kubernetes-job.yaml: what happens after exit code {code}?")


def batch_retries(code, reason="Essential container in task exited"):
    """What AWS Batch does: the first condition that matches decides; without any it retries."""
    for condition in load("batch-job-definition.json")["retryStrategy"]["evaluateOnExit"]:
        matches = (fnmatch.fnmatchcase(str(code), condition.get("onExitCode", "*")),
                   fnmatch.fnmatchcase(reason, condition.get("onReason", "*")))
        if all(matches):
            return condition["action"] == "RETRY"
    return True


def kubernetes_retries(code):
    """What the job controller does: the first rule that matches decides; without any the index is retried."""
    job = next(document for document in documents("kubernetes-job.yaml") if document["kind"] == "Job")
    for rule in job["spec"]["podFailurePolicy"]["rules"]:
        on = rule.get("onExitCodes")
        if on and (code in on["values"]) == (on["operator"] == "In"):
            return rule["action"] not in ("FailIndex", "FailJob")
    return True
