"""The cases of the suite that are the same in every protocol: Basic, Errors, Duplicate Metadata, Deadlines."""

import struct
import time

import pytest
from calls import CODES, SETTINGS, Call, call
from google.protobuf.any_pb2 import Any
from orders import (
    HEADERS,
    KINDS,
    ONE_RESPONSE,
    REQUEST_HEADERS,
    TRAILERS,
    check_info,
    check_metadata_of,
    method_of,
    packed,
    requests,
    seen,
)
from schemas import pb

HTTP_2 = pytest.mark.parametrize("setting", [setting for setting in SETTINGS if setting.http == 2], ids=str)
BINARY = [setting for setting in SETTINGS if (setting.codec, setting.compression) == ("proto", "identity")]
STREAMS = [kind for kind in KINDS if kind not in ONE_RESPONSE]
LARGE = bytes(range(256)) * 40  # Worth compressing.


def run(port, kind, setting, messages, **options):
    """The call, read to its end, and its responses; in full duplex each response is awaited."""
    options.setdefault("headers", REQUEST_HEADERS)
    if kind != "FullDuplex":
        return call(port, setting, method_of(kind), *messages, **options)
    with Call(port, setting, "BidiStream", **options) as running:
        responses = []
        for message in messages:
            running.send(message)
            if (response := running.next()) is None:
                break
            responses.append(response)
        running.finish()
        return running, responses + running.rest()


# Basic


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_succeeds(port, setting, kind):
    data = [b"first"] if kind in ONE_RESPONSE else [b"first", LARGE, b""]
    messages = requests(kind, data)
    running, responses = run(port, kind, setting, messages)
    assert running.failure is None
    assert [response.payload.data for response in responses] == data
    check_metadata_of(running)
    check_info(responses[0].payload.request_info, messages[:1] if kind == "FullDuplex" else messages)
    for message, response in zip(messages[1:], responses[1:], strict=False):
        if kind == "FullDuplex":
            assert response.payload.request_info == pb.ConformancePayload.RequestInfo(
                requests=response.payload.request_info.requests
            )
            assert seen(response.payload.request_info) == packed([message])
        else:
            assert not response.payload.HasField("request_info")


@pytest.mark.parametrize("kind", ["Unary", "ServerStream"])
def test_a_large_response_is_compressed_if_the_client_accepts_it(port, setting, kind):
    running, [response] = run(port, kind, setting, requests(kind, [LARGE]))
    assert response.payload.data == LARGE
    assert running.compressed[0] == (setting.compression == "gzip")


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_without_an_order_succeeds(port, setting, kind):
    messages = [type(message)(request_data=b"x") for message in requests(kind)]
    if kind == "FullDuplex":
        messages[0].full_duplex = True
    running, responses = run(port, kind, setting, messages)
    assert running.failure is None
    if kind in ONE_RESPONSE:
        [response] = responses
        assert response.payload.data == b""
        check_info(response.payload.request_info, messages)
    else:
        assert responses == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_order_without_data_is_answered_without(port, setting, kind):
    running, responses = run(port, kind, setting, requests(kind))
    assert running.failure is None
    assert [response.payload.data for response in responses] == ([b""] if kind in ONE_RESPONSE else [])
    check_metadata_of(running)


@pytest.mark.parametrize("kind", ["ClientStream", "HalfDuplex"])
def test_a_stream_without_requests_succeeds(port, setting, kind):
    running, responses = call(port, setting, method_of(kind), headers=REQUEST_HEADERS)
    assert running.failure is None
    if kind == "ClientStream":
        check_info(responses[0].payload.request_info, [])
    else:
        assert responses == []


def test_what_is_not_implemented_says_so(port, setting):
    running, responses = call(port, setting, "Unimplemented", pb.UnimplementedRequest())
    assert (responses, running.failure.code) == ([], "unimplemented")


@HTTP_2
def test_full_duplex_sends_what_is_left_when_the_client_has_finished(port, setting):
    data = [b"1", b"2", b"3", b"4"]
    messages = requests("FullDuplex", data, count=2)
    running, responses = run(port, "FullDuplex", setting, messages)
    assert [response.payload.data for response in responses] == data
    assert not responses[2].payload.HasField("request_info")


@HTTP_2
def test_full_duplex_ends_when_a_request_comes_and_no_data_is_left(port, setting):
    error = pb.Error(code=pb.CODE_ABORTED, message="enough")
    messages = requests("FullDuplex", [b"1"], error, count=5)
    running, responses = run(port, "FullDuplex", setting, messages)
    assert [response.payload.data for response in responses] == [b"1"]
    assert (running.failure.code, running.failure.details) == ("aborted", [])


def test_headers_of_a_stream_come_before_a_delayed_response(port, setting):
    with Call(port, setting, "ServerStream") as running:
        running.send(*requests("ServerStream", [b"late"], delay_ms=300))
        running.finish()
        began = time.monotonic()
        assert running.head.status == 200
        assert time.monotonic() - began < 0.2
        assert [response.payload.data for response in running.rest()] == [b"late"]
        assert time.monotonic() - began >= 0.25


# Errors


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_each_code(port, setting, kind, code):
    error = pb.Error(code=CODES[code][0], message=f"this is {code}")
    messages = requests(kind, error=error)
    running, responses = run(port, kind, setting, messages)
    assert responses == []
    assert (running.failure.code, running.failure.message) == (code, error.message)
    [(kind_of_detail, _)] = running.failure.details
    assert kind_of_detail.endswith("RequestInfo")
    check_info(running.failure.info(), messages[:1] if kind == "FullDuplex" else messages)
    check_metadata_of(running)


MESSAGES = {
    "none": "",
    "spaces": "  two at each end  ",
    "unicode": "žluťoučký 🐎 ünïcödé",
    "lines": "one\r\ntwo\n\tthree",
    "markup": "100 % <b>\"quoted\\\" & 'so'</b> \u2028 \x00\x7f",
}


@pytest.mark.parametrize("text", MESSAGES.values(), ids=MESSAGES)
@pytest.mark.parametrize("kind", ["Unary", "ServerStream"])
def test_an_error_message_arrives_as_it_is(port, setting, kind, text):
    running, _ = run(port, kind, setting, requests(kind, error=pb.Error(code=pb.CODE_INTERNAL, message=text)))
    assert (running.failure.code, running.failure.message) == ("internal", text)


@pytest.mark.parametrize("kind", KINDS)
def test_error_details_arrive_in_order(port, setting, kind):
    details = [pb.Header(name="x", value=["1", "2"]), pb.UnaryRequest(request_data=b"\xff\x00"), pb.Header()]
    error = pb.Error(code=pb.CODE_NOT_FOUND, message="no", details=map(pack, details))
    running, _ = run(port, kind, setting, requests(kind, error=error))
    assert running.failure.details[:-1] == [(m.DESCRIPTOR.full_name, m.SerializeToString()) for m in details]
    running.failure.info()


def pack(message):
    packed = Any()
    packed.Pack(message)
    return packed


@pytest.mark.parametrize("kind", STREAMS)
def test_an_error_after_responses(port, setting, kind):
    details = [pb.Header(name="only")]
    error = pb.Error(code=pb.CODE_DATA_LOSS, message="lost", details=map(pack, details))
    running, responses = run(port, kind, setting, requests(kind, [b"1", b"2"], error))
    assert [response.payload.data for response in responses] == [b"1", b"2"]
    assert (running.failure.code, running.failure.message) == ("data_loss", "lost")
    assert [name for name, _ in running.failure.details] == ["connectrpc.conformance.v1.Header"]
    check_metadata_of(running)


# Duplicate metadata


@pytest.mark.parametrize("outcome", ["success", "error"])
@pytest.mark.parametrize("kind", KINDS)
def test_repeated_headers_and_trailers_keep_their_order(port, setting, kind, outcome):
    headers = [pb.Header(name="x-repeated", value=["z", "a", "z", "m"]), *HEADERS]
    trailers = [pb.Header(name="x-repeated-trailer", value=["9", "1", "9"]), *TRAILERS]
    error = pb.Error(code=pb.CODE_ABORTED) if outcome == "error" else None
    data = [] if error else [b"data"]
    running, _ = run(port, kind, setting, requests(kind, data, error, headers, trailers))
    assert (running.failure is None) == (outcome == "success")
    check_metadata_of(running, headers, trailers)


def test_binary_metadata_is_unpadded(port, setting):
    headers = [pb.Header(name="x-data-bin", value=["AAECAw", "/+8"])]
    trailers = [pb.Header(name="x-end-bin", value=["AA"])]
    running, _ = run(port, "ServerStream", setting, requests("ServerStream", [b"x"], None, headers, trailers))
    check_metadata_of(running, headers, trailers)


# Empty requests


@pytest.mark.parametrize("setting", BINARY, ids=str)
@pytest.mark.parametrize("kind", ["Unary", "ServerStream", "ClientStream", "HalfDuplex"])
def test_a_message_of_no_bytes_is_a_message(port, setting, kind):
    running, responses = run(port, kind, setting, [b""])
    assert running.failure is None
    if kind in ONE_RESPONSE:
        [response] = responses
        assert [value for _, value in seen(response.payload.request_info)] == [b""]


# Deadlines


@pytest.mark.parametrize("kind", KINDS)
def test_a_timeout_is_told(port, setting, kind):
    messages = requests(kind, [b"in time"])
    running, responses = run(port, kind, setting, messages, timeout_ms=2000)
    assert running.failure is None
    info = responses[0].payload.request_info
    check_info(info, messages[:1] if kind == "FullDuplex" else messages, timeout_ms=2000)


@pytest.mark.parametrize("kind", KINDS)
def test_the_server_ends_a_call_at_its_deadline(port, setting, kind):
    """This client never gives up by itself."""
    began = time.monotonic()
    running, responses = run(port, kind, setting, requests(kind, [b"late"], delay_ms=1500), timeout_ms=200)
    assert (responses, running.failure.code) == ([], "deadline_exceeded")
    assert 0.19 <= time.monotonic() - began < 1.0


@pytest.mark.parametrize("kind", ["ClientStream", "HalfDuplex"])
def test_the_server_ends_a_call_whose_requests_do_not_come(port, setting, kind):
    began = time.monotonic()
    with Call(port, setting, method_of(kind), timeout_ms=200) as running:
        running.send(requests(kind)[0])
        assert running.next() is None
        assert running.failure.code == "deadline_exceeded"
    assert 0.19 <= time.monotonic() - began < 1.0


def test_a_deadline_after_the_first_responses(port, setting):
    messages = requests("ServerStream", [b"one of many"] * 100, delay_ms=20)
    running, responses = run(port, "ServerStream", setting, messages, timeout_ms=300)
    assert 1 <= len(responses) < 15
    assert running.failure.code == "deadline_exceeded"
    check_metadata_of(running)


# The body, in pieces


def test_requests_may_be_cut_anywhere(port, setting):
    messages = requests("ClientStream", [b"whole"])
    with Call(port, setting, "ClientStream", headers=REQUEST_HEADERS) as running:
        data = b""
        for message in messages:
            payload = setting.payload(message)
            data += struct.pack(">BI", int(setting.compression == "gzip"), len(payload)) + payload
        for byte in data:
            running.send_bytes(bytes([byte]))
        running.finish()
        [response] = running.rest()
        check_info(response.payload.request_info, messages)
