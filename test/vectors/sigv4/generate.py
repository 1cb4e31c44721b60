#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the SigV4 vectors of this folder, stage by stage, with a signer that shares nothing with Weir's."""
import hashlib
import hmac
import os
from urllib.parse import quote, unquote_to_bytes

HERE = os.path.dirname(os.path.abspath(__file__))
DOC = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
S3DOC = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
EMPTY = hashlib.sha256(b"").hexdigest()
NOW = "20260102T030405Z"
HOST = ("Host", "bedrock-runtime.us-east-1.amazonaws.com")
JSON = ("Content-Type", "application/json")
DATE = ("X-Amz-Date", NOW)
ARN = "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabcdef123456"
HELLO = '{"messages":[{"role":"user","content":[{"text":"hi \u2013 \u00fc"}]}]}'


def bedrock(target, *fields, method="POST", body=HELLO):
    return dict(key=DOC, time=NOW, scope="us-east-1/bedrock", method=method, target=target,
                fields=[HOST, DATE, *fields], body=body)


def s3(target, *fields, method="GET", body="", signature):
    time = "20130524T000000Z"
    sha = hashlib.sha256(body.encode()).hexdigest()
    return dict(key=S3DOC, time=time, scope="us-east-1/s3", rule="s3", method=method, target=target, body=body,
                fields=[("Host", "examplebucket.s3.amazonaws.com"), ("x-amz-content-sha256", sha),
                        ("x-amz-date", time), *fields], signature=signature)


CASES = {
    "iam-list-users": dict(
        key=DOC, time="20150830T123600Z", scope="us-east-1/iam", method="GET",
        target="/?Action=ListUsers&Version=2010-05-08", body="",
        fields=[("Host", "iam.amazonaws.com"),
                ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
                ("X-Amz-Date", "20150830T123600Z")],
        signature="5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"),
    "s3-get-object": s3("/test.txt", ("Range", "bytes=0-9"),
                        signature="f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
    "s3-put-object": s3("/test%24file.text", ("Date", "Fri, 24 May 2013 00:00:00 GMT"),
                        ("x-amz-storage-class", "REDUCED_REDUNDANCY"), method="PUT", body="Welcome to Amazon S3.",
                        signature="98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
    "s3-get-lifecycle": s3("/?lifecycle",
                           signature="fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
    "s3-list-objects": s3("/?max-keys=2&prefix=J",
                          signature="34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    "s3-path-as-it-is": dict(
        key=DOC, time=NOW, scope="us-east-1/s3", rule="s3", method="GET", target="//a/../b%20c%2B/./d:e", body="",
        fields=[("Host", "bucket.s3.amazonaws.com"), DATE, ("x-amz-content-sha256", EMPTY)]),
    "bedrock-id-encoded": bedrock("/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse", JSON),
    "bedrock-id-bare-colon": bedrock("/model/anthropic.claude-3-haiku-20240307-v1:0/invoke", JSON),
    "bedrock-arn-encoded": bedrock(f"/model/{ARN}/converse-stream", JSON),
    "bedrock-arn-bare-colons": bedrock(f"/model/{ARN.replace('%3A', ':')}/invoke", JSON),
    "bedrock-arn-bare-slash": bedrock(f"/model/{ARN.replace('%2F', '/')}/converse", JSON),
    "bedrock-prefix": bedrock(f"/w/nightly/model/{ARN}/converse", JSON),
    "bedrock-session-token": bedrock("/model/amazon.nova-lite-v1%3A0/converse", JSON,
                                     ("X-Amz-Security-Token", "IQoJb3JpZ2luX2VjEXAMPLE/+token==")),
    "bedrock-not-signed": bedrock("/model/amazon.nova-lite-v1%3A0/converse", JSON, ("User-Agent", "Boto3/1.40.72"),
                                  ("amz-sdk-request", "attempt=1"), ("amz-sdk-invocation-id", "0000-4000"),
                                  ("Connection", "keep-alive"), ("Proxy-Authorization", "Basic eA=="),
                                  ("x-amzn-trace-id", "Root=1-2"), ("TE", "trailers"), ("Expect", "100-continue")),
    "bedrock-fields-folded": bedrock("/model/amazon.nova-lite-v1%3A0/converse", ("X-B", "  two   words\tand tab "),
                                     ("X-A", "first"), ("x-a", ""), ("X-A", " third  one "), ("X-Empty", "   ")),
    "bedrock-list-async": bedrock("/async-invoke?statusEquals=InProgress&maxResults=5&nextToken=a%2fb%3D%3d+c&&x&x=",
                                  method="GET", body=""),
    "bedrock-query-order": bedrock("/async-invoke?b=2&a=2&b=1&a=&a%2D=1&A=1&%61=1&%zz=%4&=v&%C3%BC=\u00fc",
                                   method="GET", body=""),
    "path-dots": bedrock("/./a//b/../c/%2e%2E/.../d/.", method="GET", body=""),
    "path-above-root": bedrock("/../../a/..//", method="GET", body=""),
    "path-utf8": bedrock("/model/\u00fc %zz$/~x", method="GET", body=""),
    "h2-authority": dict(
        key=DOC, time=NOW, scope="us-east-1/bedrock", method="POST", target=f"/model/{ARN}/converse", body=HELLO,
        fields=[(":authority", "127.0.0.1:8080"), DATE, JSON, ("Content-Length", str(len(HELLO.encode()))),
                ("x-amz-content-sha256", hashlib.sha256(HELLO.encode()).hexdigest())]),
}


def never_signed(name):
    return name in ("authorization", "connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding",
                    "upgrade", "user-agent", "x-amzn-trace-id") or name.startswith(("proxy-", "amz-sdk-"))


def canonical_path(path, rule):
    if rule == "s3":
        return path
    kept = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    slash = "/" if path.endswith("/") and kept else ""
    return "/" + "/".join(quote(s, safe="-_.~") for s in kept) + slash


def canonical_query(query):
    pairs = []
    for piece in query.split("&"):
        name, _, value = piece.partition("=")
        if piece:
            pairs.append(tuple(quote(unquote_to_bytes(x), safe="-_.~") for x in (name, value)))
    return "&".join("=".join(p) for p in sorted(pairs))


def stages(case):
    path, _, query = case["target"].partition("?")
    region, service = case["scope"].split("/")
    values = {}
    for name, value in case["fields"]:
        if not never_signed(name.lower()):
            values.setdefault(name.lower(), []).append(" ".join(value.split()))
    names = ";".join(sorted(values))
    lines = [f"{n}:{','.join(values[n])}" for n in sorted(values)]
    canonical = "\n".join([case["method"], canonical_path(path, case.get("rule")), canonical_query(query), *lines, "",
                           names, hashlib.sha256(case["body"].encode()).hexdigest()])
    scope = f"{case['time'][:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", case["time"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + case["key"][1]).encode()
    for part in (*scope.split("/"), to_sign):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    assert case.get("signature", key.hex()) == key.hex()
    authorization = (f"AWS4-HMAC-SHA256 Credential={case['key'][0]}/{scope}, SignedHeaders={names}, "
                     f"Signature={key.hex()}")
    head = "".join(f"{n}:{v}\n" for n, v in case["fields"])
    return {
        "request.txt": f"{case['method']} {case['target']} HTTP/1.1\n{head}\n{case['body']}",
        "scope.txt": f"access_key {case['key'][0]}\nsecret {case['key'][1]}\ntime {case['time']}\nregion {region}\n"
                     f"service {service}\npath {case.get('rule', 'normal')}\n",
        "canonical-request.txt": canonical, "string-to-sign.txt": to_sign, "signature.txt": key.hex(),
        "authorization.txt": authorization,
    }


for case_name, case_data in CASES.items():
    os.makedirs(os.path.join(HERE, case_name), exist_ok=True)
    for file_name, text in stages(case_data).items():
        with open(os.path.join(HERE, case_name, file_name), "w", encoding="utf-8") as out:
            out.write(text)
print(len(CASES), "cases written")
