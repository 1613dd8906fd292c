"""Calls the simulator as any Python program would, and prints what it got as one JSON line."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

URL, CASE = sys.argv[1], sys.argv[2]
NOVA = "amazon.nova-lite-v1:0"
HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


def client(service):
    return boto3.client(
        service,
        endpoint_url=URL,
        region_name="us-east-1",
        aws_access_key_id="AKIDSIMULATED",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=5),
    )


def request(**more):
    return {
        "modelId": NOVA,
        "messages": [{"role": "user", "content": [{"text": 'Write about "Metropolis".'}]}],
        "inferenceConfig": {"maxTokens": 300},
        **more,
    }


def answers():
    runtime = client("bedrock-runtime")
    whole = runtime.converse(
        **request(requestMetadata={"pp_hold": "job_A/000001/1", "pp_call": "c1"})
    )
    stream = list(runtime.converse_stream(**request())["stream"])
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 300,
        "messages": [{"role": "user", "content": "Describe Oslo."}],
    }
    invoked = runtime.invoke_model(modelId=HAIKU, body=json.dumps(body))
    counted = runtime.count_tokens(
        modelId=HAIKU.removeprefix("us."), input={"converse": {"messages": request()["messages"]}}
    )
    models = client("bedrock").list_foundation_models()["modelSummaries"]
    return {
        "text": whole["output"]["message"]["content"][0]["text"],
        "usage": whole["usage"],
        "stopReason": whole["stopReason"],
        "streamed": "".join(
            event["contentBlockDelta"]["delta"]["text"]
            for event in stream
            if "contentBlockDelta" in event
        ),
        "streamedUsage": stream[-1]["metadata"]["usage"],
        "invoked": json.loads(invoked["body"].read())["stop_reason"],
        "counted": counted["inputTokens"],
        "models": [model["modelId"] for model in models],
    }


def failure():
    try:
        answer = client("bedrock-runtime").converse(**request())
    except ClientError as error:
        return {
            "code": error.response["Error"]["Code"],
            "message": error.response["Error"]["Message"],
            "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
        }
    except BotoCoreError as error:
        return {"code": type(error).__name__}
    except Exception as error:  # What a client of a broken server gets is part of the result.
        return {"code": type(error).__name__}
    return {"code": None, "fields": [name for name in answer if name != "ResponseMetadata"]}


print(json.dumps(answers() if CASE == "answers" else failure()))
