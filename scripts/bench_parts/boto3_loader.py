"""Loads rows into table logfile_scan as the workshop's load_logfile_parallel.py does: a thread for each file, each row many times,
boto3's batch_writer.

    boto3_loader.py ENDPOINT_URL COPIES FILE...
"""

import csv
import sys
import threading

import boto3


def load(endpoint, copies, number, path, failures):
    try:
        session = boto3.session.Session()
        table = session.resource("dynamodb", endpoint_url=endpoint).Table("logfile_scan")
        with table.batch_writer() as batch, open(path, encoding="utf-8") as rows:
            for row in csv.reader(rows):
                for copy in range(copies):
                    request_id = int(row[0]) + copy * 2000 + number * 500000
                    batch.put_item(
                        Item={
                            "PK": f"request#{request_id}",
                            "GSI_1_PK": f"shard#{request_id % 10 + 1}",
                            "GSI_1_SK": f"{row[7]}#{row[2]}#{row[3]}",
                            "requestid": request_id,
                            "host": row[1],
                            "date": row[2],
                            "hourofday": int(row[3]),
                            "timezone": row[4],
                            "method": row[5],
                            "url": row[6],
                            "responsecode": int(row[7]),
                            "bytessent": int(row[8]),
                            "useragent": row[9],
                        }
                    )
    except BaseException as error:
        failures.append(error)
        raise


failures = []
threads = [
    threading.Thread(target=load, args=(sys.argv[1], int(sys.argv[2]), number, path, failures))
    for number, path in enumerate(sys.argv[3:])
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit(1 if failures else 0)
