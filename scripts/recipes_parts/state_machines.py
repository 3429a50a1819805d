"""The state machines in moto's Step Functions, which runs everything but the jobs: these run here, as AWS Batch and Amazon ECS would.

In each definition only the resource of the tasks is another one: moto hands them out through a queue, and a worker answers for them.
"""

import json
import random
import signal
from concurrent.futures import ThreadPoolExecutor

from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from manifests import batch_retries, load
from moto_server import Moto
from support import Dynamodb, Place, expect, folder, judge, wait_until

QUEUE = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/load"
CAPACITY = 600  # WCU of the table, so that a part takes long enough to be killed
KILLED = ("1/8", "6/8")
SECONDS = 120


def check(logs):
    with Moto(logs) as moto:
        for name in ("state-machine.json", "state-machine-ecs.json"):
            check_machine(name, moto, logs)


def check_machine(name, moto, logs):
    given = load("state-machine-input.json")
    with folder() as path, Dynamodb(CAPACITY) as dynamodb:
        place = Place(path, dynamodb.environment | moto.environment)
        worker = Worker(moto, place, kill=KILLED)
        worker.execute(name, given)
        judge(dynamodb, logs, place.state / given["run"] / "merged.json")
        attempts = dict(worker.attempts)
        expect(all(attempts.pop(part) == 2 for part in KILLED), f"{name}: {worker.attempts}: {KILLED} were killed once")
        expect(len(attempts) == given["parts"] - len(KILLED) and set(attempts.values()) == {1}, f"{name}: attempts {attempts}")
        print(f"    {name}: {given['parts']} parts, {len(KILLED)} of them killed and retried")

    with folder() as path, Dynamodb() as dynamodb:
        worker = Worker(moto, Place(path, dynamodb.environment | moto.environment))
        worker.execute(name, given | {"table": "no_such_table"})
        expect(set(worker.codes) == {4} and set(worker.attempts.values()) == {1},
               f"{name}: a table that does not exist must not be tried again: codes {worker.codes}, attempts {worker.attempts}")
        expect(worker.merge_code not in (0, None), f"{name}: the merge of failed parts ended with {worker.merge_code}")
        print(f"    {name}: a table that does not exist: no retries, and the merge ends with {worker.merge_code}")


def for_moto(value, queue):
    """The definition with tasks that moto hands out, and without long waits."""
    if isinstance(value, list):
        return [for_moto(element, queue) for element in value]
    if not isinstance(value, dict):
        return value
    value = {name: for_moto(element, queue) for name, element in value.items()}
    if value.get("Type") == "Task":
        body = {"token.$": "$$.Task.Token", "resource": value["Resource"], "request": value["Parameters"]}
        value |= {"Resource": QUEUE, "Parameters": {"QueueUrl": queue, "MessageBody": body}}
    if value.get("Type") == "Wait":
        value["Seconds"] = 1
    if "ToleratedFailurePercentage" in value:
        value["ToleratedFailurePercentage"] = float(value["ToleratedFailurePercentage"])  # moto's grammar has no whole numbers here
    return value


class Worker:
    """Runs the jobs of one execution."""

    def __init__(self, moto, place, kill=()):
        self.sqs, self.steps = moto.client("sqs"), moto.client("stepfunctions")
        self.queue = self.sqs.create_queue(QueueName=f"jobs-{random.randrange(1 << 32)}")["QueueUrl"]
        self.place, self.to_kill = place, set(kill)
        self.attempts, self.codes, self.merge_code = {}, [], None

    def execute(self, name, given):
        """Runs a state machine to its end. What moto says about that end proves nothing: the caller judges."""
        definition = json.dumps(for_moto(load(name), self.queue))
        machine = self.steps.create_state_machine(name=self.queue.rsplit("/", 1)[1], definition=definition, roleArn=ROLE)
        execution = self.steps.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps(given))["executionArn"]
        jobs = []
        with ThreadPoolExecutor(given["parts"]) as pool:
            wait_until(lambda: self.hand_out(pool, jobs) or self.has_ended(execution), SECONDS, f"{name}: the end of the execution")
        for job in jobs:
            job.result()

    def has_ended(self, execution):
        return self.steps.describe_execution(executionArn=execution)["status"] != "RUNNING"

    def hand_out(self, pool, jobs):
        received = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in received.get("Messages", []):
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            jobs.append(pool.submit(self.work, **json.loads(message["Body"])))
        for job in jobs:
            if job.done():
                job.result()

    def work(self, token, resource, request):
        code = self.batch(request) if ":batch:" in resource else self.ecs(request)
        if code == 0:
            self.steps.send_task_success(taskToken=token, output=json.dumps({"Status": "SUCCEEDED"}))
        else:
            cause = {"StopCode": "EssentialContainerExited", "Containers": [{"Name": "load", "ExitCode": code}]}
            # Not by SendTaskFailure, of which moto's server drops the cause.
            backend = stepfunctions_parser_backends[ACCOUNT]["us-east-1"]
            backend.send_task_failure(token, error="TaskFailed", cause=json.dumps(cause))

    def batch(self, request):
        definition = load("batch-job-definition.json")
        attempts = request.get("RetryStrategy", {}).get("Attempts", definition["retryStrategy"]["attempts"])
        properties, overrides = definition["containerProperties"], request["ContainerOverrides"]
        variables = {variable["name"]: variable["value"] for variable in properties["environment"]}
        for attempt in range(1, attempts + 1):
            of_batch = {"AWS_BATCH_JOB_ID": "0f1e2d3c", "AWS_BATCH_JOB_ATTEMPT": str(attempt), "AWS_BATCH_JQ_NAME": "load"}
            code = self.run(overrides.get("Command", properties["command"]), variables | of_batch | of(overrides))
            if code == 0 or not batch_retries(code):
                break
        return code

    def ecs(self, request):
        [definition], [overrides] = load("ecs-task-definition.json")["containerDefinitions"], request["Overrides"]["ContainerOverrides"]
        expect(definition["name"] == overrides["Name"], "the state machine overrides another container than the definition has")
        variables = {variable["name"]: variable["value"] for variable in definition["environment"]}
        return self.run(overrides.get("Command", definition["command"]), variables | {"AWS_EXECUTION_ENV": "AWS_ECS_FARGATE"} | of(overrides))

    def run(self, command, variables):
        """Runs a container's command once; the exit code is as a shell would have it."""
        process, part = self.place.start(command, variables), variables.get("PART")
        if part in self.to_kill:
            self.to_kill.remove(part)
            checkpoint = self.place.state / variables["RUN"] / f"{part.split('/')[0]}.checkpoint"
            wait_until(checkpoint.exists, 60, f"part {part} writes its checkpoint")
            process.send_signal(signal.SIGKILL)
        message = process.communicate()[1]
        code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        if part is None:
            self.merge_code = code
        else:
            self.attempts[part] = self.attempts.get(part, 0) + 1
            self.codes.append(code)
            if code not in (0, 4, 137):
                print(f"    part {part} ended with {code}: {message[-500:]}")
        return code


def of(overrides):
    return {variable["Name"]: variable["Value"] for variable in overrides["Environment"]}
