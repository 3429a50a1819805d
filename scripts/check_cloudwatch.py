"""Runs loads on local_dynamodb and reads its metrics with boto3 and the AWS CLI.

Usage: check_cloudwatch.py AWS, where AWS is the path of the AWS CLI. local_dynamodb, create_tables and load_logfile are on
PATH, ./data has the log files. Ends with an error at the first difference to the server's own counters.
"""

import collections
import datetime
import json
import os
import subprocess
import sys
import time
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
import botocore.model

SPEED = 60
PROTOCOLS = ["json", "smithy-rpc-v2-cbor", "query"]
STATISTICS = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]
DAY = datetime.timedelta(days=1)
MINUTE = datetime.timedelta(minutes=1)


def main(aws):
    server = subprocess.Popen(
        ["local_dynamodb", "--port", "0", "--speed", str(SPEED)], stdout=subprocess.PIPE, text=True
    )
    try:
        url = server.stdout.readline().split()[-1]
        os.environ.update(
            AWS_ENDPOINT_URL=url, AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local", AWS_DEFAULT_REGION="us-east-1"
        )
        load()
        own = counters(url)
        for protocol in PROTOCOLS:
            cloudwatch = client(protocol)
            series = check_list(cloudwatch, own)
            check_statistics(cloudwatch, own, series)
            check_data(cloudwatch, own, series)
            check_errors(cloudwatch)
            check_fast_clock(cloudwatch)
            check_alarms(cloudwatch)
            print(f"boto3 {boto3.__version__}, {protocol}: {len(series)} metrics are equal")
        check_cli(aws, own)
    finally:
        server.terminate()
        server.wait(timeout=30)


def load():
    """A load that takes more than its table has, a read, and a request that is refused."""
    for command in (
        ["create_tables", "logfile"],
        ["load_logfile", "--quiet", "logfile", "./data/logfile_small1.csv"],
        ["load_logfile", "--quiet", "logfile", "./data/logfile_medium1.csv"],
    ):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    dynamodb = boto3.client("dynamodb", config=botocore.config.Config(retries={"total_max_attempts": 1}))
    dynamodb.scan(TableName="logfile")
    # A loader slows down before a whole request is refused; this does not.
    dynamodb.create_table(
        TableName="small",
        AttributeDefinitions=[{"AttributeName": "PK", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    dynamodb.get_waiter("table_exists").wait(TableName="small", WaiterConfig={"Delay": 1})
    try:
        for n in range(50):
            dynamodb.put_item(TableName="small", Item={"PK": {"S": str(n)}, "x": {"S": 250_000 * "x"}})
    except dynamodb.exceptions.ProvisionedThroughputExceededException:
        return
    raise AssertionError("50 items of 250 KB got into a table of 1 WCU")


def counters(url):
    """What the server counted, by (namespace, metric, dimensions) and time: the minutes that are over, among them the
    one in which the load ended."""
    ended = None
    while True:
        with urllib.request.urlopen(url + "/metrics.json") as answer:
            metrics = json.load(answer)
        now = parse(metrics["Clock"]["Now"])
        ended = ended or now
        if now >= ended + MINUTE:
            break
        time.sleep(0.05)
    own = {}
    for series in metrics["Metrics"]:
        points = {parse(point["Timestamp"]): point for point in series["Datapoints"]}
        points = {at: point for at, point in points.items() if at + MINUTE <= now}
        if points:
            own[key(series)] = {"Unit": series["Unit"], "Points": points}
    return own


def parse(at):
    """Version 1 of the AWS CLI shows times as they come: in JSON, as seconds."""
    if isinstance(at, (int, float)):
        return datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
    return datetime.datetime.fromisoformat(at.replace("Z", "+00:00"))


def key(metric):
    dimensions = tuple(sorted((each["Name"], each["Value"]) for each in metric["Dimensions"]))
    return metric["Namespace"], metric["MetricName"], dimensions


def span(own):
    """A day that has all that was counted: the server's clock is ahead of the wall's."""
    first = min(at for series in own.values() for at in series["Points"])
    last = max(at for series in own.values() for at in series["Points"])
    assert last - first < DAY - MINUTE, "the load took more than a day of the server's clock"
    return {"StartTime": first, "EndTime": last + MINUTE}


def client(protocol):
    """botocore prefers JSON; with one protocol left it speaks that."""
    botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS = (protocol,)
    cloudwatch = boto3.client("cloudwatch")
    assert cloudwatch.meta.service_model.resolved_protocol == protocol
    return cloudwatch


def check_list(cloudwatch, own):
    pages = cloudwatch.get_paginator("list_metrics").paginate()
    listed = {key(metric): metric for page in pages for metric in page["Metrics"]}
    missing = set(own) - set(listed)
    assert not missing, f"ListMetrics lacks {missing}"
    names = {name for _, name, _ in own}
    for name in ("ConsumedWriteCapacityUnits", "WriteThrottleEvents", "ThrottledRequests", "SuccessfulRequestLatency"):
        assert name in names, f"the load left no {name}"
    of_index = cloudwatch.list_metrics(
        Namespace="AWS/DynamoDB", Dimensions=[{"Name": "GlobalSecondaryIndexName", "Value": "GSI_1"}]
    )
    names = {metric["MetricName"] for metric in of_index["Metrics"]}
    assert "ConsumedWriteCapacityUnits" in names and "WriteThrottleEvents" not in names, names
    return {identity: listed[identity] for identity in own}


def check_statistics(cloudwatch, own, series):
    for identity, metric in series.items():
        answer = cloudwatch.get_metric_statistics(**metric, **span(own), Period=60, Statistics=STATISTICS)
        expected = [
            {
                "Timestamp": at,
                "SampleCount": float(point["SampleCount"]),
                "Average": point["Sum"] / point["SampleCount"],
                "Sum": point["Sum"],
                "Minimum": point["Minimum"],
                "Maximum": point["Maximum"],
                "Unit": own[identity]["Unit"],
            }
            for at, point in own[identity]["Points"].items()
        ]
        assert answer["Label"] == metric["MetricName"]
        assert answer["Datapoints"] == expected, f"{identity}: {answer['Datapoints']} is not {expected}"
        # All of it in one period.
        whole = cloudwatch.get_metric_statistics(**metric, **span(own), Period=86_400, Statistics=["Sum"])
        total = sum(point["Sum"] for point in expected)
        assert abs(whole["Datapoints"][0]["Sum"] - total) <= 1e-9 * total, (identity, whole, total)


def check_data(cloudwatch, own, series):
    queries = [
        {"Id": f"m{n}", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
        for n, metric in enumerate(series.values())
    ]
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, **span(own), ScanBy="TimestampAscending", PaginationConfig={"PageSize": 7}
    )
    found, codes, count = collections.defaultdict(dict), {}, 0
    for page in pages:
        count += 1
        for result in page["MetricDataResults"]:
            found[result["Id"]].update(zip(result["Timestamps"], result["Values"]))
            codes[result["Id"]] = result["StatusCode"]
    assert count > 1 and set(codes.values()) == {"Complete"}, (count, codes)
    for n, identity in enumerate(series):
        expected = {at: point["Sum"] for at, point in own[identity]["Points"].items()}
        assert found[f"m{n}"] == expected, f"{identity}: {found[f'm{n}']} is not {expected}"


def check_errors(cloudwatch):
    now = datetime.datetime.now(datetime.timezone.utc)
    metric = {"Namespace": "AWS/DynamoDB", "MetricName": "WriteThrottleEvents"}
    recent = {"StartTime": now - MINUTE, "EndTime": now}
    fails(
        lambda: cloudwatch.get_metric_statistics(**metric, StartTime=now - 14 * DAY, EndTime=now, Period=60, Statistics=["Sum"]),
        "InvalidParameterCombination",
        "You have requested up to 20,160 datapoints",
        cloudwatch.exceptions.InvalidParameterCombinationException,
    )
    fails(
        lambda: cloudwatch.get_metric_statistics(**metric, **recent, Period=60),
        "InvalidParameterCombination",
        "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
    )
    fails(
        lambda: cloudwatch.get_metric_statistics(**metric, **recent, Period=61, Statistics=["Sum"]),
        "InvalidParameterValue",
        "The parameter Period must be a multiple of 60",
        cloudwatch.exceptions.InvalidParameterValueException,
    )
    fails(
        lambda: cloudwatch.get_metric_data(MetricDataQueries=[{"Id": "e", "Expression": "1"}], **recent),
        "ValidationError",
        "The parameter MetricDataQueries.member.1.Expression is not supported",
    )
    fails(
        lambda: cloudwatch.put_metric_data(Namespace="mine", MetricData=[{"MetricName": "m", "Value": 1}]),
        "InvalidAction",
        "The action PutMetricData is not valid",
    )


def fails(call, code, message, kind=botocore.exceptions.ClientError, status=400):
    try:
        call()
    except kind as error:
        told = error.response["Error"]
        assert told["Code"] == code and told["Message"].startswith(message), told
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status, error.response
    else:
        raise AssertionError(f"{code} was expected")


def check_fast_clock(cloudwatch):
    """Who asks for the wall's time is told that the server's clock is ahead of it."""
    now = datetime.datetime.now(datetime.timezone.utc)
    metric = {"Namespace": "AWS/DynamoDB", "MetricName": "WriteThrottleEvents"}
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    answer = cloudwatch.get_metric_data(MetricDataQueries=[query], StartTime=now - DAY, EndTime=now)
    [message] = answer["Messages"]
    assert message["Code"] == "ServerClock" and "60 times as fast" in message["Value"], message


ALARM = {
    "AlarmName": "throttled",
    "AlarmDescription": "<&> ü",
    "ActionsEnabled": False,
    "AlarmActions": ["arn:aws:sns:us-east-1:000000000000:topic"],
    "OKActions": [],
    "InsufficientDataActions": [],
    "Namespace": "AWS/DynamoDB",
    "MetricName": "WriteThrottleEvents",
    "Dimensions": [{"Name": "TableName", "Value": "small"}],
    "Statistic": "Sum",
    "Period": 60,
    "Unit": "Count",
    "EvaluationPeriods": 2,
    "DatapointsToAlarm": 1,
    "Threshold": 0.5,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}


def check_alarms(cloudwatch):
    """An alarm is what it was put as, goes through its states, and is gone when it is deleted."""
    cloudwatch.put_metric_alarm(**ALARM)
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["throttled"])["MetricAlarms"]
    assert {name: alarm[name] for name in ALARM} == ALARM, alarm
    assert alarm["AlarmArn"] == "arn:aws:cloudwatch:us-east-1:000000000000:alarm:throttled", alarm
    assert isinstance(alarm["StateUpdatedTimestamp"], datetime.datetime), alarm
    (same,) = cloudwatch.describe_alarms_for_metric(**{name: ALARM[name] for name in ("Namespace", "MetricName", "Dimensions")})["MetricAlarms"]
    assert same["AlarmName"] == "throttled", same
    cloudwatch.enable_alarm_actions(AlarmNames=["throttled"])
    cloudwatch.set_alarm_state(AlarmName="throttled", StateValue="ALARM", StateReason="a drill", StateReasonData='{"drill": true}')
    (item,) = cloudwatch.describe_alarm_history(AlarmName="throttled", HistoryItemType="StateUpdate", MaxRecords=1)["AlarmHistoryItems"]
    assert (item["AlarmType"], item["HistorySummary"][-8:]) == ("MetricAlarm", "to ALARM"), item
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix="thr", PaginationConfig={"PageSize": 1})
    assert [page["MetricAlarms"][0]["ActionsEnabled"] for page in pages] == [True]
    fails(
        lambda: cloudwatch.set_alarm_state(AlarmName="gone", StateValue="OK", StateReason=""),
        "ResourceNotFound",
        "There is no alarm named gone.",
        cloudwatch.exceptions.ResourceNotFound,
        status=404,
    )
    fails(
        lambda: cloudwatch.put_metric_alarm(**{**ALARM, "EvaluationPeriods": 1441}),
        "ValidationError",
        "Metrics cannot be checked across more than one day",
    )
    fails(
        lambda: cloudwatch.describe_alarms(NextToken="none"),
        "InvalidNextToken",
        "The token is not one that DescribeAlarms gave.",
        cloudwatch.exceptions.InvalidNextToken,
    )
    cloudwatch.delete_alarms(AlarmNames=["throttled"])
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


def check_cli(aws, own):
    version = subprocess.run([aws, "--version"], check=True, capture_output=True, text=True).stdout.split()[0]

    def run(*arguments):
        command = [aws, "cloudwatch", *arguments, "--output", "json"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    times = [
        "--start-time", span(own)["StartTime"].isoformat(), "--end-time", span(own)["EndTime"].isoformat(),
    ]  # fmt: skip
    for table, name in (("small", "WriteThrottleEvents"), ("logfile", "ConsumedWriteCapacityUnits")):
        answer = run(
            "get-metric-statistics", "--namespace", "AWS/DynamoDB", "--metric-name", name,
            "--dimensions", f"Name=TableName,Value={table}", "--statistics", "Sum", "--period", "60", *times,
        )  # fmt: skip
        identity = ("AWS/DynamoDB", name, (("TableName", table),))
        expected = {at: point["Sum"] for at, point in own[identity]["Points"].items()}
        found = {parse(point["Timestamp"]): point["Sum"] for point in answer["Datapoints"]}
        assert found == expected, f"{name}: {found} is not {expected}"
    listed = run("list-metrics", "--namespace", "AWS/DynamoDB", "--metric-name", "ThrottledRequests")
    assert len(listed["Metrics"]) > 0, listed
    query = {
        "Id": "wcu",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/DynamoDB",
                "MetricName": "ConsumedWriteCapacityUnits",
                "Dimensions": [{"Name": "TableName", "Value": "logfile"}],
            },
            "Period": 86_400,
            "Stat": "Sum",
        },
    }
    answer = run("get-metric-data", "--metric-data-queries", json.dumps([query]), *times)
    assert answer["MetricDataResults"][0]["Values"] == [2500.0], answer
    print(f"{version}: equal")


if __name__ == "__main__":
    main(sys.argv[1])
