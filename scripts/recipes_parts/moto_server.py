"""The parts of AWS that the recipes need and that moto stands for."""

import json
import logging
import os
import urllib.request

import boto3
from moto.server import ThreadedMotoServer

from support import ANY_KEYS, BUCKET, PREFIX


class Moto:
    """moto's server on a free port, with the bucket of the recipes and the logs in it."""

    def __init__(self, logs):
        for noisy in ("werkzeug", "moto"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        self.server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self.server.start()
        host, port = self.server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        os.environ["MOTO_PORT"] = str(port)  # where its state machines look for its queues
        execute = json.dumps({"stepfunctions": {"execute_state_machine": True}}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/moto-api/config", data=execute, method="POST")).close()
        self.environment = {"AWS_ENDPOINT_URL_S3": self.url, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
        s3 = self.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        for file in logs.path.iterdir():
            s3.upload_file(str(file), BUCKET, PREFIX + file.name)

    def client(self, service):
        return boto3.client(service, endpoint_url=self.url, **ANY_KEYS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop()
