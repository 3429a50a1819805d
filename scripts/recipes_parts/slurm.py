"""A load as an array of eight tasks of a real Slurm on this machine, with tasks killed and requeued, and the merge that depends on it."""

import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager

from support import RECIPES, TABLE, Dynamodb, Skipped, clean, expect, folder, judge, kill, running_loaders, wait_until

TASKS = 8
KILLS, REQUEUES = 4, 2
CAPACITY = 1_000  # WCU of the table, so that the tasks take long enough to be killed
SECONDS = 180

CONFIGURATION = """
ClusterName=recipes
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthInfo=socket={path}/munge.socket
StateSaveLocation={path}/controller
SlurmdSpoolDir={path}/node
SlurmctldPidFile={path}/slurmctld.pid
SlurmdPidFile={path}/slurmd.pid
SlurmctldLogFile={path}/slurmctld.log
SlurmdLogFile={path}/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SchedulerParameters=sched_interval=1,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
KillWait=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={tasks} RealMemory={memory} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES State=UP
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def daemon(name, *arguments):
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin"), *arguments


@contextmanager
def cluster(path):
    """A Slurm of one node, which believes to have a processor for each task. Yields the environment for its commands."""
    for name in ("controller", "node"):
        (path / name).mkdir()
    (path / "munge.key").write_bytes(os.urandom(1024))
    (path / "munge.key").chmod(0o600)
    path.chmod(0o711)  # munged insists
    configuration = CONFIGURATION.format(
        host=socket.gethostname().split(".")[0], path=path, controller=free_port(), node=free_port(), tasks=TASKS, memory=TASKS * 1024)
    (path / "slurm.conf").write_text(configuration)
    environment = {**os.environ, "SLURM_CONF": str(path / "slurm.conf")}
    munge = {name: path / f"munge.{name}" for name in ("key", "socket", "pid", "log", "seed")}
    names = {"key": "--key-file", "socket": "--socket", "pid": "--pid-file", "log": "--log-file", "seed": "--seed-file"}
    try:
        subprocess.run(daemon("munged", "--force", *(f"{names[name]}={file}" for name, file in munge.items())), check=True)
        subprocess.run(daemon("slurmctld", "-c"), env=environment, check=True)
        subprocess.run(daemon("slurmd"), env=environment, check=True)
        wait_until(lambda: "idle" in output(["sinfo", "-h", "-o", "%T"], environment), 30, "the node of Slurm is idle")
        yield environment
    finally:
        for name in ("slurmd", "slurmctld", "munge"):
            stop(path / f"{name}.pid")


def stop(pid_file):
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), 30, f"{pid_file.stem} has ended")


def output(command, environment):
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout


def check(logs):
    if os.geteuid() != 0:
        raise Skipped("the Slurm of this check is run by root")
    with folder() as path, cluster(path) as of_slurm, Dynamodb(CAPACITY) as dynamodb:
        recipe, run = path / "recipe", path / "run"
        recipe.mkdir()
        for name in ("load.sbatch", "merge.sbatch", "submit-load"):
            shutil.copy(RECIPES / name, recipe)
        environment = clean({**dynamodb.environment, "SLURM_CONF": of_slurm["SLURM_CONF"]})
        submit = [str(recipe / "submit-load"), TABLE, str(logs.path), str(run)]
        job = subprocess.Popen(submit, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        killed, requeued = disturb(job, run, environment)
        ended(job, recipe, "the load")
        judge(dynamodb, logs, run / "merged.json")
        print(f"    {TASKS} tasks: {killed} loaders killed, {requeued} tasks requeued by Slurm: 0 lost, 0 stale")

        reports = read_reports(run)
        sent = dynamodb.requests()
        expect(sent > 0, "local_dynamodb counts no requests")
        again = subprocess.Popen(submit, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        ended(again, recipe, "the finished load, run again")
        expect(dynamodb.requests() == sent, f"the finished parts sent {dynamodb.requests() - sent} requests when run again")
        expect(read_reports(run) == reports, "a finished part, run again, wrote another report")
        print("    the same again: 0 requests, the same reports")


def ended(job, recipe, what):
    try:
        message = job.communicate(timeout=SECONDS)[1]
    except subprocess.TimeoutExpired:
        job.kill()
        job.wait()
        message = f"not after {SECONDS} s"
    logs = "".join(f"\n{log.name}: {log.read_text()[-500:]}" for log in sorted(recipe.glob("*.log")))
    expect(job.returncode == 0, f"{what} ended with {job.returncode}: {message}{logs}")


def read_reports(run):
    return {report.name: json.loads(report.read_text()) for report in (run / "reports").iterdir()}


def disturb(job, run, environment):
    """Kills loaders and requeues tasks at random, and does not let the requeued ones wait for the two minutes that Slurm makes them."""
    killed = requeued = 0
    while (killed < KILLS or requeued < REQUEUES) and job.poll() is None:
        start_requeued(environment)
        loaders = running_loaders(run)
        if killed < KILLS and loaders:
            killed += kill(random.choice(loaders))
        tasks = output(["squeue", "-h", "-r", "-t", "R", "-n", "load-logfile", "-o", "%A"], environment).split()
        if requeued < REQUEUES and tasks:
            requeued += subprocess.run(["scontrol", "requeue", random.choice(tasks)], env=environment, check=False).returncode == 0
        time.sleep(random.uniform(0.3, 1.0))
    wait_until(lambda: start_requeued(environment) or job.poll() is not None, SECONDS, "all tasks and the merge have ended")
    expect(killed == KILLS and requeued == REQUEUES, f"only {killed} loaders were killed and {requeued} tasks requeued")
    return killed, requeued


def start_requeued(environment):
    for line in output(["squeue", "-h", "-r", "-t", "PD", "-o", "%A %r"], environment).splitlines():
        number, reason = line.split(maxsplit=1)
        if reason == "BeginTime":
            output(["scontrol", "update", f"JobId={number}", "StartTime=now"], environment)
