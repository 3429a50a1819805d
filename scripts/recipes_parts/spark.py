"""A load as a job of Spark in a local cluster with two executors, with loaders killed, and the merge at its end."""

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

from support import RECIPES, TABLE, Dynamodb, clean, expect, folder, judge, kill, running_loaders

PARTS, KILLS = 8, 3
CAPACITY = 600  # WCU of the table, so that the parts take long enough to be killed
SECONDS = 300


def check(logs):
    submit = str(Path(sys.executable).parent / "spark-submit")
    with folder() as path, Dynamodb(CAPACITY) as dynamodb:
        run = path / "run"
        environment = clean({**dynamodb.environment, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"})
        command = [submit, "--master", "local-cluster[2,1,1024]", "--conf", "spark.speculation=false", shutil.copy(RECIPES / "load_parts.py", path)]
        command += [TABLE, str(logs.path), str(run), str(PARTS)]
        submit_and_wait(command, environment, path, run, KILLS)
        judge(dynamodb, logs, run / "merged.json")
        print(f"    {PARTS} parts: {KILLS} loaders killed: 0 lost, 0 stale")
        sent = dynamodb.requests()
        submit_and_wait(command, environment, path, run, kills=0)
        expect(dynamodb.requests() == sent > 0, f"the finished parts sent {dynamodb.requests() - sent} of {sent} requests when run again")
        print("    the same again: 0 requests")


def submit_and_wait(command, environment, path, run, kills):
    with open(path / "spark.log", "w") as log:
        job = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=path)
    deadline, killed = time.monotonic() + SECONDS, 0
    while job.poll() is None and time.monotonic() < deadline:
        if killed < kills and (loaders := running_loaders(run)):
            time.sleep(random.uniform(0.3, 1.5))
            killed += kill(random.choice(loaders))
        time.sleep(0.1)
    if job.poll() is None:
        job.terminate()
        job.wait()
    log = (path / "spark.log").read_text()[-2000:]
    expect(job.returncode == 0 and killed == kills, f"spark-submit ended with {job.returncode} after {killed} kills:\n{log}")
