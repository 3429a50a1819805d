"""What moto's S3 and botocore see of the loaders. scripts/check_import installs both and runs this in a temporary folder.

Every function whose name begins with check_ is a check; its docstring is printed.
"""

import gzip
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import boto3
import botocore.session
from botocore.validate import validate_parameters

BUCKET = "logs"
KEYS = {"aws_access_key_id": "local", "aws_secret_access_key": "local", "region_name": "us-east-1"}


def row(number, url="/index.html"):
    code = 500 if number % 7 == 0 else 200
    return f'{number},10.0.0.{number % 9},2026-11-26,{number % 24:02d},GMT,GET,"{url}?a=""{number}""",{code},{number * 10},agent\n'


def started(command, text):
    """The process, and the first line of its output with this text in it."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        if text in line:
            # A pipe that nobody reads would stop it.
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return process, line.split()[-1]
    raise AssertionError(f"{command} ended early")


class Lab:
    def __init__(self, moto_server):
        self.processes = []
        process, self.dynamodb_url = started(["local_dynamodb", "--port", "0", "--no-throttle"], "listening on")
        self.processes.append(process)
        process, self.s3_url = started([moto_server, "--port", "0"], "Running on")
        self.processes.append(process)
        self.s3 = boto3.client("s3", endpoint_url=self.s3_url, **KEYS)
        self.dynamodb = boto3.client("dynamodb", endpoint_url=self.dynamodb_url, **KEYS)
        self.s3.create_bucket(Bucket=BUCKET)
        self.environment = dict(
            os.environ,
            AWS_ENDPOINT_URL_S3=self.s3_url,
            AWS_ENDPOINT_URL_DYNAMODB=self.dynamodb_url,
            AWS_ACCESS_KEY_ID="local",
            AWS_SECRET_ACCESS_KEY="local",
            AWS_REGION="us-east-1",
        )

    def end(self):
        for process in self.processes:
            process.terminate()
            process.wait(timeout=60)

    def run(self, *command, code=0):
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == code, f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def table(self, name):
        self.run("create_tables", name)

    def items(self, table):
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table)
        return by_key(item for page in pages for item in page["Items"])


def by_key(items):
    return {item["PK"]["S"]: item for item in items}


def imported(objects):
    """The items in the objects; each line is one, and each key is there once."""
    lines = [json.loads(line) for packed in objects for line in gzip.decompress(packed).decode().splitlines()]
    assert all(list(line) == ["Item"] for line in lines)
    items = by_key(line["Item"] for line in lines)
    assert len(items) == len(lines), "a key is there twice"
    return items


def assert_valid(operation, request):
    model = botocore.session.get_session().get_service_model("dynamodb").operation_model(operation)
    assert not set(request) - set(model.input_shape.members), request
    validate_parameters(dict(request), model.input_shape)


def check_a_prefix_of_many_pages(lab):
    """1,203 objects below a prefix are listed in two pages and loaded."""
    lab.table("logfile")
    for number in range(1203):
        lab.s3.put_object(Bucket=BUCKET, Key=f"many/{number:04}.csv", Body=row(number))
    done = lab.run("load_logfile", "logfile", f"s3://{BUCKET}/many/")
    assert "RowCount: 1203," in done.stdout, done.stdout
    assert len(lab.items("logfile")) == 1203
    lab.run("create_tables", "logfile", "--delete", "--yes")


def check_an_object_that_is_replaced(lab):
    """S3 itself refuses the rest of an object that was replaced during the load (If-Match)."""
    lab.table("logfile")
    lab.s3.put_object(Bucket=BUCKET, Key="two/a.csv", Body="".join(map(row, range(3000))))
    lab.s3.put_object(Bucket=BUCKET, Key="two/b.csv", Body=row(1))
    command = ["load_logfile", "logfile", f"s3://{BUCKET}/two/", "--max-wcu", "500", "--in-flight", "1"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, env=lab.environment, **pipes)
    # It has not read all of the first object yet, and the second one only once it is its turn.
    assert process.stdout.readline().startswith("row: 100 in ")
    lab.s3.put_object(Bucket=BUCKET, Key="two/b.csv", Body=row(2))
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1, stderr
    assert "two/b.csv: the object has changed since the load began: " in stderr and "PreconditionFailed" in stderr, stderr
    lab.run("create_tables", "logfile", "--delete", "--yes")


def check_errors(lab):
    """Buckets and objects that are not there are called that."""
    for url, text in [
        (f"s3://{BUCKET}/none.csv", "there is no such object: The specified key does not exist. (NoSuchKey)"),
        ("s3://other-bucket/a.csv", "there is no bucket other-bucket: The specified bucket does not exist (NoSuchBucket)"),
        ("s3://other-bucket/a/", "there is no bucket other-bucket: "),
        (f"s3://{BUCKET}/none/", "there is no object with this prefix"),
    ]:
        done = lab.run("load_logfile", "logfile", url, code=1)
        assert f"{url}: {text}" in done.stderr, done.stderr


def check_import_files(lab):
    """For each of the workshop's tables, import files hold what a load writes, and botocore accepts the requests."""
    # Each id twice, the second time with another URL.
    log = "".join(map(row, range(1, 1001))) + "".join(row(number, "/new") for number in range(1, 1001))
    pathlib.Path("log.csv").write_text(log)
    for table, loader, options in [
        ("logfile", "load_logfile", []),
        ("logfile_scan", "load_logfile_parallel", ["--copies", "2", "--threads", "3"]),
        ("logfile_gsi_low", "load_logfile_parallel", ["--copies", "2", "--threads", "3"]),
    ]:
        lab.table(table)
        load = [loader, table, "log.csv", *options]
        lab.run(*load)
        expected = lab.items(table)
        folder, prefix = pathlib.Path(f"out_{table}"), f"import/{table}/"
        lab.run(*load, "--write-import", str(folder))
        assert imported(path.read_bytes() for path in sorted(folder.glob("part-*.json.gz"))) == expected, table
        lab.run(*load, "--write-import", f"s3://{BUCKET}/{prefix}")
        keys = [found["Key"] for found in lab.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]]
        body = lambda key: lab.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        assert imported(body(key) for key in keys if key.startswith(f"{prefix}part-")) == expected, table
        for name, operation in [("import-table.json", "ImportTable"), ("start-bulk-put-items.json", "StartBulkPutItems")]:
            assert_valid(operation, json.loads((folder / name).read_text()))
            assert_valid(operation, json.loads(body(prefix + name)))
        request = json.loads(body(prefix + "import-table.json"))
        found = lab.s3.list_objects_v2(Bucket=BUCKET, Prefix=request["S3BucketSource"]["S3KeyPrefix"])["Contents"]
        assert len(found) == len(keys) - 2, "an import would read the requests, too"


def main():
    lab = Lab(sys.argv[1])
    failed = 0
    try:
        for name, check in [(name, check) for name, check in globals().items() if name.startswith("check_")]:
            start = time.monotonic()
            try:
                check(lab)
                print(f"{check.__doc__}  ok, {time.monotonic() - start:.1f} s", flush=True)
            except Exception as error:
                failed += 1
                print(f"{check.__doc__}  FAILED: {type(error).__name__}: {error}", flush=True)
    finally:
        lab.end()
    print(f"check_import: {'FAILED' if failed else 'ok'}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
