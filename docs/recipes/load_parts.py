"""Loads the parts of a log as tasks of a Spark job, then merges their reports.

spark-submit load_parts.py TABLE INPUT RUN PARTS

RUN is a folder that all executors and the driver see.
"""

import subprocess
import sys

FINAL = (0, 2, 3, 4)  # exit codes after which the same command would end in the same way


def load_part(part, parts, parts_at_once, table, source, run):
    code = subprocess.run(
        ["load_logfile", table, source, "--part", f"{part}/{parts}", "--parts-at-once", str(parts_at_once),
         "--max-wcu", "80%", "--checkpoint", f"{run}/{{part}}.checkpoint", "--report", f"{run}/reports/{{part}}.json",
         "--rejects", f"{run}/rejects/{{part}}.csv", "--rejects-ok"],
        stdout=subprocess.DEVNULL, check=False).returncode
    if code not in FINAL:
        raise RuntimeError(f"part {part} ended with {code}")  # Spark runs the task again
    return part, code


def merge(run):
    return subprocess.run(
        ["load_logfile", "--merge-reports", f"{run}/reports", "--report", f"{run}/merged.json"], check=False).returncode


def main():
    from pyspark import SparkConf, SparkContext  # only the driver's Python needs it by name

    table, source, run, parts = *sys.argv[1:4], int(sys.argv[4])
    conf = SparkConf().setAppName("load-logfile")
    conf.set("spark.speculation", "false")  # never two copies of a task on purpose
    conf.set("spark.task.maxFailures", "6")
    with SparkContext(conf=conf) as spark:
        at_once = min(parts, spark.defaultParallelism)
        ends = spark.parallelize(range(parts), parts).map(
            lambda part: load_part(part, parts, at_once, table, source, run)).collect()
    for part, code in ends:
        if code != 0:
            print(f"part {part} ended with {code}", file=sys.stderr)
    sys.exit(merge(run))


if __name__ == "__main__":
    main()
