"""Plays the simulated AWS with boto3, at the endpoint of AWS_ENDPOINT_URL.

Every check is an assert; the arguments are the account and the ARN of a
function's role.
"""
import io
import json
import sys
import zipfile

import boto3
from boto3.dynamodb.conditions import Attr, Key
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

account, role, region = sys.argv[1], sys.argv[2], "eu-west-1"
MB = 1 << 20


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        return
    raise AssertionError(f"{code} was expected")


def storage():
    s3 = boto3.resource("s3")
    bucket = s3.create_bucket(Bucket=f"boto-{account}", CreateBucketConfiguration={"LocationConstraint": region})
    bucket.wait_until_exists()
    body = bytes(range(256)) * (11 * MB // 256)
    parts = TransferConfig(multipart_threshold=5 * MB, multipart_chunksize=5 * MB)
    bucket.upload_fileobj(io.BytesIO(body), "big", Config=parts, ExtraArgs={"Metadata": {"lab": "one"}})
    head = bucket.Object("big").get()
    assert head["ETag"].endswith('-3"') and head["Metadata"] == {"lab": "one"}, head
    back = io.BytesIO()
    bucket.download_fileobj("big", back, Config=parts)
    assert back.getvalue() == body
    for n in range(20):
        bucket.put_object(Key=f"dir/{n}", Body=b"" if n % 2 else b"x")
    assert sum(1 for _ in bucket.objects.filter(Prefix="dir/").page_size(7)) == 20
    refused("NoSuchKey", s3.Object(bucket.name, "none").get)
    refused("BucketNotEmpty", bucket.delete)
    bucket.objects.all().delete()
    bucket.delete()
    bucket.wait_until_not_exists()


def tables():
    table = boto3.resource("dynamodb").create_table(
        TableName="scores", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "user", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "user", "AttributeType": "S"}, {"AttributeName": "at", "AttributeType": "N"}])
    table.wait_until_exists()
    with table.batch_writer() as batch:
        for n in range(60):
            batch.put_item(Item={"user": "ada", "at": n, "tags": {"a", "b"}, "more": {"even": n % 2 == 0}})
    found = table.query(KeyConditionExpression=Key("user").eq("ada") & Key("at").between(10, 19), FilterExpression=Attr("more.even").eq(True))
    assert found["Count"] == 5 and found["Items"][0]["tags"] == {"a", "b"}, found
    refused("ConditionalCheckFailedException", table.put_item, Item={"user": "ada", "at": 1}, ConditionExpression=Attr("user").not_exists())
    table.delete()
    table.wait_until_not_exists()


def machines():
    ec2 = boto3.resource("ec2")
    image = sorted(ec2.images.filter(Owners=["amazon"], Filters=[{"Name": "name", "Values": ["al2023-ami-2023*-x86_64"]}]), key=lambda i: i.creation_date)[-1]
    (one,) = ec2.create_instances(ImageId=image.id, InstanceType="t3.micro", MinCount=1, MaxCount=1,
                                  TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "lab"}]}])
    one.wait_until_running()
    one.reload()
    assert one.state["Name"] == "running" and one.tags == [{"Key": "Name", "Value": "lab"}] and one.public_ip_address
    assert [v.size for v in one.volumes.all()] == [8]
    one.stop()
    one.wait_until_stopped()
    one.terminate()
    one.wait_until_terminated()


def messages():
    queue = boto3.resource("sqs").create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "60"})
    queue.send_messages(Entries=[{"Id": str(n), "MessageBody": f"job {n}"} for n in range(3)])
    got = {m.body for _ in range(3) for m in queue.receive_messages(MaxNumberOfMessages=10)}
    assert got == {"job 0", "job 1", "job 2"}, got
    queue.delete()
    refused("AWS.SimpleQueueService.NonExistentQueue", boto3.client("sqs").get_queue_url, QueueName="none")


def functions():
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as z:
        z.writestr("index.py", "def handler(event, context): return event\n")
    c = boto3.client("lambda")
    c.create_function(FunctionName="fn", Runtime="python3.12", Handler="index.handler", Role=role, Code={"ZipFile": code.getvalue()})
    c.get_waiter("function_active_v2").wait(FunctionName="fn")
    out = c.invoke(FunctionName="fn", Payload=json.dumps({"a": 1}))
    assert out["StatusCode"] == 200 and "FunctionError" not in out, out
    json.loads(out["Payload"].read())
    c.delete_function(FunctionName="fn")
    refused("ResourceNotFoundException", c.get_function, FunctionName="fn")


def metrics():
    c = boto3.client("cloudwatch")
    c.put_metric_data(Namespace="Lab", MetricData=[{"MetricName": "Heat", "Value": v, "Unit": "Count"} for v in (1, 3)])
    assert [m["MetricName"] for p in c.get_paginator("list_metrics").paginate(Namespace="Lab") for m in p["Metrics"]] == ["Heat"]


for part in (storage, tables, machines, messages, functions, metrics):
    part()
    print(part.__name__, "ok")
