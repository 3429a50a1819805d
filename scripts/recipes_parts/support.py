"""What the checks of the recipes share: the input, the tables, and the commands that they run."""

import csv
import gzip
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager

import boto3

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RECIPES = ROOT / "docs" / "recipes"
TABLE = "logfile"
VOLUME, BUCKET, PREFIX = "/state", "amzn-s3-demo-bucket", "logs/"  # of the recipes
ANY_KEYS = {"aws_access_key_id": "local", "aws_secret_access_key": "local", "region_name": "us-east-1"}


class Failed(Exception):
    """A check has failed; the message says how."""


class Skipped(Exception):
    """A check cannot run on this machine; the message says why."""


def expect(condition, message):
    if not condition:
        raise Failed(message)


def wait_until(condition, seconds, what):
    """Calls `condition` until it returns something true, and returns that."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        expect(time.monotonic() < deadline, f"not after {seconds} s: {what}")
        time.sleep(0.1)
    return found


@contextmanager
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="recipes-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Logs:
    """Log files that go wrong where a load is cut into parts by lines: rows replace rows of the same key in earlier files, and quoted line
    breaks hide what looks like a row of another key. With what one load makes of them."""

    FILES = ("a.csv", "b.csv.gz", "c.csv")

    def __init__(self, path, rows):
        self.path, self.rows, self.keys = path, rows, rows * 9 // 10
        ids = [*range(1, self.keys + 1), *range(1, rows - self.keys + 1)]
        path.mkdir(parents=True)
        for number, name in enumerate(self.FILES):
            share = range(rows * number // len(self.FILES), rows * (number + 1) // len(self.FILES))
            opened = gzip.open if name.endswith(".gz") else open
            with opened(path / name, "wt", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(self.row(ids[position], position) for position in share)
        with Dynamodb() as dynamodb:
            run(["load_logfile", TABLE, str(path)], dynamodb.environment)
            self.items = dynamodb.items()
        expect(len(self.items) == self.keys, f"one load makes {len(self.items)} items of {self.keys} keys")

    def row(self, number, position):
        agent = f"agent {position}"
        if position % 97 == 0:
            agent += f"\n{(number + 50) % self.keys + 1},192.0.2.9,2026-05-05,9,GMT+0000,GET,/hidden,200,1,\n"
        return [number, f"192.0.2.{position % 250}", "2026-05-05", position % 24, "GMT+0000", "GET", f"/{position}", 200, position, agent]


class Dynamodb:
    """A local_dynamodb on a free port, with the lab's table."""

    def __init__(self, capacity=10_000):
        self.process = subprocess.Popen(["local_dynamodb", "--port", "0"], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]
        self.environment = {"AWS_ENDPOINT_URL_DYNAMODB": self.url}
        self.client = boto3.client("dynamodb", endpoint_url=self.url, **ANY_KEYS)
        run(["create_tables", TABLE], self.environment)
        for option in ("--capacity", "--index-capacity"):
            run(["create_tables", TABLE, option, f"{capacity}/{capacity}"], self.environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)

    def items(self):
        """All items of the table, by key."""
        names = [key["AttributeName"] for key in self.client.describe_table(TableName=TABLE)["Table"]["KeySchema"]]
        pages = self.client.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
        return {tuple(json.dumps(item[name]) for name in names): item for page in pages for item in page["Items"]}

    def requests(self):
        """How many BatchWriteItem requests the server has answered, throttled ones included."""
        with urllib.request.urlopen(f"{self.url}/metrics.json") as answer:
            metrics = json.load(answer)["Metrics"]
        return sum(
            point["SampleCount"] for metric in metrics if metric["MetricName"] in ("SuccessfulRequestLatency", "ThrottledRequests")
            if {"Name": "Operation", "Value": "BatchWriteItem"} in metric["Dimensions"] for point in metric["Datapoints"])


class Place:
    """A folder of this machine in which a recipe runs: what the recipe has in the folder /state of a volume is in `state` here."""

    def __init__(self, path, environment):
        self.state, self.bin, self.environment = path / "state", path / "bin", environment
        for made in (self.state, self.bin):
            made.mkdir(parents=True)
        for script in ("load-part", "merge-parts"):
            text = (RECIPES / script).read_text()
            expect(f"{VOLUME}/" in text, f"{script} does not use the volume {VOLUME}")
            (self.bin / script).write_text(text.replace(f"{VOLUME}/", f"{self.state}/"))
            (self.bin / script).chmod(0o755)

    def start(self, command, environment, **options):
        """Starts a command in the environment that an engine gives it, and in nothing else."""
        return subprocess.Popen(
            command, env=clean({**self.environment, **environment}, self.bin), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, **options)

    def run(self, command, environment):
        process = self.start(command, environment)
        message = process.communicate()[1]
        expect(process.returncode == 0, f"{command} ended with {process.returncode}:\n{message[-2000:]}")


def clean(environment, *folders):
    path = ":".join([*map(str, folders), os.environ["PATH"]])
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    fixed = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "PYTHONDONTWRITEBYTECODE": "1"}
    return {"PATH": path, **fixed, **kept, **environment}


def run(command, environment):
    """Runs a command in a clean environment to its end, which must be a good one."""
    done = subprocess.run(command, env=clean(environment), capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stderr[-2000:]}")


def judge(dynamodb, logs, merged):
    """By the table and the merged report, never by an engine's status."""
    items, expected = dynamodb.items(), logs.items
    lost = sum(key not in items for key in expected)
    stale = sum(key in items and items[key] != item for key, item in expected.items())
    extra = sum(key not in expected for key in items)
    expect(not (lost or stale or extra), f"of {len(expected)} items {lost} are lost, {stale} are stale, {extra} should not be there")
    report = json.loads(merged.read_text())
    rows = {name: report["rows"][name] for name in ("read", "written", "rejected", "not_written")}
    expect(report["exit_code"] == 0 and rows == {"read": logs.rows, "written": logs.rows, "rejected": 0, "not_written": 0},
           f"the merged report says exit code {report['exit_code']}, {rows} of {logs.rows} rows")


def running_loaders(run):
    """The processes of load_logfile that this load has on this machine."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if arguments[0].endswith(b"load_logfile") and any(str(run).encode() in argument for argument in arguments):
            found.append(int(process.name))
    return found


def kill(pid):
    """Whether there was something to kill."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
