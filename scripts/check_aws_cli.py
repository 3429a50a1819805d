"""What the AWS CLI and boto3 see of local_dynamodb. scripts/check_aws_cli installs both and runs this.

Every function whose name begins with check_ is a check; it starts servers of its own, and its docstring is printed.
"""

import json
import os
import subprocess
import sys
import time
import traceback
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from unittest import mock

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError

OF_TABLE = "The level of configured provisioned throughput for the table was exceeded."
OF_INDEX = "The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded."
THROTTLED = "ProvisionedThroughputExceededException"
KB = 1024


class Server:
    """A local_dynamodb on a free port, with clients for it."""

    def __init__(self, *arguments):
        command = ["local_dynamodb", "--port", "0", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.terminate()
        code = self.process.wait(timeout=60)
        assert kind or code == 0, f"local_dynamodb ended with {code}"

    def _environment(self):
        return {
            "endpoint_url": self.url,
            "region_name": "eu-central-1",
            "aws_access_key_id": "local",
            "aws_secret_access_key": "local",
        }

    def client(self, attempts=1, mode="standard", service="dynamodb"):
        """A boto3 client that tries every request so often; None: as often as boto3 does of itself."""
        retries = {"total_max_attempts": attempts, "mode": mode} if attempts else {}
        return boto3.client(service, config=Config(retries=retries), **self._environment())

    def resource(self):
        return boto3.resource("dynamodb", **self._environment())

    def aws(self, *arguments, service="dynamodb", refused=None):
        """Runs `aws dynamodb ...` and gives what it prints; with `refused`, it must fail with this error code."""
        environment = dict(
            os.environ,
            AWS_ENDPOINT_URL=self.url,
            AWS_REGION="eu-central-1",
            AWS_DEFAULT_REGION="eu-central-1",
            AWS_ACCESS_KEY_ID="local",
            AWS_SECRET_ACCESS_KEY="local",
            AWS_PAGER="",
        )
        command = ["aws", service, *arguments]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        if refused:
            assert ran.returncode in (254, 255), ran
            assert f"({refused})" in ran.stderr, ran.stderr
            return ran.stderr
        assert ran.returncode == 0, ran
        return json.loads(ran.stdout) if ran.stdout.strip() else None

    def metric(self, name, table, index="-", operation="-"):
        """The sum of a metric, as the server counted it."""
        for line in self._metrics():
            if line[:4] == [name, table, index, operation]:
                return float(line[4])
        return 0

    def seconds(self):
        """The server's clock."""
        return float(self._metrics()[0][1])

    def _metrics(self):
        printed = subprocess.run(
            ["local_dynamodb", "--print-metrics", self.url], check=True, capture_output=True, text=True
        )
        return [line.split("\t") for line in printed.stdout.splitlines()]


@contextmanager
def refused(code, *words):
    """What it encloses must be refused with this error code and these words; the answer stands in what it yields."""
    answer = {}
    try:
        yield answer
    except ClientError as error:
        answer.update(error.response)
        assert answer["Error"]["Code"] == code, answer
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400, answer
        for word in words:
            assert word in answer["Error"]["Message"], answer
    else:
        raise AssertionError(f"not refused with {code}")


def throughput(read, write):
    return {"ReadCapacityUnits": read, "WriteCapacityUnits": write}


def create_table(server, name, units=(1, 1), index=None, **more):
    """A table with the key PK; with `index`, these units for an index GSI_1 on GSI_1_PK with all attributes."""
    attributes = [{"AttributeName": "PK", "AttributeType": "S"}]
    if index:
        attributes.append({"AttributeName": "GSI_1_PK", "AttributeType": "S"})
        gsi = {
            "IndexName": "GSI_1",
            "KeySchema": [{"AttributeName": "GSI_1_PK", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
            "ProvisionedThroughput": throughput(*index),
        }
        more["GlobalSecondaryIndexes"] = [gsi]
    if units:
        more["ProvisionedThroughput"] = throughput(*units)
    client = server.client()
    client.create_table(
        TableName=name,
        AttributeDefinitions=attributes,
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
        **more,
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def item(key, size=100, **more):
    """An item of about `size` bytes: a unit for every KB that it begins."""
    return {"PK": {"S": key}, "text": {"S": "x" * (size - 50)}, **more}


def exhaust_writes(server, table):
    """Spends the 300 s of burst of a table of 1 WCU, and nearly 300 units more: it refuses every write for minutes.

    What an update costs is known after it has run; a unit is enough to let it in.
    """
    client = server.client()
    client.put_item(TableName=table, Item=item("large", 299 * KB))
    client.update_item(TableName=table, Key={"PK": {"S": "large"}})


def reasons(answer):
    return [(reason["reason"], reason["resource"].rsplit(":", 1)[1]) for reason in answer["ThrottlingReasons"]]


def check_the_labs_commands():
    """AWS CLI: the lab's commands"""
    with Server("--speed", "60") as server:
        create = (
            *("create-table", "--table-name", "logfile"),
            *("--attribute-definitions", "AttributeName=PK,AttributeType=S", "AttributeName=GSI_1_PK,AttributeType=S"),
            *("--key-schema", "AttributeName=PK,KeyType=HASH"),
            *("--provisioned-throughput", "ReadCapacityUnits=5,WriteCapacityUnits=5"),
            *("--tags", "Key=workshop-design-patterns,Value=targeted-for-cleanup"),
            "--global-secondary-indexes",
            "IndexName=GSI_1,KeySchema=[{AttributeName=GSI_1_PK,KeyType=HASH}],"
            "Projection={ProjectionType=INCLUDE,NonKeyAttributes=['bytessent']},"
            "ProvisionedThroughput={ReadCapacityUnits=5,WriteCapacityUnits=5}",
        )
        created = server.aws(*create)["TableDescription"]
        assert created["TableStatus"] in ("CREATING", "ACTIVE"), created
        server.aws("wait", "table-exists", "--table-name", "logfile")
        statuses = ("--query", "[Table.TableStatus, Table.GlobalSecondaryIndexes[].IndexStatus]")
        assert server.aws("describe-table", "--table-name", "logfile", *statuses) == ["ACTIVE", ["ACTIVE"]]
        tags = server.aws("list-tags-of-resource", "--resource-arn", created["TableArn"])["Tags"]
        assert tags == [{"Key": "workshop-design-patterns", "Value": "targeted-for-cleanup"}], tags
        server.aws(*create, refused="ResourceInUseException")

        to_100 = ("--provisioned-throughput", "ReadCapacityUnits=100,WriteCapacityUnits=100")
        updating = server.aws("update-table", "--table-name", "logfile", *to_100)["TableDescription"]
        assert updating["TableStatus"] == "UPDATING", updating
        assert updating["ProvisionedThroughput"]["WriteCapacityUnits"] == 5, updating
        server.aws("wait", "table-exists", "--table-name", "logfile")
        table = server.aws("describe-table", "--table-name", "logfile")["Table"]
        assert table["TableStatus"] == "ACTIVE", table
        assert table["ProvisionedThroughput"]["WriteCapacityUnits"] == 100, table
        assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 100, table
        said = server.aws("update-table", "--table-name", "logfile", *to_100, refused="ValidationException")
        assert "The provisioned throughput for the table will not change." in said, said
        server.aws("update-table", "--table-name", "logfile2", *to_100, refused="ResourceNotFoundException")

        row = {"PK": {"S": "request#1"}, "GSI_1_PK": {"S": "host#a"}, "bytessent": {"N": "2969"}}
        server.aws("put-item", "--table-name", "logfile", "--item", json.dumps(row))
        assert server.aws("get-item", "--table-name", "logfile", "--key", '{"PK":{"S":"request#1"}}')["Item"] == row
        found = server.aws(
            *("query", "--table-name", "logfile", "--index-name", "GSI_1"),
            *("--key-condition-expression", "GSI_1_PK = :h", "--expression-attribute-values", '{":h":{"S":"host#a"}}'),
        )
        assert found["Items"] == [row], found
        assert server.aws("scan", "--table-name", "logfile", "--select", "COUNT")["Count"] == 1
        server.aws("delete-table", "--table-name", "logfile")
        server.aws("wait", "table-not-exists", "--table-name", "logfile")
        assert server.aws("list-tables") == {"TableNames": []}


def check_a_throttled_cli():
    """AWS CLI: a table without capacity, tried again as often as the CLI is set to"""
    with Server() as server:
        create_table(server, "logfile")
        exhaust_writes(server, "logfile")
        large = json.dumps(item("a", 100 * KB))
        with mock.patch.dict(os.environ, AWS_MAX_ATTEMPTS="3"):
            said = server.aws("put-item", "--table-name", "logfile", "--item", large, refused=THROTTLED)
        assert OF_TABLE in said, said
        assert server.metric("ThrottledRequests", "logfile", operation="PutItem") == 3


def check_a_throttled_write():
    """boto3: the exception of a table without capacity, its code, message and reasons"""
    with Server() as server:
        create_table(server, "logfile")
        exhaust_writes(server, "logfile")
        client = server.client()
        key = {"PK": {"S": "large"}}
        large = item("a", 100 * KB)
        for operation, request in [
            (client.put_item, {"Item": large}),
            (client.update_item, {"Key": key}),
            (client.delete_item, {"Key": key}),
        ]:
            with refused(THROTTLED, OF_TABLE) as answer:
                operation(TableName="logfile", **request)
            assert reasons(answer) == [("TableWriteProvisionedThroughputExceeded", "table/logfile")], answer
        try:
            client.put_item(TableName="logfile", Item=large)
        except client.exceptions.ProvisionedThroughputExceededException as error:
            assert error.operation_name == "PutItem", error
        assert "Item" not in client.get_item(TableName="logfile", Key={"PK": {"S": "a"}})
        assert server.metric("ThrottledRequests", "logfile", operation="PutItem") == 2
        assert server.metric("WriteThrottleEvents", "logfile") == 4


def check_retries():
    """boto3: a throttled request is sent again, as often as the client is set to, and may get through"""
    with Server() as server:
        create_table(server, "logfile")
        exhaust_writes(server, "logfile")
        sent = 0
        for mode, attempts in [("standard", None), ("standard", 2), ("legacy", 4), ("adaptive", 2)]:
            with refused(THROTTLED) as answer:
                server.client(attempts, mode).put_item(TableName="logfile", Item=item("a", 200 * KB))
            retried = answer["ResponseMetadata"]["RetryAttempts"]
            assert retried == attempts - 1 if attempts else retried >= 2, answer
            sent += 1 + retried
            assert server.metric("ThrottledRequests", "logfile", operation="PutItem") == sent
    # A unit every 20 ms: the first attempt finds a table with nothing left, a later one does not.
    with Server("--speed", "50") as server:
        create_table(server, "logfile")
        client = server.client(attempts=8)
        client.put_item(TableName="logfile", Item=item("a", 300 * KB))
        wanted = item("b", 100 * KB)
        answer = client.put_item(TableName="logfile", Item=wanted)
        assert answer["ResponseMetadata"]["RetryAttempts"] >= 1, answer
        assert client.get_item(TableName="logfile", Key={"PK": {"S": "b"}}, ConsistentRead=True)["Item"] == wanted


def check_throttled_reads():
    """boto3: reads are refused in the same way"""
    with Server() as server:
        create_table(server, "logfile", units=(1, 1000))
        client = server.client()
        for number in range(4):
            client.put_item(TableName="logfile", Item=item(f"k{number}", 390 * KB))
        scan = {"TableName": "logfile", "ConsistentRead": True, "Limit": 1}
        with refused(THROTTLED, OF_TABLE) as answer:
            for _ in range(20):
                client.scan(**scan)
        assert reasons(answer) == [("TableReadProvisionedThroughputExceeded", "table/logfile")], answer
        with refused(THROTTLED, OF_TABLE):
            client.get_item(TableName="logfile", Key={"PK": {"S": "k0"}})
        with refused(THROTTLED, OF_TABLE):
            client.batch_get_item(RequestItems={"logfile": {"Keys": [{"PK": {"S": "k0"}}]}})
        assert server.metric("ReadThrottleEvents", "logfile") == 3
        client.put_item(TableName="logfile", Item=item("writes go on"))


def check_batches():
    """boto3: a batch is processed in part, and refused only when nothing of it could be"""
    with Server() as server:
        create_table(server, "logfile")
        client = server.client()
        requests = [{"PutRequest": {"Item": item(f"k{number:02}", 20 * KB)}} for number in range(20)]
        answer = client.batch_write_item(RequestItems={"logfile": requests}, ReturnConsumedCapacity="TOTAL")
        unprocessed = answer["UnprocessedItems"]["logfile"]
        written = 20 - len(unprocessed)
        assert written == 15 and unprocessed == requests[15:], unprocessed
        assert answer["ConsumedCapacity"] == [{"TableName": "logfile", "CapacityUnits": 300.0}], answer
        assert client.scan(TableName="logfile", Select="COUNT")["Count"] == written
        with refused(THROTTLED, OF_TABLE):
            client.batch_write_item(RequestItems={"logfile": unprocessed})
        assert server.metric("WriteThrottleEvents", "logfile") == 10
        assert server.metric("ThrottledRequests", "logfile", operation="BatchWriteItem") == 1


def check_batch_writer():
    """boto3: batch_writer gets 600 rows through a table of 5 WCU, all of them, in the 100 s that it takes"""
    with Server("--speed", "10", "--starting-burst", "20") as server:
        started = server.seconds()
        create_table(server, "logfile", units=(1000, 5))
        table = server.resource().Table("logfile")
        rows = [{"PK": f"request#{n}", "bytessent": n, "url": "/index.html" * 20} for n in range(600)]
        with table.batch_writer() as writer:
            for row in rows:
                writer.put_item(Item=row)
        took = server.seconds() - started
        found, page = [], {}
        while not found or "LastEvaluatedKey" in page:
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if page else {}
            page = table.scan(ConsistentRead=True, **start)
            found += page["Items"]
        wanted = {row["PK"]: row | {"bytessent": Decimal(row["bytessent"])} for row in rows}
        assert {row["PK"]: row for row in found} == wanted, f"{len(found)} rows"
        assert server.metric("WriteThrottleEvents", "logfile") > 0
        assert server.metric("ConsumedWriteCapacityUnits", "logfile") == 600
        # 100 units are there at the start; the clock is shown in whole seconds.
        assert took >= (600 - 100) / 5 - 1, f"{took} s"


def check_an_index_that_cannot_follow():
    """boto3: an index that cannot follow holds back all writes to its table, and is named"""
    with Server("--index-backlog", "2") as server:
        create_table(server, "logfile", units=(1, 1000), index=(1, 1))
        client = server.client()
        written = 0
        with refused(THROTTLED, OF_INDEX) as answer:
            for number in range(50):
                indexed = item(f"k{number}", 100 * KB, GSI_1_PK={"S": "host#a"})
                client.put_item(TableName="logfile", Item=indexed)
                written += 1
        assert reasons(answer) == [("IndexWriteProvisionedThroughputExceeded", "table/logfile/index/GSI_1")], answer
        # 300 s of burst take 3 of them, and 2 wait.
        assert 4 <= written <= 6, written
        with refused(THROTTLED, OF_INDEX):
            client.put_item(TableName="logfile", Item=item("not in the index"))
        assert server.metric("WriteThrottleEvents", "logfile", "GSI_1") == 2
        assert server.metric("WriteThrottleEvents", "logfile") == 0
        assert server.metric("ThrottledRequests", "logfile", operation="PutItem") == 2


def check_update_table():
    """boto3: UpdateTable refuses values that are there already, a second update meanwhile, and too many decreases"""
    with Server("--update-time", "0") as server:
        create_table(server, "logfile", units=(10, 10), index=(10, 10))
        client = server.client()
        with refused("ValidationException", "The provisioned throughput for the table will not change."):
            client.update_table(TableName="logfile", ProvisionedThroughput=throughput(10, 10))
        of_index = {"IndexName": "GSI_1", "ProvisionedThroughput": throughput(10, 10)}
        with refused("ValidationException", "The provisioned throughput for the index GSI_1 will not change."):
            client.update_table(TableName="logfile", GlobalSecondaryIndexUpdates=[{"Update": of_index}])
        for units in (9, 8, 7, 6):
            client.update_table(TableName="logfile", ProvisionedThroughput=throughput(10, units))
        with refused("LimitExceededException", "Provisioned throughput decreases are limited within a given UTC day."):
            client.update_table(TableName="logfile", ProvisionedThroughput=throughput(10, 5))
        shown = client.describe_table(TableName="logfile")["Table"]["ProvisionedThroughput"]
        assert (shown["WriteCapacityUnits"], shown["NumberOfDecreasesToday"]) == (6, 4), shown
        client.update_table(TableName="logfile", ProvisionedThroughput=throughput(10, 20))
    with Server("--update-time", "100000") as server:
        create_table(server, "logfile", units=(10, 10))
        client = server.client()
        table = client.update_table(TableName="logfile", ProvisionedThroughput=throughput(20, 20))["TableDescription"]
        assert (table["TableStatus"], table["ProvisionedThroughput"]["ReadCapacityUnits"]) == ("UPDATING", 10), table
        with refused("ResourceInUseException", "logfile"):
            client.update_table(TableName="logfile", ProvisionedThroughput=throughput(30, 30))
        assert client.describe_table(TableName="logfile")["Table"]["TableStatus"] == "UPDATING"
        client.put_item(TableName="logfile", Item=item("while it is updating"))


def check_an_index_that_is_added():
    """AWS CLI and boto3: an added index is CREATING, is filled from its own capacity, and then answers; deleted, it is DELETING"""
    with Server("--speed", "20", "--update-time", "20", "--starting-burst", "1") as server:
        create_table(server, "logfile", units=(1000, 1000))
        client, table = server.client(), server.resource().Table("logfile")
        with table.batch_writer() as batch:
            for n in range(200):
                batch.put_item(Item={"PK": str(n), "GSI_1_PK": "g" if n % 2 else "h"})
        create = json.dumps([{"Create": {
            "IndexName": "GSI_1",
            "KeySchema": [{"AttributeName": "GSI_1_PK", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
            "ProvisionedThroughput": throughput(1000, 2),
        }}])
        update = ("update-table", "--table-name", "logfile", "--global-secondary-index-updates")
        definition = ("--attribute-definitions", "AttributeName=GSI_1_PK,AttributeType=S")
        added = server.aws(*update, create, *definition)["TableDescription"]
        index = added["GlobalSecondaryIndexes"][0]
        assert (added["TableStatus"], index["IndexStatus"], index["Backfilling"]) == ("UPDATING", "CREATING", False), added

        def shown():
            described = client.describe_table(TableName="logfile")["Table"]
            return described["TableStatus"], next(iter(described.get("GlobalSecondaryIndexes", [])), {})

        def wait(status, index_status):
            for _ in range(600):
                table_status, index = shown()
                if (table_status, index.get("IndexStatus")) == (status, index_status):
                    return index
                time.sleep(0.05)
            raise AssertionError(shown())

        assert wait("ACTIVE", "CREATING")["Backfilling"] is True
        query = dict(
            TableName="logfile", IndexName="GSI_1", KeyConditionExpression="GSI_1_PK = :g",
            ExpressionAttributeValues={":g": {"S": "g"}}, Select="COUNT",
        )
        with refused("ValidationException", "Cannot read from backfilling global secondary index: GSI_1"):
            client.query(**query)
        second = create.replace('"IndexName": "GSI_1"', '"IndexName": "GSI_2"')
        server.aws(*update, second, *definition, refused="LimitExceededException")
        server.aws("delete-table", "--table-name", "logfile", refused="ResourceInUseException")
        assert "Backfilling" not in wait("ACTIVE", "ACTIVE")
        assert client.query(**query)["Count"] == 100
        assert server.metric("OnlineIndexConsumedWriteCapacity", "logfile", "GSI_1") == 200
        assert server.metric("ConsumedWriteCapacityUnits", "logfile", "GSI_1") == 0
        deleted = server.aws(*update, json.dumps([{"Delete": {"IndexName": "GSI_1"}}]))["TableDescription"]
        assert deleted["GlobalSecondaryIndexes"][0]["IndexStatus"] == "DELETING", deleted
        wait("ACTIVE", None)


def check_quotas():
    """AWS CLI: more than the quotas of a table and of the account is refused, and --table-quota raises them"""
    create = (
        *("create-table", "--table-name", "logfile", "--attribute-definitions", "AttributeName=PK,AttributeType=S"),
        *("--key-schema", "AttributeName=PK,KeyType=HASH"),
        *("--provisioned-throughput", "ReadCapacityUnits=1,WriteCapacityUnits=50000"),
    )
    with Server() as server:
        assert "TableMaxWriteCapacityUnits: 40000" in server.aws(*create, refused="LimitExceededException")
    with Server("--table-quota", "50000") as server:
        server.aws(*create)
        assert server.aws("describe-limits")["TableMaxWriteCapacityUnits"] == 50000


def check_partiql():
    """boto3: PartiQL, with capacity and without"""
    with Server() as server:
        create_table(server, "logfile", units=(1000, 1))
        client = server.client()

        def run(statement, *parameters):
            more = {"Parameters": list(parameters)} if parameters else {}
            return client.execute_statement(Statement=statement, **more)["Items"]

        run("INSERT INTO logfile VALUE {'PK': 'a', 'n': 1}")
        run("UPDATE logfile SET n = ? WHERE PK = 'a'", {"N": "2"})
        assert run("SELECT * FROM logfile WHERE PK = ?", {"S": "a"}) == [{"PK": {"S": "a"}, "n": {"N": "2"}}]
        with refused("DuplicateItemException"):
            run("INSERT INTO logfile VALUE {'PK': 'a'}")
        # What a statement costs is known after it has run: this one is let in, and its table is in debt for 90 s.
        client.put_item(TableName="logfile", Item=item("large", 290 * KB))
        insert = "INSERT INTO {} VALUE {{'PK': ?, 'text': ?}}"
        run(insert.format("logfile"), {"S": "b"}, {"S": "x" * 100 * KB})
        with refused(THROTTLED, OF_TABLE) as answer:
            run(insert.format("logfile"), {"S": "c"}, {"S": "x"})
        assert reasons(answer) == [("TableWriteProvisionedThroughputExceeded", "table/logfile")], answer

        create_table(server, "other")
        statements = [
            {"Statement": insert.format(table), "Parameters": [{"S": "c"}, {"S": "x"}]} for table in ("other", "logfile")
        ]
        first, second = client.batch_execute_statement(Statements=statements)["Responses"]
        assert "Error" not in first, first
        assert second["Error"]["Code"] == "ProvisionedThroughputExceeded", second
        found = [[row["PK"]["S"] for row in run(f"SELECT PK FROM {table}")] for table in ("other", "logfile")]
        assert (found[0], sorted(found[1])) == (["c"], ["a", "b", "large"]), found


def check_transactions():
    """boto3: cancelled transactions say which part was the reason, and change nothing"""
    with Server() as server:
        create_table(server, "logfile")
        create_table(server, "other", units=(100, 100))
        exhaust_writes(server, "logfile")
        client = server.client()

        def put(table, row, **more):
            return {"Put": {"TableName": table, "Item": row, **more}}

        def cancelled(*parts):
            with refused("TransactionCanceledException", "Transaction cancelled, please refer") as answer:
                client.transact_write_items(TransactItems=list(parts))
            assert client.scan(TableName="other", Select="COUNT")["Count"] == 0
            return answer["CancellationReasons"]

        none, throttled = cancelled(put("other", item("a")), put("logfile", item("b", 100 * KB)))
        assert none == {"Code": "None"}, none
        assert throttled["Code"] == "ProvisionedThroughputExceeded" and OF_TABLE in throttled["Message"], throttled
        condition = {"ConditionExpression": "attribute_exists(PK)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        none, failed = cancelled(put("other", item("a")), put("other", item("b"), **condition))
        assert none == {"Code": "None"}, none
        assert failed == {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}, failed
        client.transact_write_items(TransactItems=[put("other", item("a")), put("other", item("b"))])
        keys = [{"Get": {"TableName": "other", "Key": {"PK": {"S": key}}}} for key in ("a", "b")]
        responses = client.transact_get_items(TransactItems=keys)["Responses"]
        assert [response["Item"] for response in responses] == [item("a"), item("b")], responses


def check_on_demand():
    """boto3: a new table on demand takes nearly 4,000 WCU at once, and then it throttles"""
    with Server() as server:
        create_table(server, "logfile", units=None, BillingMode="PAY_PER_REQUEST")
        client = server.client()
        batches = ([{"PutRequest": {"Item": item(f"{number}#{n}", 10 * KB)}} for n in range(25)] for number in range(1000))
        for number in range(13):
            assert client.batch_write_item(RequestItems={"logfile": next(batches)})["UnprocessedItems"] == {}
        pages = client.get_paginator("scan").paginate(TableName="logfile", Select="COUNT")
        assert sum(page["Count"] for page in pages) == 25 * 13
        assert server.metric("ConsumedWriteCapacityUnits", "logfile") == 250 * 13
        assert server.metric("WriteThrottleEvents", "logfile") == 0
        assert any(client.batch_write_item(RequestItems={"logfile": batch})["UnprocessedItems"] for batch in batches)
        assert server.metric("WriteThrottleEvents", "logfile") > 0


def check_names_and_probes():
    """ARNs hold the client's region and stand for names; what is not here is named; --health and names of hosts."""
    with Server("--allow-host", "dynamodb.example") as server:
        create_table(server, "logfile")
        arn = server.aws("describe-table", "--table-name", "logfile")["Table"]["TableArn"]
        assert arn == "arn:aws:dynamodb:eu-central-1:000000000000:table/logfile", arn
        client = server.client()
        client.put_item(TableName=arn, Item=item("a"))
        assert client.get_item(TableName=arn, Key={"PK": {"S": "a"}})["Item"]
        assert client.batch_get_item(RequestItems={arn: {"Keys": [{"PK": {"S": "a"}}]}})["Responses"][arn]
        assert server.aws("describe-limits")["TableMaxWriteCapacityUnits"] == 40_000
        backups = server.aws("describe-continuous-backups", "--table-name", "logfile")
        assert backups["ContinuousBackupsDescription"]["ContinuousBackupsStatus"] == "ENABLED"
        with refused("UnknownOperationException", "CreateBackup"):
            client.create_backup(TableName="logfile", BackupName="backup")
        subprocess.run(["local_dynamodb", "--health", server.url], check=True)
        url = server.url
    assert subprocess.run(["local_dynamodb", "--health", url], capture_output=True).returncode == 1


def check_time_to_live():
    """The AWS CLI enables time to live; an expired item goes, with the service's stream record."""
    with Server("--ttl-delay", "0") as server:
        create_table(server, "logfile")
        stream = "StreamEnabled=true,StreamViewType=OLD_IMAGE"
        server.aws("update-table", "--table-name", "logfile", "--stream-specification", stream)
        enable = ["update-time-to-live", "--table-name", "logfile", "--time-to-live-specification"]
        server.aws(*enable, "Enabled=true,AttributeName=expires")
        client = server.client()
        with refused("ValidationException", "TimeToLive is already enabled"):
            client.update_time_to_live(
                TableName="logfile", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
            )
        client.put_item(TableName="logfile", Item=item("old", expires={"N": str(int(time.time()) - 60)}))
        client.put_item(TableName="logfile", Item=item("new", expires={"N": str(int(time.time()) + 3_600)}))
        until = time.monotonic() + 60
        while client.scan(TableName="logfile", Select="COUNT")["Count"] == 2:
            assert time.monotonic() < until, "the item does not expire"
            time.sleep(0.05)
        streams = server.client(service="dynamodbstreams")
        [summary] = streams.list_streams(TableName="logfile")["Streams"]
        arn = summary["StreamArn"]
        [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        assert "EndingSequenceNumber" not in shard["SequenceNumberRange"]
        iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
        records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
        [removed] = [record for record in records if record["eventName"] == "REMOVE"]
        assert removed["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}, removed
        assert removed["awsRegion"] == "eu-central-1" and removed["dynamodb"]["Keys"] == {"PK": {"S": "old"}}, removed


def check_cloudwatch():
    """AWS CLI and boto3: CloudWatch's metrics of a throttled table"""
    with Server() as server:
        create_table(server, "logfile")
        exhaust_writes(server, "logfile")
        for _ in range(3):
            with refused(THROTTLED):
                server.client().put_item(TableName="logfile", Item=item("a"))
        of_table = {"Name": "TableName", "Value": "logfile"}
        of_puts = [of_table, {"Name": "Operation", "Value": "PutItem"}]
        now = datetime.now(timezone.utc)
        span = {"StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(hours=1)}
        cloudwatch = server.client(service="cloudwatch")

        def total(metric, dimensions):
            asked = {"Namespace": "AWS/DynamoDB", "Period": 60, "Statistics": ["Sum"], **span}
            answer = cloudwatch.get_metric_statistics(MetricName=metric, Dimensions=dimensions, **asked)
            return sum(point["Sum"] for point in answer["Datapoints"])

        assert total("WriteThrottleEvents", [of_table]) == 3
        assert total("ThrottledRequests", of_puts) == 3
        assert total("ConsumedWriteCapacityUnits", [of_table]) == 2 * 299

        metric = {"Namespace": "AWS/DynamoDB", "MetricName": "ThrottledRequests", "Dimensions": of_puts}
        query = {"Id": "throttled", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
        (result,) = cloudwatch.get_metric_data(MetricDataQueries=[query], **span)["MetricDataResults"]
        assert (result["Id"], sum(result["Values"])) == ("throttled", 3), result

        listed = server.aws(
            *("list-metrics", "--namespace", "AWS/DynamoDB", "--metric-name", "WriteThrottleEvents"), service="cloudwatch"
        )
        assert [metric["Dimensions"] for metric in listed["Metrics"]] == [[of_table]], listed
        printed = server.aws(
            *("get-metric-statistics", "--namespace", "AWS/DynamoDB", "--metric-name", "WriteThrottleEvents"),
            *("--dimensions", "Name=TableName,Value=logfile", "--period", "60", "--statistics", "Sum"),
            *("--start-time", span["StartTime"].isoformat(), "--end-time", span["EndTime"].isoformat()),
            service="cloudwatch",
        )
        assert sum(point["Sum"] for point in printed["Datapoints"]) == 3, printed


def check_auto_scaling():
    """AWS CLI and boto3: Application Auto Scaling's operations, and what it refuses"""
    dimension = ("--service-namespace", "dynamodb", "--scalable-dimension", "dynamodb:index:ReadCapacityUnits")
    target = (*dimension, "--resource-id", "table/logfile/index/GSI_1")
    with Server("--speed", "60") as server:
        create_table(server, "logfile", index=(5, 5))

        def scaling(operation, *arguments, **more):
            return server.aws(operation, *arguments, service="application-autoscaling", **more)

        said = scaling("deregister-scalable-target", *target, refused="ObjectNotFoundException")
        assert "No scalable target found for service namespace: dynamodb, resource ID: table/logfile/index/GSI_1" in said, said
        scaling("register-scalable-target", *target, "--min-capacity", "7", "--max-capacity", "5", refused="ValidationException")
        limits = ("--min-capacity", "7", "--max-capacity", "50")
        arn = scaling("register-scalable-target", *target, *limits, "--tags", "lesson=2")["ScalableTargetARN"]
        assert scaling("list-tags-for-resource", "--resource-arn", arn) == {"Tags": {"lesson": "2"}}
        configuration = {
            "TargetValue": 50.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"},
            "ScaleInCooldown": 60,
            "DisableScaleIn": False,
        }
        policy = (
            *("--policy-name", "half", "--policy-type", "TargetTrackingScaling"),
            *("--target-tracking-scaling-policy-configuration", json.dumps(configuration)),
        )
        put = scaling("put-scaling-policy", *target, *policy)
        client = server.client(service="application-autoscaling")
        (found,) = client.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"]
        assert found["TargetTrackingScalingPolicyConfiguration"] == configuration, found
        assert (found["PolicyARN"], found["Alarms"]) == (put["PolicyARN"], put["Alarms"]), found
        (registered,) = client.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
        assert (registered["MinCapacity"], registered["MaxCapacity"]) == (7, 50), registered
        with refused("ValidationException", "Only one TargetTrackingScaling policy for a given metric specification is allowed."):
            client.put_scaling_policy(
                PolicyName="other", ServiceNamespace="dynamodb", ResourceId="table/logfile/index/GSI_1",
                ScalableDimension="dynamodb:index:ReadCapacityUnits", PolicyType="TargetTrackingScaling",
                TargetTrackingScalingPolicyConfiguration=configuration,
            )  # fmt: skip

        # The index has 5 RCU, fewer than the minimum.
        end = time.monotonic() + 60
        while not (steps := client.describe_scaling_activities(ServiceNamespace="dynamodb")["ScalingActivities"]):
            assert time.monotonic() < end, "no step"
            time.sleep(0.1)
        assert (steps[0]["Description"], steps[0]["Cause"]) == ("Setting read capacity units to 7.", "minimum capacity was set to 7"), steps
        scaling("delete-scaling-policy", *target, "--policy-name", "half")
        assert server.aws("describe-alarms", service="cloudwatch")["MetricAlarms"] == []
        scaling("deregister-scalable-target", *target)
        assert scaling("describe-scalable-targets", "--service-namespace", "dynamodb") == {"ScalableTargets": []}


def main():
    version = subprocess.run(["aws", "--version"], check=True, capture_output=True, text=True)
    print(f"{version.stdout.split()[0]}, boto3 {boto3.__version__}, botocore {botocore.__version__}")
    checks = [check for name, check in globals().items() if name.startswith("check_")]
    failed = 0
    for check in checks:
        started = time.monotonic()
        try:
            check()
            result = "ok    "
        except Exception:  # every kind: the others are checked all the same
            traceback.print_exc()
            result = "FAILED"
            failed += 1
        print(f"{result} {check.__doc__} ({time.monotonic() - started:.1f} s)", flush=True)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
