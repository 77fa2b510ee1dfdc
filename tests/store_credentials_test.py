# SPDX-License-Identifier: Apache-2.0
"""Where credentials of S3, Azure and Google are found, what is sent, and what a refusal says: by a
server on loopback that answers as the clouds' services do."""

import json
import subprocess
import urllib.parse

import numpy
import pytest
import tifffile
from conftest import lamella
from slide_server import SlideServer

SECRET = "hiddensecret7"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """bucket/slide.svs and what stands for it elsewhere."""
    made = tmp_path_factory.mktemp("store")
    (made / "bucket").mkdir()
    picture = numpy.random.default_rng(1).integers(0, 255, (300, 400, 3), numpy.uint8)
    with tifffile.TiffWriter(made / "bucket" / "slide.svs") as tiff:
        tiff.write(picture, tile=(256, 256), compression="zlib", photometric="rgb", metadata=None,
                   resolution=(20000, 20000), resolutionunit="CENTIMETER")
    return made


@pytest.fixture
def server(folder):
    with SlideServer(folder) as made:
        yield made


@pytest.fixture
def open_slide(server, tmp_path):
    """Plans over a slide with nothing in the environment but `env`; everything that it says."""
    def plan(address, env, code=0):
        clean = {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true",
                 "GCE_METADATA_HOST": "127.0.0.1:9", "AWS_ENDPOINT_URL": server.url("")[:-1], **env}
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION"):
            clean.setdefault(name, "")
        ran = lamella("plan", "--slide", address, "--size-px", 64, "--level", 0, "--min-tissue", 0,
                      "--out", tmp_path / "x.plan.h5", "--verbose", env=clean)
        assert ran.code == code, ran.err
        assert SECRET not in ran.out + ran.err
        return ran.err
    return plan


KEYS = {"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": SECRET}
SLIDE = "s3://bucket/slide.svs"


def credentials_sent(server):
    return {headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]
            for path, headers in server.requests if path.startswith("/bucket")}


def refuse(status, code, headers=(), extra=""):
    body = f"<Error><Code>{code}</Code>{extra}</Error>".encode()
    return lambda handler: handler.refuse(status, headers, body) or True


def test_keys_of_the_environment(server, open_slide):
    open_slide(SLIDE, {**KEYS, "AWS_SESSION_TOKEN": "session", "AWS_REGION": "eu-west-1",
                       "AWS_REQUEST_PAYER": "requester"})
    assert credentials_sent(server) == {"AKIDENV"}
    headers = server.requests[-1][1]
    assert "/eu-west-1/s3/aws4_request" in headers["Authorization"]
    assert headers["x-amz-security-token"] == "session"
    assert headers["x-amz-request-payer"] == "requester"
    assert "x-amz-request-payer;x-amz-security-token" in headers["Authorization"]


def test_keys_of_a_profile(server, open_slide, tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        f"[lab]\naws_access_key_id = AKIDLAB\naws_secret_access_key = {SECRET}\n")
    open_slide(SLIDE, {"AWS_PROFILE": "lab"})
    assert credentials_sent(server) == {"AKIDLAB"}
    assert "names the profile 'other'" in open_slide(SLIDE, {"AWS_PROFILE": "other"}, code=1)


def test_web_identity(server, open_slide, tmp_path):
    (tmp_path / "token").write_text("the token\n")
    asked = []

    def sts(handler):
        length = int(handler.headers["Content-Length"])
        asked.append(urllib.parse.parse_qs(handler.rfile.read(length).decode()))
        handler.refuse(200, (), (
            "<R><Credentials><AccessKeyId>AKIDWEB</AccessKeyId><SecretAccessKey>" + SECRET +
            "</SecretAccessKey><SessionToken>s</SessionToken><Expiration>2099-01-01T00:00:00Z"
            "</Expiration></Credentials></R>").encode())
        return True
    server.on_post = sts
    open_slide(SLIDE, {"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
                       "AWS_ROLE_ARN": "arn:role"})
    assert credentials_sent(server) == {"AKIDWEB"}
    assert asked[0]["WebIdentityToken"] == ["the token"] and asked[0]["RoleArn"] == ["arn:role"]


def give_keys(handler, key):
    handler.refuse(200, (), json.dumps({"AccessKeyId": key, "SecretAccessKey": SECRET, "Token": "t",
                                        "Expiration": "2099-01-01T00:00:00Z"}).encode())
    return True


def test_the_containers_service(server, open_slide):
    server.misbehaviour = lambda handler: handler.path == "/keys" and give_keys(handler, "AKIDBOX")
    open_slide(SLIDE, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url("keys"),
                       "AWS_CONTAINER_AUTHORIZATION_TOKEN": "let me in"})
    assert credentials_sent(server) == {"AKIDBOX"}
    assert server.requests[0][1]["Authorization"] == "let me in"


def test_the_instances_service(server, open_slide):
    def service(handler):
        if not handler.path.startswith("/latest"):
            return False
        assert handler.headers["X-aws-ec2-metadata-token"] == "ticket"
        if handler.path.endswith("/security-credentials/"):
            return handler.refuse(200, (), b"my-role") or True
        assert handler.path.endswith("/security-credentials/my-role")
        return give_keys(handler, "AKIDEC2")
    server.on_put = lambda handler: handler.refuse(200, (), b"ticket")
    server.misbehaviour = service
    open_slide(SLIDE, {"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT":
                       server.url("")[:-1]})
    assert credentials_sent(server) == {"AKIDEC2"}


def test_credentials_that_expired_early_are_asked_for_again(server, open_slide):
    given = []

    def service(handler):
        if handler.path == "/keys":
            given.append(f"AKID{len(given)}")
            return give_keys(handler, given[-1])
        if "AKID0" in handler.headers.get("Authorization", ""):
            return refuse(400, "ExpiredToken")(handler)
        return False
    server.misbehaviour = service
    open_slide(SLIDE, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url("keys")})
    assert given == ["AKID0", "AKID1"]


def test_refusals_say_where_credentials_came_from(server, open_slide):
    server.misbehaviour = refuse(400, "ExpiredToken")
    said = open_slide(SLIDE, KEYS, code=1)
    assert "ExpiredToken" in said and "those of the environment (AWS_ACCESS_KEY_ID)" in said
    server.misbehaviour = refuse(403, "AccessDenied")
    said = open_slide(SLIDE, KEYS, code=1)
    assert "access was denied (403, AccessDenied)" in said
    said = open_slide(SLIDE, {}, code=1)
    assert "no credentials were found in the environment (AWS_ACCESS_KEY_ID), web identity" in said
    said = open_slide(SLIDE, {**KEYS, "AWS_NO_SIGN_REQUEST": "YES"}, code=1)
    assert "as AWS_NO_SIGN_REQUEST says" in said
    server.misbehaviour = refuse(404, "NoSuchBucket")
    assert "there is no bucket 'bucket'" in open_slide(SLIDE, KEYS, code=1)
    server.misbehaviour = refuse(404, "NoSuchKey")
    assert "'bucket' has no such key" in open_slide(SLIDE, KEYS, code=1)


def test_without_credentials_public_objects_are_read(server, open_slide):
    open_slide(SLIDE, {})
    assert all("Authorization" not in headers for _, headers in server.requests)


def test_a_bucket_of_another_region(server, open_slide):
    def elsewhere(handler):
        if "/eu-west-3/s3/" in handler.headers["Authorization"]:
            return False
        return refuse(301, "PermanentRedirect", [("x-amz-bucket-region", "eu-west-3")])(handler)
    server.misbehaviour = elsewhere
    open_slide(SLIDE, KEYS)
    # It is learned once.
    assert sum("/us-east-1/" in headers["Authorization"] for _, headers in server.requests) == 1
    server.misbehaviour = refuse(301, "PermanentRedirect")
    assert "name its own by AWS_REGION" in open_slide(SLIDE, KEYS, code=1)


def test_azures_signature_is_sent_and_never_told(server, open_slide):
    env = {"AZURE_STORAGE_ACCOUNT": "me", "AZURE_STORAGE_SERVICE_ENDPOINT": server.url("")[:-1],
           "AZURE_STORAGE_SAS_TOKEN": f"?sv=1&sig={SECRET}"}
    open_slide("az://bucket/slide.svs", env)
    assert all(path.endswith(f"?sv=1&sig={SECRET}") for path, _ in server.requests)
    assert all("x-ms-version" in headers for _, headers in server.requests)
    server.misbehaviour = refuse(403, "AuthenticationFailed")
    said = open_slide("az://bucket/slide.svs", env, code=1)
    assert "AZURE_STORAGE_SAS_TOKEN" in said and "time run out" in said
    said = open_slide("az://bucket/slide.svs", {}, code=1)
    assert "names no account" in said


def test_googles_service_account(server, open_slide, tmp_path):
    key = subprocess.run(["openssl", "genrsa", "2048"], check=True, capture_output=True,
                         text=True).stdout
    account = {"type": "service_account", "client_email": "me@lab", "private_key": key,
               "token_uri": server.url("token")}
    (tmp_path / "key.json").write_text(json.dumps(account))
    forms = []

    def token(handler):
        length = int(handler.headers["Content-Length"])
        forms.append(urllib.parse.parse_qs(handler.rfile.read(length).decode()))
        handler.refuse(200, (), json.dumps({"access_token": SECRET, "expires_in": 3600}).encode())
    server.on_post = token

    def objects(handler):  # the JSON interface's address
        assert handler.path.startswith("/storage/v1/b/bucket/o/slide.svs?alt=media"), handler.path
        handler.path = "/bucket/slide.svs"
        return False
    server.misbehaviour = objects
    env = {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "key.json"),
           "LAMELLA_GOOGLE_ENDPOINT": server.url("")[:-1]}
    open_slide("gs://bucket/slide.svs", env)
    assert {headers["Authorization"] for path, headers in server.requests
            if path.startswith("/storage")} == {f"Bearer {SECRET}"}
    assert len(forms) == 1
    assert forms[0]["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    server.on_post = lambda handler: handler.refuse(400, (), b'{"error": "invalid_grant"}')
    said = open_slide("gs://bucket/slide.svs", env, code=1)
    assert "the service account me@lab of" in said and "invalid_grant" in said
    (tmp_path / "key.json").write_text('{"type": "service_account", "client_email": "x", '
                                       '"private_key": "no key"}')
    assert "is no RSA private key" in open_slide("gs://bucket/slide.svs", env, code=1)
