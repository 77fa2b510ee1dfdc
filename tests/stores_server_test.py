# SPDX-License-Identifier: Apache-2.0
"""Against servers of others that speak as the clouds do: moto (S3, which checks signatures by botocore's
own code), Azurite (Azure's blobs) and gcp-storage-emulator (Google's objects).

Needs those packages (make test-all installs them into an environment of their own)."""

import base64
import datetime
import email.utils
import hashlib
import hmac
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import numpy
import pytest
import tifffile
from conftest import bad, good, lamella
from slide_server import SlideServer

boto3 = pytest.importorskip("boto3", reason="the package boto3 is not installed (make test-all)")

NAMES = ["slide.svs", "folder/a b#c?d%e é.svs"]
# Of '%' and what is not ASCII moto makes something else before it checks signatures, boto3's, too.
S3_NAMES = ["slide.svs", "a#c?d"]
AZURE_ACCOUNT = "devstoreaccount1"
# Azurite's own, the same for everybody.
AZURE_KEY = ("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/"
             "K1SZFPTOtr/KBHBeksoGMGw==")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    for _ in range(600):
        assert process.poll() is None, "the server ended"
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


def serve(words, port, **options):
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    wait_for(port, process)
    return process


def stop(process):
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    path = tmp_path_factory.mktemp("slide") / "slide.svs"
    small = numpy.random.default_rng(2).integers(60, 220, (500, 750, 3), numpy.uint8)
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(small.repeat(4, 0).repeat(4, 1), tile=(256, 256), compression="zlib",
                   photometric="rgb", metadata=None, resolution=(20000, 20000),
                   resolutionunit="CENTIMETER")
    return path


def patches_of(place, folder, env=None):
    plan, out = folder / "grid.plan.h5", folder / "patches"
    shutil.rmtree(out, ignore_errors=True)
    good("plan", "--slide", place, "--size-px", 224, "--level", 0, "--stride-px", 224, "--min-tissue",
         0, "--out", plan, env=env)
    ran = lamella("extract", "--slide", place, "--plan", plan, "--format", "png", "--out", out,
                  "--verbose", env=env)
    assert ran.code == 0, ran.err
    told = re.search(r"(\d+) requests, (\d+) bytes fetched, (\d+) needed", ran.err)
    # Their names hold the slide's.
    return ([path.read_bytes() for path in sorted(out.rglob("*.png"))],
            [int(each) for each in told.groups()] if told else None)


@pytest.fixture(scope="module")
def local(slide, tmp_path_factory):
    found = patches_of(slide, tmp_path_factory.mktemp("local"))[0]
    assert len(found) > 50
    return found


def refusal(address, env):
    return bad("plan", "--slide", address, "--size-px", 224, "--level", 0, "--out", "never.h5",
               env=env)


# S3 by moto


@pytest.fixture(scope="module")
def s3(slide):
    """moto with a bucket; environments of who may read it and of who may not."""
    port = free_port()
    process = serve(["moto_server", "-H", "127.0.0.1", "-p", str(port)], port)
    endpoint = f"http://localhost:{port}"
    common = {"endpoint_url": endpoint, "region_name": "us-east-1", "aws_access_key_id": "setup",
              "aws_secret_access_key": "setup"}
    client = boto3.client("s3", **common)
    client.create_bucket(Bucket="slides")
    for name in S3_NAMES:
        client.upload_file(str(slide), "slides", name)
    client.put_object(Bucket="slides", Key="empty.svs", Body=b"")
    iam = boto3.client("iam", **common)
    users = {}
    for user, action in (("reader", "s3:*"), ("stranger", "sqs:*")):
        iam.create_user(UserName=user)
        iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=(
            '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "%s", '
            '"Resource": "*"}]}' % action))
        key = iam.create_access_key(UserName=user)["AccessKey"]
        users[user] = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1",
                       "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
                       "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    users["client"] = client
    # From now on every request must be signed by one who may.
    urllib.request.urlopen(urllib.request.Request(
        endpoint + "/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"}))
    yield users
    stop(process)


@pytest.mark.parametrize("name", S3_NAMES)
def test_s3_signed_by_path(s3, local, tmp_path, name):
    found, told = patches_of(f"s3://slides/{name}", tmp_path, s3["reader"])
    assert found == local
    assert told[0] < 20


def test_s3_signed_by_virtual_host(s3, local, tmp_path):
    env = {**s3["reader"], "AWS_S3_ADDRESSING_STYLE": "virtual"}
    assert patches_of("s3://slides/" + NAMES[0], tmp_path, env)[0] == local


@pytest.mark.parametrize("name", NAMES)
def test_s3_signatures_are_botocores(slide, local, tmp_path, name):
    """Each request's signature, made again from what came by Amazon's own code."""
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    served = tmp_path / "served" / "slides" / name
    served.parent.mkdir(parents=True)
    served.write_bytes(slide.read_bytes())
    keys = Credentials("AKID", "secret", "session")
    with SlideServer(tmp_path / "served") as server:
        env = {"AWS_ENDPOINT_URL": server.url("")[:-1], "AWS_REGION": "eu-west-1",
               "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret",
               "AWS_SESSION_TOKEN": "session", "AWS_REQUEST_PAYER": "requester"}
        assert patches_of(f"s3://slides/{name}", tmp_path, env)[0] == local
        host = f"127.0.0.1:{server.port}"
        for path, headers in server.requests:
            sent = headers["Authorization"]
            names = re.search("SignedHeaders=([^,]+)", sent)[1].split(";")
            request = AWSRequest("GET", f"http://{host}{path}", headers={
                key: value for key, value in headers.items() if key.lower() in names})
            request.context["timestamp"] = headers["x-amz-date"]
            signer = S3SigV4Auth(keys, "s3", "eu-west-1")
            text = signer.string_to_sign(request, signer.canonical_request(request))
            assert sent.endswith("Signature=" + signer.signature(text, request))


def test_s3_refuses_whom_it_must(s3):
    address = "s3://slides/slide.svs"
    said = refusal(address, s3["stranger"])
    assert "access was denied (403, AccessDenied)" in said
    assert "those of the environment (AWS_ACCESS_KEY_ID)" in said
    wrong = {**s3["reader"], "AWS_SECRET_ACCESS_KEY": "wrongsecret"}
    said = refusal(address, wrong)
    assert "SignatureDoesNotMatch" in said and "wrongsecret" not in said
    said = refusal(address, {**s3["reader"], "AWS_ACCESS_KEY_ID": "AKIANOBODY"})
    assert "InvalidAccessKeyId" in said


def test_s3_without_bucket_key_or_bytes(s3):
    assert "has no such key" in refusal("s3://slides/gone.svs", s3["reader"])
    assert "there is no bucket 'gone'" in refusal("s3://gone/slide.svs", s3["reader"])
    assert "an empty file" in refusal("s3://slides/empty.svs", s3["reader"])


# Azure by Azurite


def azure_put(port, path, data=b"", query="", kind=None):
    """A signed PUT by Python's own hmac."""
    date = email.utils.formatdate(usegmt=True)
    headers = {"x-ms-date": date, "x-ms-version": "2021-08-06"}
    if kind:
        headers["x-ms-blob-type"] = kind
    parsed = urllib.parse.parse_qs(query)
    text = "PUT\n\n\n{}\n\n{}\n\n\n\n\n\n\n".format(len(data) or "", "application/octet-stream")
    text += "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    text += f"/{AZURE_ACCOUNT}/{AZURE_ACCOUNT}{path}"
    text += "".join(f"\n{name}:{','.join(parsed[name])}" for name in sorted(parsed))
    signature = base64.b64encode(hmac.digest(base64.b64decode(AZURE_KEY), text.encode(), "sha256"))
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/{AZURE_ACCOUNT}{path}" + (f"?{query}" if query else ""), data=data,
        method="PUT", headers={**headers, "Content-Type": "application/octet-stream",
                               "Authorization": f"SharedKey {AZURE_ACCOUNT}:{signature.decode()}"})
    urllib.request.urlopen(request).read()


def azure_sas(minutes):
    """An account's signature for reading objects."""
    ends = (datetime.datetime.now(datetime.timezone.utc) +
            datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    values = {"sv": "2020-12-06", "ss": "b", "srt": "o", "sp": "r", "se": ends, "spr": "https,http"}
    text = "\n".join([AZURE_ACCOUNT, values["sp"], values["ss"], values["srt"], "", ends, "",
                      values["spr"], values["sv"], "", ""])
    values["sig"] = base64.b64encode(
        hmac.digest(base64.b64decode(AZURE_KEY), text.encode(), "sha256")).decode()
    return urllib.parse.urlencode(values)


@pytest.fixture(scope="module")
def azure(slide, tmp_path_factory):
    program = os.environ.get("AZURITE", "azurite-blob")
    if not shutil.which(program):
        pytest.fail(f"'{program}' is not here: npm install azurite, and name it by AZURITE")
    port = free_port()
    process = serve([program, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location",
                     str(tmp_path_factory.mktemp("azurite")), "--silent", "--skipApiVersionCheck"],
                    port)
    azure_put(port, "/slides", query="restype=container")
    for name in NAMES:
        azure_put(port, "/slides/" + urllib.parse.quote(name), slide.read_bytes(), kind="BlockBlob")
    yield port
    stop(process)


def connection(port, secret):
    return {"AZURE_STORAGE_CONNECTION_STRING":
            f"AccountName={AZURE_ACCOUNT};{secret};"
            f"BlobEndpoint=http://127.0.0.1:{port}/{AZURE_ACCOUNT}"}


@pytest.mark.parametrize("name", NAMES)
def test_azure_by_account_key(azure, local, tmp_path, name):
    found, _ = patches_of(f"az://slides/{name}", tmp_path,
                          connection(azure, f"AccountKey={AZURE_KEY}"))
    assert found == local


def test_azure_by_signature(azure, local, tmp_path):
    sas = azure_sas(30)
    env = connection(azure, f"SharedAccessSignature={sas}")
    assert patches_of("az://slides/slide.svs", tmp_path, env)[0] == local
    # The same, as an address that holds it.
    address = f"http://127.0.0.1:{azure}/{AZURE_ACCOUNT}/slides/slide.svs?{sas}"
    assert patches_of(address, tmp_path)[0] == local
    signature = urllib.parse.parse_qs(sas)["sig"][0]
    for path in tmp_path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert signature.encode() not in data, path
            assert urllib.parse.quote(signature, safe="").encode() not in data, path


def test_azure_refuses_whom_it_must(azure):
    address = "az://slides/slide.svs"
    said = refusal(address, connection(azure, f"SharedAccessSignature={azure_sas(-30)}"))
    assert "access was denied (403" in said and "AZURE_STORAGE_CONNECTION_STRING" in said
    assert "time run out" in said
    other = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    said = refusal(address, connection(azure, f"AccountKey={other}"))
    assert "access was denied (403" in said and other not in said
    good_key = connection(azure, f"AccountKey={AZURE_KEY}")
    assert "has no such blob" in refusal("az://slides/gone.svs", good_key)
    assert "there is no container 'gone'" in refusal("az://gone/slide.svs", good_key)


# Google by gcp-storage-emulator


@pytest.fixture(scope="module")
def google(slide, tmp_path_factory):
    port = free_port()
    process = serve(["gcp-storage-emulator", "start", "--host=127.0.0.1", f"--port={port}",
                     "--in-memory", "--default-bucket=slides"], port,
                    cwd=tmp_path_factory.mktemp("google"))
    for name in NAMES:
        urllib.request.urlopen(urllib.request.Request(
            f"http://127.0.0.1:{port}/upload/storage/v1/b/slides/o?uploadType=media&name=" +
            urllib.parse.quote(name, safe=""), data=slide.read_bytes(), method="POST",
            headers={"Content-Type": "application/octet-stream"})).read()
    yield {"STORAGE_EMULATOR_HOST": f"127.0.0.1:{port}"}
    stop(process)


@pytest.mark.parametrize("name", NAMES)
def test_google_by_the_json_interface(google, local, tmp_path, name):
    assert patches_of(f"gs://slides/{name}", tmp_path, google)[0] == local


def test_google_by_keys_for_interoperability(google, local, tmp_path):
    env = {**google, "GS_ACCESS_KEY_ID": "a", "GS_SECRET_ACCESS_KEY": "b"}
    assert patches_of("gs://slides/slide.svs", tmp_path, env)[0] == local


def test_google_without_object_or_bucket(google):
    assert "no such object, or no bucket 'slides'" in refusal("gs://slides/gone.svs", google)
    assert "no bucket 'gone'" in refusal("gs://gone/slide.svs", google)
