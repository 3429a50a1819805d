"""The auto-scaling lesson. scripts/lesson_auto_scaling installs the AWS CLI, builds the programs and runs this.

local_dynamodb, create_tables, load_logfile_parallel and aws are on PATH; ./data has the log files. Ends with an error if the lesson does not
come out.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
import urllib.request

import boto3

TABLE = "logfile"
INDEX = "GSI_1"
COPIES = 3
ROWS = COPIES * 4000
WCU, MIN, MAX, TARGET = 5, 5, 200, 70
PATIENCE = 600  # seconds of this machine


class Server:
    """A local_dynamodb on a free port; commands find it by AWS_ENDPOINT_URL."""

    def __init__(self, speed):
        command = ["local_dynamodb", "--port", "0", "--speed", str(speed)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]
        os.environ.update(
            AWS_ENDPOINT_URL=self.url, AWS_REGION="us-east-1", AWS_DEFAULT_REGION="us-east-1", AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local", AWS_PAGER="",
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)

    def metrics(self):
        with urllib.request.urlopen(f"{self.url}/metrics.json") as answer:
            return json.load(answer)

    def clock(self):
        return self.metrics()["Clock"]["Seconds"]

    def points(self, metric, *dimensions):
        """(minute of the server's clock in seconds, sum) of a metric."""
        for series in self.metrics()["Metrics"]:
            if series["MetricName"] == metric and [each["Value"] for each in series["Dimensions"]] == list(dimensions):
                return [(point["Timestamp"], point["Sum"]) for point in series["Datapoints"]]
        return []

    def total(self, metric, *dimensions):
        return sum(value for _, value in self.points(metric, *dimensions))

    def wait(self, what, condition):
        end = time.monotonic() + PATIENCE
        while not (result := condition()):
            assert time.monotonic() < end, f"it does not happen: {what}"
            time.sleep(0.05)
        return result

    def wait_minutes(self, minutes):
        end = self.clock() + 60 * minutes
        self.wait(f"{minutes} minutes pass", lambda: self.clock() >= end)


def run(*command, show=True):
    if show:
        print("$", shlex.join(command))
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode != 0:
        sys.exit(f"{shlex.join(command)} ended with exit code {ran.returncode}:\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def aws(*arguments, show=True):
    printed = run("aws", *arguments, show=show)
    return json.loads(printed) if printed.strip() else None


def scale(resource, kind):
    """Auto scaling of the write capacity of a table or an index, as in the DynamoDB Developer Guide."""
    target = ["--service-namespace", "dynamodb", "--resource-id", resource, "--scalable-dimension", f"dynamodb:{kind}:WriteCapacityUnits"]
    aws("application-autoscaling", "register-scalable-target", *target, "--min-capacity", str(MIN), "--max-capacity", str(MAX))
    tracking = {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"},
        "TargetValue": TARGET,
    }
    policy = aws(
        "application-autoscaling", "put-scaling-policy", *target, "--policy-name", f"{TARGET}-percent", "--policy-type",
        "TargetTrackingScaling", "--target-tracking-scaling-policy-configuration", json.dumps(tracking),
    )
    assert len(policy["Alarms"]) == 4, policy
    return policy


def wcu():
    """Provisioned write capacity: the table's and the index's."""
    table = aws("dynamodb", "describe-table", "--table-name", TABLE, show=False)["Table"]
    index = table["GlobalSecondaryIndexes"][0]
    return [each["ProvisionedThroughput"]["WriteCapacityUnits"] for each in (table, index)]


def activities():
    answer = aws("application-autoscaling", "describe-scaling-activities", "--service-namespace", "dynamodb", show=False)
    return answer["ScalingActivities"]


def load(server):
    """The load: what the server counted for it."""
    start = server.clock()
    run("load_logfile_parallel", TABLE, "--copies", str(COPIES))
    end = server.clock()
    units = server.total("ConsumedWriteCapacityUnits", TABLE)
    assert units == ROWS, f"{units} WCU consumed for {ROWS} rows"
    provisioned = [value for _, value in server.points("ProvisionedWriteCapacityUnits", TABLE)]
    return {
        "minutes": (end - start) / 60,
        "events": server.total("WriteThrottleEvents", TABLE) + server.total("WriteThrottleEvents", TABLE, INDEX),
        "requests": server.total("ThrottledRequests", TABLE, "BatchWriteItem"),
        "wcu hours": sum(provisioned) / 60,
        "most": max([*provisioned, wcu()[0]]),
    }


def without(speed):
    print("\n1. Auto scaling off")
    with Server(speed) as server:
        run("create_tables", TABLE)
        result = load(server)
        assert wcu() == [WCU, WCU]
    return result


def with_scaling(speed, keep):
    print("\n2. Auto scaling on, for the table and its index")
    with Server(speed) as server:
        run("create_tables", TABLE)
        policies = [scale(f"table/{TABLE}", "table"), scale(f"table/{TABLE}/index/{INDEX}", "index")]
        result = load(server)
        steps = list(reversed(activities()))
        for step in steps:
            print(f"    {step['ResourceId']}: {step['Description']} {step['StatusCode']}")
            assert step["StatusCode"] in ("Successful", "InProgress"), step
            assert "-AlarmHigh-" in step["Cause"], step
        assert {step["ResourceId"] for step in steps} == {f"table/{TABLE}", f"table/{TABLE}/index/{INDEX}"}, steps
        high = policies[0]["Alarms"][0]["AlarmName"]
        history = aws("cloudwatch", "describe-alarm-history", "--alarm-name", high, "--history-item-type", "StateUpdate")
        assert any("to ALARM" in item["HistorySummary"] for item in history["AlarmHistoryItems"]), history

        print("\n3. Nothing is written for twenty minutes")
        before = wcu()
        server.wait_minutes(20)
        assert wcu() == before, (before, wcu())
        print(f"    {before[0]} WCU as before: without data an alarm keeps its state, and nothing is scaled in")

        print("\n4. An item a minute, or more")
        # Not by the AWS CLI, which takes longer than a minute of this clock to start.
        dynamodb = boto3.client("dynamodb")
        start = server.clock()

        def pulse():
            dynamodb.put_item(TableName=TABLE, Item={"PK": {"S": "pulse"}, "GSI_1_PK": {"S": "pulse"}})
            table = dynamodb.describe_table(TableName=TABLE)["Table"]
            return table["ProvisionedThroughput"]["WriteCapacityUnits"] == MIN

        server.wait("the capacity goes back to the minimum", pulse)
        minutes = (server.clock() - start) / 60
        print(f"    {before[0]} -> {MIN} WCU after {minutes:.0f} minutes: fifteen below the target, and UpdateTable")
        assert minutes >= 14, minutes
        assert any("-AlarmLow-" in step["Cause"] for step in activities())
        if keep:
            print(f"\nThe monitor page: {server.url}/ . Enter or Ctrl-C ends it.")
            sys.stdin.readline()
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--speed", type=int, default=60)
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    off = without(arguments.speed)
    on = with_scaling(arguments.speed, arguments.keep)
    print(f"\n{'':<34}{'OFF':>10}{'ON':>10}")
    for name, key in [
        ("minutes of the server's clock", "minutes"), ("write throttle events", "events"), ("throttled requests", "requests"),
        ("most WCU of the table", "most"), ("WCU hours of the table, to pay", "wcu hours"),
    ]:
        print(f"{name:<34}{off[key]:>10.1f}{on[key]:>10.1f}")
    assert on["minutes"] < 0.7 * off["minutes"], "auto scaling makes the load no faster"
    assert on["most"] > 2 * WCU, "auto scaling did not scale out"
    print("\nThe same rows, the same table: with auto scaling they are there sooner.")


if __name__ == "__main__":
    main()
